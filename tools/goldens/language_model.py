#!/usr/bin/env python3
"""Writes tests/golden/language_model: texts, prompts with completions and chats as transformers' tokens, and what
the tiny decoders of tests/golden/decoders learn of them.

Needs torch, transformers, peft and tokenizers. decoders.py comes first.

  tokenizer.json, tokenizer_config.json   a BPE of 101 pieces whose padding is its end token, with ChatML
  golden.json
    rows       of each kind ("text", "completion", "chat"): the rows of a JSONL file
    ids        of each kind in training, by row; labels: the same ids, -100 where nothing is learned
    evaluate   by model and kind: loss in nats a token and tokens, of rows one by one, a text without an end token
    losses     by model and kind: of ten AdamW steps by strategy, batches of two rows in the file's order
"""
import json
import pathlib
import sys

import peft
import safetensors.torch
import tokenizers
import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
OUT = GOLDEN / "language_model"
CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
          "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")

TEXTS = ["the sea was calm and the moon was low.", "a small boat came home late.", "who would go out in such a night?",
         "the old man did, and he sang.", "he had no fish.", "but he had seen the whale."]
COMPLETIONS = [("boat : late", " the boat came late."), ("man : old | song : low", " the old man sang a low song."),
               ("sea : calm", " the sea is calm."), ("moon : low | night : cold", " the moon is low in a cold night."),
               ("whale", " a whale."), ("fish : none", " there was no fish to be had.")]
CHATS = [
    [("user", "who sang?"), ("assistant", "the old man.")],
    [("system", "be low."), ("user", "late?"), ("assistant", "no."), ("user", "how?"), ("assistant", "as the sea.")],
    [("user", "what came?"), ("assistant", "a boat.")],
    [("user", "and the sea?"), ("assistant", "calm.")],
]


def make_tokenizer():
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    bpe.decoder = tokenizers.decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    words = TEXTS + [a + b for a, b in COMPLETIONS] + [c for chat in CHATS for _, c in chat]
    words += [*"abcdefghijklmnopqrstuvwxyz.,:?|\n"] + ["user\n", "assistant\n", "system\n"] * 9
    bpe.train_from_iterator(words, tokenizers.trainers.BpeTrainer(
        vocab_size=101, special_tokens=["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"], show_progress=False))
    bpe.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="</s>",
                                        unk_token="<unk>")
    tokenizer.chat_template = CHATML
    tokenizer.save_pretrained(OUT, save_jinja_files=False)
    return PreTrainedTokenizerFast.from_pretrained(OUT)


def training_ids(tokenizer):
    ids, labels = {"text": [], "completion": [], "chat": []}, {"text": [], "completion": [], "chat": []}
    end = [tokenizer.eos_token_id]
    for text in TEXTS:
        ids["text"].append(tokenizer(text).input_ids + end)
        labels["text"].append(ids["text"][-1])
    for prompt, completion in COMPLETIONS:
        p = tokenizer(prompt).input_ids
        c = tokenizer(completion, add_special_tokens=False).input_ids + end
        ids["completion"].append(p + c)
        labels["completion"].append([-100] * len(p) + c)
    for chat in CHATS:
        messages = [{"role": r, "content": c} for r, c in chat]
        whole = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
        marks = [-100] * len(whole)
        for i, (role, _) in enumerate(chat):
            if role != "assistant":
                continue
            begin = tokenizer.apply_chat_template(messages[:i], tokenize=True, add_generation_prompt=True,
                                                  return_dict=False)
            end_of_turn = tokenizer.apply_chat_template(messages[:i + 1], tokenize=True, return_dict=False)
            assert whole[:len(begin)] == begin and whole[:len(end_of_turn)] == end_of_turn
            stop = max(j for j in range(len(end_of_turn)) if end_of_turn[j] == 4)  # not the line break behind it
            marks[len(begin):stop + 1] = whole[len(begin):stop + 1]
        ids["chat"].append(whole)
        labels["chat"].append(marks)
    return ids, labels


def sums(model, ids, labels, smoothing=0.0):
    """Sum of the loss over the labels of one row, and how many they are."""
    logits = model(input_ids=torch.tensor([ids])).logits[0, :-1]
    target = torch.tensor(labels[1:])
    loss = torch.nn.functional.cross_entropy(logits, target, ignore_index=-100, reduction="sum",
                                             label_smoothing=smoothing)
    return loss, int((target != -100).sum())


def ten_losses(model, ids, labels, smoothing=0.0):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.0)
    losses = []
    for step in range(10):
        batch = [(2 * step + i) % len(ids) for i in range(2)]
        parts = [sums(model, ids[i], labels[i], smoothing) for i in batch]
        loss = sum(p[0] for p in parts) / sum(p[1] for p in parts)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    tokenizer = make_tokenizer()
    assert len(tokenizer) == 101 and tokenizer.pad_token_id == tokenizer.eos_token_id == 2
    ids, labels = training_ids(tokenizer)
    rows = {"text": [{"text": t} for t in TEXTS],
            "completion": [{"prompt": p, "completion": c} for p, c in COMPLETIONS],
            "chat": [{"messages": [{"role": r, "content": c} for r, c in chat]} for chat in CHATS]}
    golden = {"transformers": transformers.__version__, "peft": peft.__version__, "rows": rows, "ids": ids,
              "labels": labels, "evaluate": {}, "losses": {}}
    for name in ("gpt2", "llama"):
        folder = GOLDEN / "decoders" / name

        def fresh():
            return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

        def adapted(kind):
            if kind == "prefix":  # PEFT trains none that it has loaded
                model = peft.get_peft_model(fresh(), peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=5))
                saved = safetensors.torch.load_file(folder / kind / "adapter_model.safetensors")
                with torch.no_grad():
                    model.prompt_encoder["default"].embedding.weight.copy_(saved["prompt_embeddings"])
                return model.eval()
            return peft.PeftModel.from_pretrained(fresh(), folder / kind, is_trainable=True).eval()

        golden["evaluate"][name], golden["losses"][name] = {}, {}
        for kind in rows:
            with torch.no_grad():
                model, total, terms = fresh(), 0.0, 0
                for i, l in zip(ids[kind], labels[kind]):
                    if kind == "text":
                        i, l = i[:-1], l[:-1]
                    loss, n = sums(model, i, l)
                    total, terms = total + loss.item(), terms + n
            golden["evaluate"][name][kind] = {"loss": total / terms, "tokens": terms}
            losses = golden["losses"][name][kind] = {"full": ten_losses(fresh(), ids[kind], labels[kind])}
            losses["lora"] = ten_losses(adapted("lora"), ids[kind], labels[kind])
            losses["prefix"] = ten_losses(adapted("prefix"), ids[kind], labels[kind])
            if name == "gpt2":
                model = fresh()
                for key, p in model.named_parameters():
                    p.requires_grad = key.endswith("bias")
                losses["bitfit"] = ten_losses(model, ids[kind], labels[kind])
                losses["smoothed"] = ten_losses(adapted("lora"), ids[kind], labels[kind], 0.1)
        print(name, golden["evaluate"][name])

    def rounded(x):
        if isinstance(x, float):
            return float(f"{x:.8g}")
        if isinstance(x, list):
            return [rounded(v) for v in x]
        return {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else x

    (OUT / "golden.json").write_text(json.dumps(rounded(golden)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
