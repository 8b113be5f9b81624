#include "peft/spec.h"

#include "peft/layer_set.h"
#include "tests/peft/support.h"

using namespace testing;
using peft::make_strategy;

TEST_CASE("specs read back as what they say") {
  CHECK(make_strategy("full")->spec() == "full");
  CHECK(make_strategy("lora")->spec() == "lora");
  CHECK(make_strategy("lora:r=8,alpha=8")->spec() == "lora");
  CHECK(make_strategy("lora:r=4,alpha=8")->spec() == "lora:r=4");
  CHECK(make_strategy("lora:alpha=16.5,roles=value+query")->spec() ==
        "lora:alpha=16.5,roles=query+value");
  CHECK(make_strategy("lora:roles=value+key")->spec() == "lora:roles=key+value");
  CHECK(make_strategy("lora:layers=2+0-1+7")->spec() == "lora:layers=0-2+7");
  CHECK(make_strategy("bitfit:terms=ffn_in+query")->spec() == "bitfit:terms=query+ffn_in");
  CHECK(make_strategy("top")->full_spec() == "top:layers=1");
  CHECK(make_strategy("ia3")->full_spec() == "ia3:roles=default,layers=all");
  // Defaults that depend on other options are left out where they are the default of that case.
  CHECK(make_strategy("adapter:kind=parallel,activation=relu,scaling=4")->spec() ==
        "adapter:kind=parallel");
  CHECK(make_strategy("adapter:kind=houlsby,activation=relu")->spec() == "adapter:activation=relu");
  CHECK(make_strategy("adapter:size=8")->full_spec() ==
        "adapter:kind=houlsby,size=8,activation=gelu,train_layer_norm=false,layers=all");
  CHECK(make_strategy("prefix:flat=true,length=5")->full_spec() ==
        "prefix:length=5,flat=true,std=0.02");
  CHECK(make_strategy("prefix:flat=false")->full_spec() ==
        "prefix:length=20,flat=false,hidden=512");
}

TEST_CASE("every golden spec survives its canonical forms") {
  for (const auto& spec : golden_specs()) {
    CAPTURE(spec);
    const auto strategy = make_strategy(spec);
    for (const auto& text : {strategy->spec(), strategy->full_spec()}) {
      CHECK(make_strategy(text)->options() == strategy->options());
      CHECK(make_strategy(text)->spec() == strategy->spec());
      CHECK(make_strategy(text)->full_spec() == strategy->full_spec());
    }
  }
}

TEST_CASE("'+' joins list items, and strategies where the name of one follows") {
  CHECK(make_strategy("lora:roles=query+value+bitfit")->name() == "lora+bitfit");
  CHECK(make_strategy("lora:roles=key+value+bitfit:terms=query+value")->spec() ==
        "lora:roles=key+value+bitfit:terms=query+value");
  CHECK(make_strategy("lora:r=4+bitfit:terms=query")->name() == "lora+bitfit");
  CHECK(make_strategy("bitfit+lora")->name() == "bitfit+lora");
  CHECK(make_strategy("lora:pattern=a.{1,2}b+c,r=4")->options()["pattern"] ==
        "a.{1,2}b+c");  // a comma and a plus of its own
  CHECK(make_strategy("prefix+lora+ia3")->name() == "prefix+lora+ia3");
  CHECK(make_strategy("lora:targets=q_proj+v_proj,exclude=lm_head+norm")->name() == "lora+norm");
  CHECK(make_strategy("lora:r=4,rank_pattern={\"a\\\\.b\":2,\"v\":16},bias=all")
            ->options()["rank_pattern"] == engine::Json({{"a\\.b", 2}, {"v", 16}}));
}

TEST_CASE("what is not known is an error that lists what is") {
  const auto message = [](const std::string& spec) {
    return message_of([&] { make_strategy(spec); });
  };
  CHECK(contains(message("bitfitt"), "no strategy 'bitfitt'"));
  CHECK(contains(message("bitfitt"),
                 "full, frozen, top, bitfit, norm, lora, adapter, prefix, prompt, ia3"));
  CHECK(contains(message("lora+bitfitt"), "no strategy 'bitfitt'"));
  CHECK(contains(message(""), "empty"));
  CHECK(contains(message("lora:"), "no option after ':'"));
  CHECK(contains(message("lora:rank=4"), "no option 'rank'"));
  CHECK(contains(message("lora:rank=4"),
                 "r, alpha, dropout, rslora, dora, bias, roles, targets, pattern, exclude, "
                 "layers, stacks, rank_pattern, alpha_pattern"));
  CHECK(contains(message("full:layers=2"), "full has no options"));
  CHECK(contains(message("lora:r=4,r=8"), "twice"));
  CHECK(contains(message("lora:r"), "'r' is no option"));
  CHECK(contains(message("lora:r=0"), "whole number from 1"));
  CHECK(contains(message("lora:r=4x"), "r '4x'"));
  CHECK(contains(message("lora:r=2.5"), "whole number"));
  CHECK(contains(message("lora:alpha=nan"), "alpha 'nan'"));
  CHECK(contains(message("lora:dropout=1.5"), "number from 0 to 0.99"));
  CHECK(contains(message("lora:rslora=yes"), "true or false"));
  CHECK(contains(message("lora:roles=querry"), "'querry' in roles=querry"));
  CHECK(contains(message("lora:roles=querry"), "query, key, value"));
  CHECK(contains(message("lora:roles=query,pattern=.*"), "roles= and pattern="));
  CHECK(contains(message("lora:targets=q,pattern=.*"), "targets= and pattern="));
  CHECK(contains(message("lora:rank_pattern=4"), "an object is expected"));
  CHECK(contains(message("lora:rank_pattern={q:4}"), "no JSON"));
  CHECK(contains(message("lora:rank_pattern={\"q\":1.5}"), "whole number"));
  CHECK(contains(message("lora:alpha_pattern={\"(\":1}"), "no regular expression"));
  CHECK(contains(message("lora:layers=3-1"), "backwards"));
  CHECK(contains(message("lora:layers=x"), "0-3+8"));
  CHECK(contains(message("bitfit:terms=all+query"), "'all'"));
  CHECK(contains(message("adapter:kind=hulsby"), "houlsby, pfeiffer, parallel"));
  CHECK(contains(message("adapter:size=8,reduction=2"), "two ways"));
  CHECK(contains(message("adapter:scaling=2"), "kind=parallel"));
  CHECK(contains(message("adapter:activation=sigmoid"), "gelu"));
  CHECK(contains(message("prefix:flat=true,hidden=3"), "MLP"));
  CHECK(contains(message("prefix:std=1"), "flat=true"));
  CHECK(contains(message("full+lora"), "makes no sense"));
  CHECK(contains(message("frozen+bitfit"), "leave frozen out"));
  CHECK(contains(message("lora:r=4+lora:r=8"), "twice"));
}

TEST_CASE("layers") {
  using peft::LayerSet;
  CHECK(LayerSet::parse("0-3+8", "x").text() == "0-3+8");
  CHECK(LayerSet::parse("8+3+0-2", "x").text() == "0-3+8");
  CHECK(LayerSet::parse("all", "x").contains(99));
  CHECK_FALSE(LayerSet::parse("0-3+8", "x").contains(4));
  CHECK(contains(message_of([] { LayerSet::parse("0-3+8", "x").check_within(8, "lora"); }),
                 "the model has 8 layers"));
}

TEST_CASE("help names every strategy and every option") {
  const std::string help = peft::strategy_help();
  for (const auto& name : peft::strategy_names()) CHECK(contains(help, name));
  CHECK(contains(help, "roles=default"));
  CHECK(contains(help, "length=20"));
}

TEST_CASE("describe says every option") {
  const auto json = make_strategy("lora:r=4+bitfit")->describe();
  CHECK(json["strategy"] == "lora+bitfit");
  CHECK(json["spec"] == "lora:r=4+bitfit");
  CHECK(json["parts"][0]["alpha"] == 8.0);
  CHECK(json["parts"][0]["roles"] == "default");
  CHECK(json["parts"][1]["terms"] == "all");
  Subject settled("bert", "lora", true);  // in a model the default is known
  CHECK(settled.strategy->describe()["roles"] == engine::Json::array({"query", "value"}));
  CHECK(contains(settled.strategy->full_spec(), "roles=query+value"));
  CHECK(settled.strategy->spec() == "lora");
  Subject s("bert", "lora:pattern=.*query", true);
  CHECK(s.strategy->describe()["modules"] == 2);
  CHECK(s.strategy->matched() ==
        std::vector<std::string>{"bert.encoder.layer.0.attention.self.query",
                                 "bert.encoder.layer.1.attention.self.query"});
}

TEST_CASE("one learning rate serves all parts: the smallest") {
  CHECK(make_strategy("lora+bitfit")->default_learning_rate() ==
        make_strategy("lora")->default_learning_rate());
  for (const auto& name : peft::strategy_names())
    CHECK(make_strategy(name)->default_learning_rate() > 0);
}
