// Which parameters learn, what is added, and how many: against the independent PyTorch goldens and
// the closed forms.
#include "peft/count.h"
#include "tests/peft/support.h"

using namespace testing;

TEST_CASE("the trained parameters are those of the goldens, for every model and strategy") {
  for (const auto& type : kTypes)
    for (const auto& entry : engine::json_file(golden("models/specs.json"))) {
      const std::string spec = entry.at("spec");
      CAPTURE(type);
      CAPTURE(spec);
      const auto steps = engine::json_file(
          golden("models/" + type + "/steps/" + entry.at("file").get<std::string>() + ".json"));
      std::vector<std::string> wanted;
      Subject s(type, spec, true);
      for (const auto& p : steps.at("trainable")) {
        wanted.push_back(p.at("name"));
        const Parameter* found = s.store->find(wanted.back());
        REQUIRE_MESSAGE(found != nullptr, wanted.back());
        CHECK_MESSAGE(p.at("shape") == engine::Json(found->dims), wanted.back());
        CHECK_MESSAGE(p.at("decay") == found->decays(), wanted.back());
      }
      CHECK(s.trainable_names() == wanted);
      CHECK(peft::count(s.model).trainable == steps.at("trainable_count").get<int64_t>());
      for (const Parameter* p : s.store->all())
        if (p->role == Role::injected || p->role == Role::head) CHECK_FALSE(p->required);
    }
}

TEST_CASE("BitFit's terms are those of the goldens; one that a model does not have is an error") {
  for (const auto& type : kTypes) {
    const auto terms = engine::json_file(golden("models/" + type + "/bitfit_terms.json"));
    for (const auto& [term, names] : terms.items()) {
      CAPTURE(type);
      const auto& this_term = term;
      CAPTURE(this_term);
      if (names.empty()) {
        CHECK(contains(message_of([&] { Subject s(type, "bitfit:terms=" + term, true); }),
                       "no bias for term " + term));
        continue;
      }
      Subject s(type, "bitfit:terms=" + term, true);
      std::vector<std::string> trained;
      for (const Parameter* p : s.store->all())
        if (p->trainable && p->role != Role::head) trained.push_back(p->name);
      CHECK(engine::Json(trained) == names);
    }
  }
}

namespace {

peft::Count count_of(const std::string& model, const std::string& spec) {
  models::SequenceClassifier classifier(models::config_from_spec(model, 30522));
  auto sites = classifier.sites();
  const auto strategy = peft::make_strategy(spec);
  peft::apply(*strategy, sites, classifier);
  return peft::count(classifier);
}

const std::string kBase =
    "random:type=bert,layers=12,hidden=768,heads=12,ffn=3072,vocab=30522,positions=512";
const std::string kLarge =
    "random:type=bert,layers=24,hidden=1024,heads=16,ffn=4096,vocab=30522,positions=512";

}  // namespace

// Published or derived by hand: shared/reference/papers.md, "Parameter counts"; each is without the
// head.
TEST_CASE("the published parameter counts of BERT-base and BERT-large") {
  struct Row {
    const char* spec;
    int64_t base, large;
  };
  for (const Row& row : std::vector<Row>{
           {"frozen", 0, 0},
           {"bitfit", 102912, 272384},
           {"bitfit:terms=query+key+value+attention_output+ffn_in+ffn_out+attention_norm+ffn_norm",
            101376, 270336},
           {"bitfit:terms=query+ffn_in", 46080, 122880},
           {"bitfit:terms=ffn_in", 36864, 98304},
           {"bitfit:terms=query", 9216, 24576},
           {"lora:r=8", 294912, 786432},
           {"lora:r=8,roles=query+key+value+attention_output+ffn_in+ffn_out", 1327104, 3538944},
           {"adapter:kind=houlsby,size=64", 2379264, 6343680},
           {"adapter:kind=houlsby,size=8", 313536, 835968},
           {"adapter:kind=houlsby,size=256", 9461760, 25227264},
           {"adapter:kind=houlsby,size=64,train_layer_norm=true", 2379264 + 38400,
            6343680 + 100352},
           {"adapter:kind=pfeiffer", 894528, 3171840},
           {"adapter:kind=houlsby", 1789056, 6343680},
           {"prefix:length=20,flat=true", 368640, 983040},
           {"ia3:roles=key+value+attention_output+ffn_out", 64512, 172032},
           {"ia3", 55296, 147456},
           {"full", 109482240, 335141888},
       }) {
    CAPTURE(row.spec);
    const auto base = count_of(kBase, row.spec), large = count_of(kLarge, row.spec);
    CHECK(base.head == 1538);
    CHECK(large.head == 2050);
    CHECK(base.trainable - base.head == row.base);
    CHECK(large.trainable - large.head == row.large);
    CHECK(base.total - base.injected == 109483778);
  }
  CHECK(peft::text(count_of(kBase, "lora")) ==
        "trainable params: 296,450 || all params: 109,778,690 || trainable%: 0.2700");
  CHECK(count_of(kBase, "prefix:length=20,flat=false,hidden=512").injected ==
        20 * 768 + 768 * 512 + 512 + 512 * 18432 + 18432);
}

TEST_CASE("the published counts of other encoders") {
  const std::string roberta =
      "random:type=roberta,layers=12,hidden=768,heads=12,ffn=3072,vocab=50265,positions=514";
  CHECK(count_of(roberta, "bitfit").trainable ==
        694274);  // the whole head, 592,130, and 102,144 biases
  CHECK(count_of(roberta, "lora").trainable == 887042);  // as PEFT prints
  const std::string distil =
      "random:type=distilbert,layers=6,hidden=768,heads=12,ffn=3072,vocab=30522,positions=512";
  CHECK(count_of(distil, "bitfit").trainable == 51456 + 592130);
  CHECK(count_of(distil, "lora").trainable == 147456 + 592130);
  const std::string electra =
      "random:type=electra,layers=12,hidden=256,embedding=128,heads=4,ffn=1024,vocab=30522,"
      "positions=512";
  CHECK(count_of(electra, "bitfit").trainable == 34176 + 66306);
  CHECK(count_of(electra, "lora").trainable == 98304 + 66306);
  const std::string tiny =
      "random:type=bert,layers=2,hidden=128,heads=2,ffn=512,vocab=30522,positions=512";
  CHECK(count_of(tiny, "bitfit").trainable == 3330);
  CHECK(count_of(tiny, "bitfit").total == 4386178);
}

TEST_CASE("what a model cannot offer is an error") {
  const auto message = [](const std::string& type, const std::string& spec) {
    return message_of([&] { Subject s(type, spec, true); });
  };
  CHECK(contains(message("bert", "top:layers=3"), "the model has 2"));
  CHECK(contains(message("bert", "lora:layers=2"), "the model has 2 layers"));
  CHECK(contains(message("bert", "adapter:layers=5"), "the model has 2 layers"));
  CHECK(contains(message("bert", "lora:pattern=query"), "matches no linear layer"));
  CHECK(
      contains(message("bert", "lora:pattern=query"), "bert.encoder.layer.0.attention.self.query"));
  CHECK(contains(message("bert", "lora:pattern=(query"), "no regular expression"));
  CHECK(contains(message("bert", "lora:pattern=classifier"),
                 "matches no linear layer"));  // the head is trained as it is
  CHECK(contains(message("roberta", "lora:roles=pooler"), "no layer of role pooler"));
  CHECK(contains(message("bert", "adapter:reduction=64"), "size="));
}

TEST_CASE("options choose layers") {
  const auto injected = [](const std::string& spec) {
    Subject s("bert", spec, true);
    return peft::count(s.model).injected;
  };
  CHECK(injected("lora:r=2,layers=1") == 2 * 2 * 64);
  CHECK(injected("lora:r=2,roles=pooler") == 2 * 64);
  CHECK(injected("ia3:layers=0") == 32 + 32 + 64);
  CHECK(injected("adapter:size=4,layers=1,kind=pfeiffer") == 2 * 4 * 32 + 32 + 4);
  Subject top("bert", "top:layers=1", true);
  CHECK(top.store->find("bert.pooler.dense.weight")->trainable);
  CHECK_FALSE(top.store->find("bert.encoder.layer.0.output.dense.weight")->trainable);
  CHECK(Subject("bert", "top:layers=2", true)
            .store->find("bert.encoder.layer.0.output.dense.weight")
            ->trainable);
}
