// Where prefix-tuning's vectors stand: in front at every layer, inside ([x; INFIX; y]), or only in
// front of the words (prompt with an MLP).
#include "engine/autograd/gradcheck.h"
#include "engine/io/safetensors.h"
#include "peft/adapter_file.h"
#include "peft/prefix.h"
#include "tests/peft/support.h"

using namespace testing;

namespace {

const std::vector<std::string> kCausal = {"../decoders/gpt2", "../decoders/llama",
                                          "../decoders/mistral"};
const std::vector<std::string> kPlacements = {
    "prefix:length=3,flat=true,placement=infix", "prefix:length=3,hidden=5,placement=infix",
    "prompt:length=3,hidden=5", "prompt:length=2+prefix:length=2,hidden=4,placement=infix"};

// y begins at the third token of the first sequence, at the only one of the second, and at the last
// of the third.
void set_targets(Subject& s) {
  s.batch.targets.assign(s.batch.ids.size(), -1);
  for (const size_t row : {2u, 3u, 5u, 14u}) s.batch.targets[row] = 1;
}

Matrix hidden(Subject& s) {
  engine::Graph g(s.workspace, {.record = false});
  return s.model.encode(g, s.batch).mat();
}

}  // namespace

TEST_CASE("the gradient of an infix and of a prompt that an MLP makes") {
  for (const std::string& type : kCausal)
    for (const std::string& spec : kPlacements)
      for (const bool targets : {false, true}) {
        CAPTURE(type);
        CAPTURE(spec);
        Subject s(type, spec);
        if (targets) set_targets(s);
        s.shake(0.2);
        const std::vector<engine::Leaf*> leaves(s.store->trainable().begin(),
                                                s.store->trainable().end());
        const auto error = engine::directional_check(s.workspace, leaves,
                                                     [&](engine::Graph& g) { return s.loss(g); });
        CHECK_MESSAGE(error.relative < (kDouble ? 1e-6 : 2e-2), error.text());
      }
}

TEST_CASE("an infix is seen by the tokens behind its place only, a prefix by all") {
  for (const std::string& type : kCausal) {
    CAPTURE(type);
    Subject plain(type, "frozen"), infix(type, "prefix:length=3,flat=true,placement=infix"),
        prefix(type, "prefix:length=3,flat=true");
    for (Subject* s : {&plain, &infix, &prefix}) set_targets(*s);
    infix.shake();
    prefix.shake();
    const Matrix none = hidden(plain), inside = hidden(infix), front = hidden(prefix);
    for (Eigen::Index row = 0; row < none.rows(); ++row) {
      CAPTURE(row);
      const bool behind = (row >= 2 && row <= 5) || row == 14;  // rows 0-4, 5, 6-14 are sequences
      const auto moved = [&](const Matrix& x) {
        return (x.row(row) - none.row(row)).cwiseAbs().maxCoeff();
      };
      if (behind)
        CHECK(moved(inside) > 1e-3);
      else
        CHECK(moved(inside) < 1e-5);
      CHECK(moved(front) > 1e-3);
    }
  }
}

TEST_CASE("an infix in front of every first token is a prefix") {
  for (const std::string& type : kCausal) {
    Subject infix(type, "prefix:length=3,flat=true,placement=infix"),
        prefix(type, "prefix:length=3,flat=true");
    for (Subject* s : {&infix, &prefix}) {
      s->batch.targets.assign(s->batch.ids.size(), 1);
      s->shake();
    }
    CHECK(difference(hidden(infix), hidden(prefix)) < 1e-5);
  }
}

TEST_CASE("a model with an infix is read at some rows as at all") {
  Subject s("../decoders/gpt2", "prefix:length=3,flat=true,placement=infix");
  set_targets(s);
  s.shake();
  const Matrix all = hidden(s);
  engine::Graph g(s.workspace, {.record = false});
  const std::vector<int32_t> rows = {1, 3, 14};
  const Matrix some = s.model.encode_at(g, s.batch, rows).mat();
  for (size_t i = 0; i < rows.size(); ++i)
    CHECK((some.row(static_cast<Eigen::Index>(i)) - all.row(rows[i])).cwiseAbs().maxCoeff() < 1e-5);
}

TEST_CASE("an adapter with an infix, or with a prompt of an MLP, is read back as it was saved") {
  for (const std::string& spec : kPlacements) {
    CAPTURE(spec);
    TempDir dir;
    Subject s("../decoders/gpt2", spec);
    s.shake();
    peft::save_adapter(dir.path(), *s.strategy, *s.store, {.base_model = "tiny"}, s.sites);
    const peft::AdapterFile file = peft::load_adapter(dir.path());
    // PEFT knows vectors in front of the words, and no infix.
    CHECK(file.peft == (spec == "prompt:length=3,hidden=5"));
    Subject again("../decoders/gpt2", file.spec);
    peft::apply_adapter(file, *again.store, "");
    CHECK(difference(s.logits(), again.logits()) < 1e-6);
  }
}

TEST_CASE("a file has the values of what began as words, so its spec does not say the words") {
  TempDir dir;
  Subject s("../decoders/gpt2", "bitfit+prompt:length=2");
  peft::save_adapter(dir.path(), *s.strategy, *s.store, {.base_model = "tiny"}, s.sites);
  CHECK(peft::load_adapter(dir.path()).spec == "bitfit+prompt:length=2");
  engine::Json config = engine::json_file(dir / "adapter_config.json");
  config["peft_cpp"]["spec"] = "bitfit+prompt:length=2,init=text,text=a word";
  write_file(dir / "adapter_config.json", config.dump());
  CHECK(peft::load_adapter(dir.path()).spec == "bitfit+prompt:length=2");
}

TEST_CASE("placements and beginnings that do not go together are refused") {
  const auto message = [](const std::string& spec) {
    return message_of([&] { peft::make_strategy(spec); });
  };
  CHECK(contains(message("prefix:placement=middle"), "prefix, infix"));
  CHECK(contains(message("prefix:init=words"), "flat=true"));
  CHECK(contains(message("prefix:flat=true,init=text"), "without a text"));
  CHECK(contains(message("prefix:flat=true,init=words,std=1"), "std="));
  CHECK(contains(message("prompt:hidden=4,text=a word"), "cannot begin as words"));
  CHECK(peft::make_strategy("prefix:flat=true,text=a word, and more")->options().at("init") ==
        "text");
  CHECK(peft::make_strategy("prefix:length=4,placement=infix,hidden=7")->full_spec() ==
        "prefix:length=4,flat=false,hidden=7,placement=infix");
  CHECK(contains(message_of([] { Subject("../decoders/gpt2", "prefix:flat=true,init=words"); }),
                 "with a causal model and its tokenizer"));
}
