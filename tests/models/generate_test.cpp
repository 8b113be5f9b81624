// Generation against transformers' generate (tools/goldens/decoders.py), and what must hold for any
// model: the same ids whatever is computed beside them.
#include "models/generate.h"

#include "tests/models/decoders.h"

using namespace testing;
using models::Generated;
using models::GenerateOptions;

namespace {

using Ids = std::vector<int32_t>;

std::vector<Generated> written(Decoder& decoder, const Prompts& prompts,
                               const GenerateOptions& options) {
  return models::Generator(*decoder.model, decoder.head, decoder.workspace).run(prompts, options);
}

std::vector<Ids> ids_of(const std::vector<Generated>& all) {
  std::vector<Ids> ids;
  for (const Generated& g : all) ids.push_back(g.ids);
  return ids;
}

GenerateOptions four_beams() {
  GenerateOptions o;
  o.beams = 4;
  o.length_penalty = 0.8;
  o.no_repeat_ngram = 4;
  o.max_new_tokens = 16;
  return o;
}

void check_beams(Decoder& decoder, const Json& wanted, const Prompts& prompts,
                 const GenerateOptions& options) {
  const auto mine = written(decoder, prompts, options);
  for (size_t p = 0; p < prompts.size(); ++p) {
    CAPTURE(p);
    CHECK(mine[p].ids == wanted[p]["ids"].get<Ids>());
    CHECK(std::abs(mine[p].score - wanted[p]["score"].get<double>()) < 1e-4);
  }
}

}  // namespace

TEST_CASE("greedy search writes the ids of transformers") {
  for (const auto& name : kDecoders) {
    CAPTURE(name);
    const Json golden = golden_of(name);
    Decoder decoder(name);
    const auto mine = written(decoder, prompts_of(golden), {.max_new_tokens = 12});
    CHECK(ids_of(mine) == golden["greedy"].get<std::vector<Ids>>());
    for (const Generated& g : mine) CHECK(!g.ended);
  }
}

TEST_CASE("beam search writes the ids of transformers, with end ids and without") {
  for (const auto& name : kDecoders) {
    CAPTURE(name);
    const Json golden = golden_of(name);
    Decoder decoder(name);
    GenerateOptions options = four_beams();
    check_beams(decoder, golden["beams_no_end"], prompts_of(golden), options);
    options.end = golden["end"].get<Ids>();
    check_beams(decoder, golden["beams"], prompts_of(golden), options);
  }
}

TEST_CASE("a prefix and a prompt strategy take their positions from what is written") {
  for (const std::string spec : {"prefix:length=5,flat=true", "prompt:length=5"}) {
    CAPTURE(spec);
    Decoder decoder("llama", spec);
    const Prompts prompts = {{3, 4, 5}};
    REQUIRE(decoder.model->facts().longest == 64);
    GenerateOptions options;
    options.max_new_tokens = 64 - 5 - 3;
    CHECK(written(decoder, prompts, options)[0].ids.size() == 56);
    ++options.max_new_tokens;
    CHECK(contains(message_of([&] { written(decoder, prompts, options); }),
                   "the model has 59 positions"));
  }
}

TEST_CASE("a prompt's continuation does not depend on what is computed beside it") {
  const Prompts prompts = prompts_of(golden_of("llama"));
  Decoder decoder("llama");
  for (const std::string kind : {"greedy", "sampled", "beams"}) {
    CAPTURE(kind);
    GenerateOptions options = kind == "beams" ? four_beams() : GenerateOptions{};
    options.sample = kind == "sampled";
    options.seed = 3;
    options.end = {static_cast<int32_t>(golden_of("llama")["end"][0])};
    const auto together = ids_of(written(decoder, prompts, options));
    options.batch = 1;
    CHECK(ids_of(written(decoder, prompts, options)) == together);
    options.batch = 3;
    CHECK(ids_of(written(decoder, prompts, options)) == together);
  }
}

TEST_CASE("unmerged LoRA and a prefix write what reading everything again would") {
  for (const std::string adapter : {"lora", "prefix"}) {
    CAPTURE(adapter);
    Decoder decoder("qwen3", "", adapter);
    const Prompts prompts = prompts_of(golden_of("qwen3"));
    const auto mine = written(decoder, prompts, {.max_new_tokens = 10});
    for (size_t p = 0; p < prompts.size(); ++p) {
      CAPTURE(p);
      Ids ids = prompts[p];
      double sum = 0;
      for (int i = 0; i < 10; ++i) {
        const Matrix logits = decoder.logits(packed({ids}));
        Eigen::Index best = 0;
        const auto last = logits.row(logits.rows() - 1).cast<double>().eval();
        sum += last.maxCoeff(&best) - std::log(last.array().exp().sum());
        ids.push_back(static_cast<int32_t>(best));
      }
      CHECK(mine[p].ids ==
            Ids(ids.begin() + static_cast<std::ptrdiff_t>(prompts[p].size()), ids.end()));
      CHECK(mine[p].log_probability == doctest::Approx(sum).epsilon(1e-4));
    }
  }
}

TEST_CASE("sampling: a function of the seed, and greedy where one id is left") {
  Decoder decoder("gpt2");
  const Prompts prompts = prompts_of(golden_of("gpt2"));
  GenerateOptions options;
  const auto greedy = ids_of(written(decoder, prompts, options));
  options.sample = true;
  options.seed = 1;
  const auto first = ids_of(written(decoder, prompts, options));
  CHECK(ids_of(written(decoder, prompts, options)) == first);
  options.seed = 2;
  CHECK(ids_of(written(decoder, prompts, options)) != first);
  options.top_k = 1;
  CHECK(ids_of(written(decoder, prompts, options)) == greedy);
}

TEST_CASE("an end id or a stop ends a sequence, and is not met too early") {
  Decoder decoder("gpt2");
  const Prompts prompts = prompts_of(golden_of("gpt2"));
  const auto free = written(decoder, prompts, {.max_new_tokens = 12});
  const int32_t end = free[0].ids[3];
  GenerateOptions options{.max_new_tokens = 12, .end = {end}};
  std::vector<Ids> seen(prompts.size());
  options.on_token = [&](int p, int32_t id) { seen[static_cast<size_t>(p)].push_back(id); };
  const auto ended = written(decoder, prompts, options);
  CHECK(ended[0].ended);
  CHECK(ended[0].ids.back() == end);
  CHECK(std::count(ended[0].ids.begin(), ended[0].ids.end(), end) == 1);
  CHECK(ids_of(ended) == seen);
  options.on_token = {};
  options.min_new_tokens = 8;
  for (const Generated& g : written(decoder, prompts, options)) {
    CHECK(g.ids.size() >= 8);
    CHECK(std::count(g.ids.begin(), g.ids.begin() + 8, end) == 0);
  }
  GenerateOptions stopped{.max_new_tokens = 12};
  stopped.stops = [](const Ids& ids) { return ids.size() == 5; };
  for (const Generated& g : written(decoder, prompts, stopped)) {
    CHECK(g.ids.size() == 5);
    CHECK(g.ended);
  }
}

TEST_CASE("generation refuses what cannot be done, and says what to give") {
  Decoder decoder("gpt2"), prefixed("gpt2", "", "prefix");
  const auto refused = [&](Decoder& d, const Prompts& prompts, const GenerateOptions& options) {
    return message_of([&] { written(d, prompts, options); });
  };
  CHECK(contains(refused(decoder, {{5}, {}}, {}), "prompt 2 is empty"));
  CHECK(contains(refused(decoder, {Ids(60, 5)}, {}), "--max-new-tokens 4"));
  CHECK(contains(refused(prefixed, {Ids(40, 5)}, {}), "--max-new-tokens 19"));
  CHECK(contains(refused(decoder, {Ids(70, 5)}, {}), "shorten the prompt"));
  CHECK(contains(refused(decoder, {{5}}, {.beams = 2, .sample = true}), "beams"));
  CHECK(contains(refused(decoder, {{5}}, {.temperature = 0}), "temperature"));
  CHECK(contains(refused(decoder, {{5}}, {.top_p = 0}), "top_p"));
}
