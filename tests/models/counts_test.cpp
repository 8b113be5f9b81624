// Numbers of parameters of well-known models and of what each strategy trains in them, from the
// papers and the closed forms in them (d hidden, f feed-forward, L layers), through the model
// itself and without taking memory for one value.
#include "models/registry.h"
#include "tests/models/subject.h"

using namespace testing;
using engine::Role;

namespace {

Json bert(int layers, int hidden, int heads, int vocab = 30522) {
  return {{"model_type", "bert"},
          {"vocab_size", vocab},
          {"max_position_embeddings", 512},
          {"hidden_size", hidden},
          {"num_hidden_layers", layers},
          {"num_attention_heads", heads},
          {"intermediate_size", 4 * hidden},
          {"type_vocab_size", 2}};
}

Json roberta(int layers, int hidden, int heads) {
  Json json = bert(layers, hidden, heads, 50265);
  json["model_type"] = "roberta";
  json["max_position_embeddings"] = 514;
  json["type_vocab_size"] = 1;
  return json;
}

Json electra_small() {
  Json json = bert(12, 256, 4);
  json["model_type"] = "electra";
  json["embedding_size"] = 128;
  return json;
}

Json distilbert() {
  return {{"model_type", "distilbert"},
          {"vocab_size", 30522},
          {"max_position_embeddings", 512},
          {"dim", 768},
          {"n_layers", 6},
          {"n_heads", 12},
          {"hidden_dim", 3072}};
}

struct Counts {
  int64_t base = 0, head = 0, trainable = 0;
};

Counts count(const Json& json, const std::string& spec) {
  models::SequenceClassifier model(models::config_from_json(json, "test"));
  const auto strategy = peft::make_strategy(spec);
  engine::Sites sites = model.sites();
  peft::apply(*strategy, sites, model);
  const engine::ParameterStore store(model);  // never allocated
  Counts counts;
  counts.trainable = store.trainable_count();
  for (const engine::Parameter* p : store.all()) {
    CHECK(p->value == nullptr);
    if (p->role == Role::head)
      counts.head += p->count();
    else if (p->role != Role::injected)
      counts.base += p->count();
  }
  return counts;
}

const Json kBase = bert(12, 768, 12), kLarge = bert(24, 1024, 16);

}  // namespace

TEST_CASE("well-known models have their published numbers of parameters") {
  struct Known {
    const char* name;
    Json json;
    int64_t base, head;
  };
  const Known known[] = {
      {"bert-base-uncased", kBase, 109'482'240, 1'538},
      {"bert-base-cased", bert(12, 768, 12, 28996), 108'310'272, 1'538},
      {"bert-large-uncased", kLarge, 335'141'888, 2'050},
      {"bert-large-cased", bert(24, 1024, 16, 28996), 333'579'264, 2'050},
      {"bert-tiny", bert(2, 128, 2), 4'385'920, 258},
      {"bert-mini", bert(4, 256, 4), 11'170'560, 514},
      {"bert-small", bert(4, 512, 8), 28'763'648, 1'026},
      {"bert-medium", bert(8, 512, 8), 41'373'184, 1'026},
      {"MiniLM-L6-H384", bert(6, 384, 12), 22'713'216, 770},
      {"electra-small", electra_small(), 13'483'008, 66'306},
      {"distilbert-base", distilbert(), 66'362'880, 592'130},
      {"roberta-base", roberta(12, 768, 12), 124'055'040, 592'130},
      {"roberta-large", roberta(24, 1024, 16), 354'310'144, 1'051'650},
  };
  for (const Known& k : known) {
    CAPTURE(k.name);
    const Counts c = count(k.json, "full");
    CHECK(c.base == k.base);
    CHECK(c.head == k.head);
    CHECK(c.trainable == k.base + k.head);
    CHECK(count(k.json, "frozen").trainable == k.head);
  }
}

TEST_CASE("what each strategy trains in BERT-base and BERT-large, without the head") {
  struct Known {
    const char* spec;
    int64_t base, large;
  };
  const Known known[] = {
      {"bitfit", 102'912, 272'384},                    // L (7 d + f) + 2 d
      {"bitfit:terms=query+ffn_in", 46'080, 122'880},  // L (d + f): the paper's b_q and b_m2
      {"bitfit:terms=ffn_in", 36'864, 98'304},         // L f
      {"bitfit:terms=query", 9'216, 24'576},           // L d
      {"lora:r=8", 294'912, 786'432},                  // L 2 2 r d
      {"lora:r=8,roles=query+key+value+attention_output+ffn_in+ffn_out", 1'327'104,
       3'538'944},                                             // L r (8 d + 2 (d + f))
      {"adapter:kind=houlsby,size=64", 2'379'264, 6'343'680},  // L 2 (2 m d + d + m)
      {"adapter:kind=houlsby,size=8", 313'536, 835'968},
      {"adapter:kind=houlsby,size=256", 9'461'760, 25'227'264},
      {"adapter:kind=houlsby,size=64,train_layer_norm=true", 2'379'264 + 38'400,
       6'343'680 + 100'352},  // + L 4 d + 2 d
      {"adapter:kind=houlsby,reduction=16", 1'789'056, 6'343'680},
      {"adapter:kind=pfeiffer,reduction=16", 894'528, 3'171'840},  // L (2 m d + d + m)
      {"prefix:length=20,flat=true", 368'640, 983'040},            // 2 L l d
      {"ia3:roles=key+value+attention_output+ffn_out", 64'512,
       172'032},                 // PEFT's default for BERT: L (3 d + f)
      {"ia3", 55'296, 147'456},  // the paper's: L (2 d + f)
      {"top:layers=1", 7'087'872 + 590'592,
       12'596'224 + 1'049'600},  // 4 (d^2 + d) + 2 d f + f + d + 4 d, and the pooler d^2 + d
      {"lora:r=8+bitfit", 294'912 + 102'912, 786'432 + 272'384},
  };
  for (const Known& k : known) {
    CAPTURE(k.spec);
    CHECK(count(kBase, k.spec).trainable == k.base + 1'538);
    CHECK(count(kLarge, k.spec).trainable == k.large + 2'050);
  }
}

TEST_CASE("BitFit with a head of two or three classes, and in other models") {
  CHECK(count(kBase, "bitfit").trainable == 104'450);
  Json three = kBase;
  three["num_labels"] = 3;
  CHECK(count(three, "bitfit").trainable == 105'219);
  // A whole head of two layers, as RoBERTa's: its biases are in it.
  CHECK(count(roberta(12, 768, 12), "bitfit").trainable == 694'274);
  CHECK(count(roberta(24, 1024, 16), "bitfit").trainable == 1'323'010);
  CHECK(count(bert(2, 128, 2), "bitfit").trainable == 3'072 + 258);
  CHECK(count(electra_small(), "bitfit").trainable == 34'176 + 66'306);
  CHECK(count(distilbert(), "bitfit").trainable == 51'456 + 592'130);
}

TEST_CASE("LoRA on query and value as Hugging Face PEFT counts it, head included") {
  CHECK(count(kBase, "lora:r=8").trainable == 296'450);
  CHECK(count(kLarge, "lora:r=8").trainable == 788'482);
  CHECK(count(roberta(12, 768, 12), "lora:r=8").trainable == 887'042);
  CHECK(count(roberta(24, 1024, 16), "lora:r=8").trainable == 1'838'082);
  CHECK(count(electra_small(), "lora:r=8").trainable == 98'304 + 66'306);
  CHECK(count(distilbert(), "lora:r=8").trainable == 147'456 + 592'130);
  CHECK(count(kBase, "prefix:length=20,flat=true").trainable == 370'178);  // PEFT's docstring
}

TEST_CASE("LLaMA-7B and Mistral-7B as language models") {
  const Json config = {{"model_type", "llama"},   {"vocab_size", 32000},
                       {"hidden_size", 4096},     {"intermediate_size", 11008},
                       {"num_hidden_layers", 32}, {"num_attention_heads", 32}};
  const auto plan = [&](const Json& json, const std::string& spec) {
    models::ModelConfig c = models::config_from_json(json, "test");
    c.head = models::HeadKind::language_model;
    models::SequenceClassifier model(c);
    const auto strategy = peft::make_strategy(spec);
    engine::Sites sites = model.sites();
    peft::apply(*strategy, sites, model);
    const engine::ParameterStore store(model);  // never allocated
    return std::pair{store.total_count(), store.trainable_count()};
  };
  CHECK(plan(config, "full") == std::pair<int64_t, int64_t>{6'738'415'616, 6'738'415'616});
  CHECK(plan(config, "lora:r=8") == std::pair<int64_t, int64_t>{6'742'609'920, 4'194'304});
  CHECK(plan(config, "lora:r=8,roles=query+key+value+attention_output+ffn_in+ffn_gate+ffn_out")
            .second == 19'988'480);
  CHECK(plan(config, "prefix:length=20,flat=true").second == 5'242'880);
  CHECK(plan(config, "ia3:roles=key+value+ffn_out").second == 614'400);
  CHECK_THROWS_AS(plan(config, "bitfit"), engine::Error);  // no biases
  CHECK(plan(config, "norm").second == 266'240);
  // Mistral-7B has 8 key and value heads of 128: 7,241,732,096.
  const Json mistral = {{"model_type", "mistral"}, {"vocab_size", 32000},
                        {"hidden_size", 4096},     {"intermediate_size", 14336},
                        {"num_hidden_layers", 32}, {"num_attention_heads", 32},
                        {"num_key_value_heads", 8}};
  CHECK(plan(mistral, "full").first == 7'241'732'096);
  CHECK(contains(message_of([] {
                   models::make_model({{"model_type", "mamba"}}, "x");
                 }),
                 "model_type 'mamba' cannot be trained here"));
  Json broken = config;
  broken.erase("intermediate_size");
  CHECK(contains(message_of([&] { models::make_model(broken, "x"); }), "intermediate_size"));
}

TEST_CASE("names are Hugging Face's: those of the goldens, in every model") {
  for (const auto& model : kModels) {
    const Json golden = golden_json(model, "gradients.json")["parameters"];
    models::SequenceClassifier m(
        models::config_from_json(golden_json(model, "config.json"), "test"));
    const engine::ParameterStore store(m);
    CHECK(store.all().size() == golden.size());
    for (const auto& [name, unused] : golden.items())
      CHECK_MESSAGE(store.find(name) != nullptr, name);
  }
}
