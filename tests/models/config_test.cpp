// config.json and "random:..." in, ModelConfig out; every mistake has a message that says what was
// found.
#include "models/registry.h"
#include "tests/models/subject.h"

using namespace testing;
using models::config_from_json;
using models::config_from_spec;
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

// Every setting, defaults included.
Json settings(const ModelConfig& c) { return models::make_model(c.json, c.where)->to_json(); }

void check_equal(const ModelConfig& a, const ModelConfig& b) {
  CHECK(a.facts.model_type == b.facts.model_type);
  CHECK(a.facts.vocab == b.facts.vocab);
  CHECK(a.facts.hidden == b.facts.hidden);
  CHECK(a.facts.embedding == b.facts.embedding);
  CHECK(a.facts.layers == b.facts.layers);
  CHECK(a.facts.heads == b.facts.heads);
  CHECK(a.facts.ffn == b.facts.ffn);
  CHECK(a.facts.longest == b.facts.longest);
  CHECK(a.facts.types == b.facts.types);
  CHECK(a.facts.init_std == b.facts.init_std);
  CHECK(a.num_labels == b.num_labels);
  const Json other = settings(b), one = settings(a);
  for (const auto& [key, value] : one.items())
    if (other.contains(key) && key != "architectures") CHECK_MESSAGE(other[key] == value, key);
}

}  // namespace

TEST_CASE("a config.json is read with each family's names and defaults") {
  const auto read = [](const std::string& model) {
    return config_from_json(golden_json(model, "config.json"), model);
  };
  const ModelConfig bert = read("bert");
  CHECK(bert.facts.model_type == "bert");
  CHECK(bert.facts.hidden == 32);
  CHECK(bert.facts.ffn == 64);
  CHECK(bert.labels == std::vector<std::string>{"contradiction", "neutral", "entailment"});
  CHECK(settings(bert)["classifier_dropout"] == 0.1);  // null: hidden_dropout_prob
  CHECK(bert.longest_sequence() == 40);
  const ModelConfig electra = read("electra");
  CHECK(settings(electra)["layer_norm_eps"] == 1e-3);
  CHECK(electra.facts.embedding == 16);
  const ModelConfig distil = read("distilbert");
  CHECK(settings(distil)["seq_classif_dropout"] == 0.2);
  CHECK(distil.facts.types == 0);
  CHECK(distil.num_labels == 4);
  const ModelConfig roberta = read("roberta");
  CHECK(settings(roberta)["pad_token_id"] == 1);
  CHECK(roberta.longest_sequence() == 40);
  CHECK(settings(roberta)["layer_norm_eps"] == 1e-5);
  CHECK(read("bert-regression").num_labels == 1);
  Json json = golden_json("roberta", "config.json");
  for (const std::string type : {"xlm-roberta", "camembert"}) {
    json["model_type"] = type;
    CHECK(config_from_json(json, "x").facts.longest == 40);
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
  is(json_error("bert", [](Json& j) { j["model_type"] = "bloom"; }),
     "model_type 'bloom' cannot be trained here");
  is(json_error("bert", [](Json& j) { j["model_type"] = "bloom"; }),
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

TEST_CASE("a setting that might change a result and is not known is refused by its key") {
  const auto refused = [](const std::string& model, const std::string& key, const Json& value) {
    const std::string message = json_error(model, [&](Json& j) { j[key] = value; });
    CAPTURE(message);
    CHECK(contains(message, "there/config.json"));
    CHECK(contains(message, key));
  };
  refused("bert", "rope_theta", 10000.0);
  refused("bert", "auto_map", {{"AutoModel", "modeling.Custom"}});
  refused("bert", "quantization_config", {{"bits", 4}});
  refused("bert", "is_decoder", true);
  refused("bert", "add_cross_attention", true);
  refused("bert", "use_bias", false);
  refused("bert", "embedding_size", 64);  // ELECTRA's
  refused("distilbert", "hidden_size", 64);
  refused("roberta", "position_embedding_type", "relative_key_query");
  const auto fine = [](const std::string& model, const std::string& key, const Json& value) {
    CHECK_MESSAGE(json_error(model, [&](Json& j) { j[key] = value; }) == "", key);
  };
  fine("bert", "is_decoder", false);
  fine("bert", "pruned_heads", Json::object());
  fine("bert", "quantization_config", nullptr);
  fine("bert", "directionality", "bidi");
  fine("electra", "summary_type", "mean");
  fine("distilbert", "sinusoidal_pos_embds", true);
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
  CHECK(c.facts.model_type == "bert");
  CHECK(c.facts.layers == 2);
  CHECK(c.facts.hidden == 128);
  CHECK(c.facts.heads == 2);
  CHECK(c.facts.ffn == 512);
  CHECK(c.facts.longest == 512);
  CHECK(c.facts.vocab == 1000);
  CHECK(settings(c)["hidden_dropout_prob"] == 0.1);
  check_equal(config_from_spec("random:", 1000), c);
  const ModelConfig all = config_from_spec(
      "random:layers=4,hidden=256,heads=8,ffn=100,vocab=8192,positions=64,embedding=32,type="
      "electra,dropout=0.25",
      1);
  CHECK(all.facts.layers == 4);
  CHECK(all.facts.hidden == 256);
  CHECK(all.facts.heads == 8);
  CHECK(all.facts.ffn == 100);
  CHECK(all.facts.vocab == 8192);
  CHECK(all.longest_sequence() == 64);
  CHECK(all.facts.embedding == 32);
  CHECK(all.facts.model_type == "electra");
  CHECK(settings(all)["classifier_dropout"] == 0.25);
  CHECK(config_from_spec("random:hidden=32", 9).facts.heads == 1);
  const ModelConfig roberta = config_from_spec("random:type=roberta,hidden=64", 9);
  CHECK(roberta.facts.longest == 510);
  CHECK(config_from_spec("random:type=distilbert", 9).facts.types == 0);
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
  CHECK(contains(spec_error("random:dropout=nan"), "nan"));
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
