// config.json and "random:..." in, ModelConfig out; every mistake has a message that says what was
// found.
#include "tests/models/subject.h"

using namespace testing;
using models::config_from_json;
using models::config_from_spec;
using models::Family;
using models::ModelConfig;

namespace {

std::string json_error(const std::string& model, const std::function<void(Json&)>& edit) {
  Json json = golden_json(model, "config.json");
  edit(json);
  return message_of([&] { config_from_json(json, "there/config.json"); });
}

std::string spec_error(const std::string& spec) {
  return message_of([&] { config_from_spec(spec, 1000); });
}

void check_equal(const ModelConfig& a, const ModelConfig& b) {
  CHECK(a.model_type == b.model_type);
  CHECK(a.family == b.family);
  CHECK(a.vocab_size == b.vocab_size);
  CHECK(a.hidden_size == b.hidden_size);
  CHECK(a.embedding_size == b.embedding_size);
  CHECK(a.num_hidden_layers == b.num_hidden_layers);
  CHECK(a.num_attention_heads == b.num_attention_heads);
  CHECK(a.intermediate_size == b.intermediate_size);
  CHECK(a.max_position_embeddings == b.max_position_embeddings);
  CHECK(a.type_vocab_size == b.type_vocab_size);
  CHECK(a.position_offset == b.position_offset);
  CHECK(a.hidden_act == b.hidden_act);
  CHECK(a.layer_norm_eps == b.layer_norm_eps);
  CHECK(a.initializer_range == b.initializer_range);
  CHECK(a.hidden_dropout == b.hidden_dropout);
  CHECK(a.attention_dropout == b.attention_dropout);
  CHECK(a.classifier_dropout == b.classifier_dropout);
  CHECK(a.num_labels == b.num_labels);
}

}  // namespace

TEST_CASE("a config.json is read with each family's names and defaults") {
  const ModelConfig bert = config_from_json(golden_json("bert", "config.json"), "bert");
  CHECK(bert.family == Family::bert);
  CHECK(bert.hidden_size == 32);
  CHECK(bert.intermediate_size == 64);
  CHECK(bert.labels == std::vector<std::string>{"contradiction", "neutral", "entailment"});
  CHECK(bert.classifier_dropout == 0.1);  // null: hidden_dropout_prob
  CHECK(bert.longest_sequence() == 40);
  const ModelConfig electra = config_from_json(golden_json("electra", "config.json"), "electra");
  CHECK(electra.layer_norm_eps == 1e-3);
  CHECK(electra.embedding_size == 16);
  const ModelConfig distil =
      config_from_json(golden_json("distilbert", "config.json"), "distilbert");
  CHECK(distil.classifier_dropout == 0.2);  // seq_classif_dropout
  CHECK(distil.type_vocab_size == 0);
  CHECK(distil.num_labels == 4);
  const ModelConfig roberta = config_from_json(golden_json("roberta", "config.json"), "roberta");
  CHECK(roberta.position_offset == 2);
  CHECK(roberta.longest_sequence() == 40);
  CHECK(roberta.layer_norm_eps == 1e-5);
  CHECK(config_from_json(golden_json("bert-regression", "config.json"), "x").num_labels == 1);
  Json json = golden_json("roberta", "config.json");
  for (const std::string type : {"xlm-roberta", "camembert"}) {
    json["model_type"] = type;
    CHECK(config_from_json(json, "x").family == Family::roberta);
    CHECK(config_from_json(json, "x").to_json()["model_type"] == type);
  }
}

TEST_CASE("mistakes in a config.json are named, with the file") {
  const auto is = [](const std::string& message, const std::string& part) {
    CAPTURE(message);
    CAPTURE(part);
    CHECK(contains(message, "there/config.json"));
    CHECK(contains(message, part));
  };
  is(json_error("bert", [](Json& j) { j["model_type"] = "t5"; }),
     "model_type 't5' cannot be trained here");
  is(json_error("bert", [](Json& j) { j["model_type"] = "t5"; }),
     "hint: known are bert, roberta, xlm-roberta, camembert, electra, distilbert");
  is(json_error("bert", [](Json& j) { j = Json::array(); }), "an array");
  for (const char* field : {"model_type", "vocab_size", "max_position_embeddings", "hidden_size",
                            "num_hidden_layers", "num_attention_heads", "intermediate_size"})
    is(json_error("bert", [&](Json& j) { j.erase(field); }), field);
  for (const char* field : {"dim", "n_layers", "n_heads", "hidden_dim"})
    is(json_error("distilbert", [&](Json& j) { j.erase(field); }), field);
  is(json_error("bert", [](Json& j) { j["hidden_size"] = "32"; }),
     "\"hidden_size\" should be an integer, found the string \"32\"");
  is(json_error("bert", [](Json& j) { j["hidden_size"] = 32.5; }), "hidden_size");
  is(json_error("bert", [](Json& j) { j["num_attention_heads"] = 5; }),
     "hidden_size 32 does not divide into num_attention_heads 5");
  is(json_error("bert", [](Json& j) { j["num_attention_heads"] = 0; }),
     "num_attention_heads is 0; it must be positive");
  is(json_error("bert", [](Json& j) { j["num_hidden_layers"] = -1; }), "num_hidden_layers is -1");
  is(json_error("bert", [](Json& j) { j["vocab_size"] = 0; }), "vocab_size is 0");
  is(json_error("bert", [](Json& j) { j["hidden_dropout_prob"] = 1.0; }),
     "dropout 1 is not in [0, 1)");
  is(json_error("bert", [](Json& j) { j["attention_probs_dropout_prob"] = -0.1; }),
     "dropout -0.1 is not in [0, 1)");
  is(json_error("bert", [](Json& j) { j["classifier_dropout"] = 2; }),
     "dropout 2 is not in [0, 1)");
  is(json_error("bert", [](Json& j) { j["position_embedding_type"] = "relative_key"; }),
     "position_embedding_type 'relative_key' is not supported");
  is(json_error("bert",
                [](Json& j) {
                  j["id2label"] = {{"0", "a"}, {"2", "b"}};
                }),
     "id2label has '2', where ids 0 to 1 with names are expected");
  is(json_error("bert", [](Json& j) { j["id2label"] = {{"one", "a"}}; }), "id2label has 'one'");
  is(json_error("bert", [](Json& j) { j["id2label"] = {{"0", 3}}; }), "id2label");
  is(json_error("bert",
                [](Json& j) {
                  j.erase("id2label");
                  j["num_labels"] = 0;
                }),
     "num_labels is 0");
  is(json_error("bert", [](Json& j) { j["type_vocab_size"] = -1; }), "type_vocab_size is -1");
  is(json_error("bert", [](Json& j) { j["hidden_act"] = "sine"; }), "sine");
  is(json_error("roberta", [](Json& j) { j["max_position_embeddings"] = 2; }),
     "longest sequence is 0");
  is(json_error("bert", [](Json& j) { j["layer_norm_eps"] = -1.0; }), "layer_norm_eps");
}

TEST_CASE("to_json and back is the same configuration") {
  for (const std::string model :
       {"bert", "roberta", "electra", "distilbert", "bert-regression", "bert-legacy"}) {
    CAPTURE(model);
    const Json raw = golden_json(model, "config.json");
    const ModelConfig c = config_from_json(raw, model);
    const Json written = c.to_json();
    check_equal(config_from_json(written, "written"), c);
    // What this struct does not know stays. (problem_type goes: transformers infers it from the
    // labels.)
    for (const auto& [key, value] : raw.items())
      if (key != "problem_type") CHECK_MESSAGE(written.contains(key), key);
    CHECK(config_from_json(written, "written").to_json() == written);
  }
  for (const std::string spec :
       {"random", "random:type=roberta,hidden=64", "random:type=electra,embedding=32,layers=1",
        "random:type=distilbert,dropout=0.3"}) {
    CAPTURE(spec);
    const ModelConfig c = config_from_spec(spec, 500);
    check_equal(config_from_json(c.to_json(), spec), c);
  }
}

TEST_CASE("labels of another task replace the old ones") {
  ModelConfig c = config_from_json(golden_json("bert", "config.json"), "bert");
  models::set_labels(c, 2, {"no", "yes"});
  CHECK(c.to_json()["id2label"] == Json{{"0", "no"}, {"1", "yes"}});
  CHECK(c.to_json()["label2id"] == Json{{"no", 0}, {"yes", 1}});
  CHECK(!c.to_json().contains("problem_type"));
  models::set_labels(c, 1, {});
  CHECK(c.to_json()["problem_type"] == "regression");
  CHECK(c.to_json()["id2label"] == Json{{"0", "LABEL_0"}});
}

TEST_CASE("random: has the defaults that it promises") {
  const ModelConfig c = config_from_spec("random", 1000);
  CHECK(c.family == Family::bert);
  CHECK(c.num_hidden_layers == 2);
  CHECK(c.hidden_size == 128);
  CHECK(c.num_attention_heads == 2);
  CHECK(c.intermediate_size == 512);
  CHECK(c.max_position_embeddings == 512);
  CHECK(c.vocab_size == 1000);
  CHECK(c.hidden_dropout == 0.1);
  check_equal(config_from_spec("random:", 1000), c);
  const ModelConfig all = config_from_spec(
      "random:layers=4,hidden=256,heads=8,ffn=100,vocab=8192,positions=64,embedding=32,type="
      "electra,dropout=0.25",
      1);
  CHECK(all.num_hidden_layers == 4);
  CHECK(all.hidden_size == 256);
  CHECK(all.num_attention_heads == 8);
  CHECK(all.intermediate_size == 100);
  CHECK(all.vocab_size == 8192);
  CHECK(all.longest_sequence() == 64);
  CHECK(all.embedding_size == 32);
  CHECK(all.family == Family::electra);
  CHECK(all.classifier_dropout == 0.25);
  CHECK(config_from_spec("random:hidden=32", 9).num_attention_heads == 1);
  const ModelConfig roberta = config_from_spec("random:type=roberta,hidden=64", 9);
  CHECK(roberta.position_offset == 2);
  CHECK(config_from_spec("random:type=distilbert", 9).type_vocab_size == 0);
  CHECK(models::is_random_model("random"));
  CHECK(models::is_random_model("random:layers=1"));
  CHECK(!models::is_random_model("random-folder"));
}

TEST_CASE("mistakes in random: are named") {
  CHECK(contains(spec_error("random:depth=3"), "unknown option 'depth'"));
  CHECK(contains(spec_error("random:depth=3"),
                 "hint: known are type, layers, hidden, heads, ffn, vocab, positions, embedding, "
                 "dropout, std"));
  CHECK(contains(spec_error("random:layers=two"),
                 "'layers=two' in random:layers=two needs a number"));
  CHECK(contains(spec_error("random:layers=2x"), "needs a number"));
  CHECK(contains(spec_error("random:layers"), "needs a number"));
  CHECK(contains(spec_error("random:layers="), "needs a number"));
  CHECK(contains(spec_error("random:hidden=1.5"), "needs a number"));
  CHECK(contains(spec_error("random:layers=99999999999999999999"), "needs a number"));
  CHECK(contains(spec_error("random:layers=0"), "num_hidden_layers is 0"));
  CHECK(contains(spec_error("random:layers=-2"), "num_hidden_layers is -2"));
  CHECK(contains(spec_error("random:layers=4294967298"), "num_hidden_layers is 4294967298"));
  CHECK(contains(spec_error("random:heads=4294967298"), "num_attention_heads is 4294967298"));
  CHECK(contains(spec_error("random:hidden=100,heads=3"),
                 "hidden_size 100 does not divide into num_attention_heads 3"));
  CHECK(contains(spec_error("random:dropout=1"), "dropout 1 is not in [0, 1)"));
  CHECK(contains(spec_error("random:dropout=-0.5"), "not in [0, 1)"));
  CHECK(contains(spec_error("random:dropout=nan"), "not in [0, 1)"));
  CHECK(contains(spec_error("random:type=gpt5"), "model_type 'gpt5'"));
  CHECK(contains(spec_error("random:type=roberta,positions=2"), "longest sequence is 0"));
  CHECK(contains(spec_error("random:ffn=-4"), "intermediate_size is -4"));
  CHECK(contains(spec_error("random:embedding=-4,type=electra"), "embedding_size is -4"));
  CHECK(contains(message_of([] { config_from_spec("random", 0); }), "vocab_size is 0"));
}

TEST_CASE("a sequence longer than the position table is an error with the limit") {
  for (const auto& model : kModels) {
    CAPTURE(model);
    Subject subject(model);
    CHECK(subject.logits(random_batch(1, 40, 64, 2)).rows() == 1);
    const std::string message = message_of([&] { subject.logits(random_batch(2, 41, 64, 2)); });
    CHECK(contains(message, "a sequence of 41 tokens does not fit the 40 positions of this model"));
    CHECK(contains(message, "--max-length 40"));
    CHECK(subject.logits(random_batch(1, 40, 64, 2)).rows() == 1);  // usable afterwards
  }
}

TEST_CASE("ids, types and labels outside their tables are errors") {
  Subject subject("bert");
  auto batch = golden_batches("bert")[0];
  batch.ids[3] = 64;
  CHECK(contains(message_of([&] { subject.logits(batch); }),
                 "id 64 at position 3 is outside a table of 64 rows"));
  batch.ids[3] = -1;
  CHECK(contains(message_of([&] { subject.logits(batch); }), "id -1"));
  batch.ids[3] = 5;
  batch.types[2] = 2;
  CHECK(contains(message_of([&] { subject.logits(batch); }), "outside a table of 2 rows"));
  batch.types[2] = 0;
  batch.labels[1] = 3;
  CHECK(contains(message_of([&] { subject.loss(batch); }), "is not one of 3 classes"));
  batch.labels.pop_back();
  CHECK(
      contains(message_of([&] { subject.loss(batch); }), "the batch has 4 labels for 5 sequences"));
}
