"""The names in adapter_model.safetensors, as Hugging Face PEFT writes them for a sequence classifier.

Derived from the rules of PEFT's documentation and source (save_and_load.py, other.py), not by running peft:
 - LoRA and IA3 wrap the model twice: base_model.model.<module>.lora_A.weight, .lora_B.weight, .ia3_l.
 - Prefix tuning wraps it once: prompt_embeddings has no prefix at all, and the head is base_model.<module>.
 - The adapter's name ("default") and "modules_to_save" are removed from the keys.
 - For SEQ_CLS, PEFT saves every module whose name ends with "classifier" or "score". DistilBERT's pre_classifier does
   too, so its whole head is saved.
 - A list of target_modules matches a name that equals an entry, or ends with "." and an entry; a string is a regular
   expression for the whole name. The matches are checked here against the modules of models.py.
 - With prefix_projection, what is saved is the table that comes out of the MLP, not the MLP.
"""
import re

import models
import strategies


def matches(target_modules, name):
    if isinstance(target_modules, str):
        return re.fullmatch(target_modules, name) is not None
    return any(name == t or name.endswith("." + t) for t in target_modules)


_BERT = {
    "lora": (["query", "value"], None),
    "lora_all": (["query", "key", "value", "output.dense", "intermediate.dense"], None),
    "ia3_peft_default": (["key", "value", "output.dense"], ["output.dense"]),
    "ia3": (r".*\.layer\.\d+\.(attention\.self\.(key|value)|output\.dense)", r".*\.layer\.\d+\.output\.dense"),
}
_DISTIL = {
    "lora": (["q_lin", "v_lin"], None),
    "lora_all": (["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"], None),
    "ia3_peft_default": (["k_lin", "v_lin", "out_lin", "lin2"], ["out_lin", "lin2"]),
    "ia3": (["k_lin", "v_lin", "lin2"], ["lin2"]),
}
_SPECS = {"lora": "lora:r=4,alpha=8",
          "lora_all": "lora:r=4,alpha=8,roles=query+key+value+attention_output+ffn_in+ffn_out",
          "ia3_peft_default": "ia3:roles=key+value+attention_output+ffn_out", "ia3": "ia3",
          "prefix": "prefix:length=5,flat=true", "prefix_projection": "prefix:length=5,flat=false,hidden=16"}
R, LENGTH = 4, 5


def peft_keys():
    out = {"comment": "Derived from the rules in tools/goldens/peft_keys.py, not by running peft."}
    for kind in ("bert", "roberta", "electra", "distilbert"):
        model = models.SequenceClassifier(models.tiny_config(kind))
        linears = {n: m for n, m in model.named_modules() if isinstance(m, models.nn.Linear)}
        head = {n: list(p.shape) for n, p in model.named_parameters() if strategies.is_head(model, n)}
        out[kind] = {}
        for case, (targets, feedforward) in (_DISTIL if kind == "distilbert" else _BERT).items():
            keys = {f"base_model.model.{n}": s for n, s in head.items()}
            for name, m in linears.items():
                if not matches(targets, name):
                    continue
                full = f"base_model.model.{name}"
                if feedforward is None:
                    keys[f"{full}.lora_A.weight"] = [R, m.in_features]
                    keys[f"{full}.lora_B.weight"] = [m.out_features, R]
                else:
                    keys[f"{full}.ia3_l"] = [1, m.in_features] if matches(feedforward, name) else [m.out_features, 1]
            injected = strategies.inject(models.SequenceClassifier(models.tiny_config(kind)), _SPECS[case])
            assert sorted(keys) == sorted([f"base_model.model.{n}" for n in [*head, *injected]]), (kind, case)
            entry = {"spec": _SPECS[case], "target_modules": targets}
            if feedforward is not None:
                entry["feedforward_modules"] = feedforward
            out[kind][case] = {**entry, "keys": dict(sorted(keys.items()))}
        for case in ("prefix", "prefix_projection"):
            keys = {f"base_model.{n}": s for n, s in head.items()}
            keys["prompt_embeddings"] = [LENGTH, 2 * model.layers * model.hidden]
            out[kind][case] = {"spec": _SPECS[case], "num_virtual_tokens": LENGTH, "num_layers": model.layers,
                               "num_attention_heads": model.heads, "token_dim": model.hidden,
                               "num_transformer_submodules": 1, "prefix_projection": case == "prefix_projection",
                               "encoder_hidden_size": 16 if case == "prefix_projection" else model.hidden,
                               "keys": dict(sorted(keys.items()))}
    return out
