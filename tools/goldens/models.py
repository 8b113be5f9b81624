"""The four encoders with a sequence classification head, in plain PyTorch.

Modules and parameters are named as in Hugging Face transformers, so that state_dict() keys are the keys of a real
checkpoint. There is no dropout: every golden is made with dropout off. Sequences are padded and masked, on purpose:
peft.cpp packs them without padding, so the two ways share nothing.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

# ---------------------------------------------------------------------------------------------------------- configs

_LABELS = {"bert": ["contradiction", "neutral", "entailment"], "roberta": ["negative", "positive"],
           "electra": ["unacceptable", "acceptable"], "distilbert": ["world", "sports", "business", "science"]}


def tiny_config(model_type):
    """A config.json as Hugging Face writes it, with tiny numbers."""
    labels = _LABELS[model_type]
    common = {
        "id2label": {str(i): n for i, n in enumerate(labels)},
        "label2id": {n: i for i, n in enumerate(labels)},
        "model_type": model_type,
        "problem_type": "single_label_classification",
        "torch_dtype": "float32",
        "transformers_version": "4.30.0",
        "vocab_size": 64,
        "max_position_embeddings": 40,
        "initializer_range": 0.02,
        "pad_token_id": 0,
    }
    if model_type == "distilbert":
        return {**common, "architectures": ["DistilBertForSequenceClassification"], "activation": "gelu",
                "attention_dropout": 0.1, "dim": 32, "dropout": 0.1, "hidden_dim": 64, "n_heads": 4, "n_layers": 2,
                "qa_dropout": 0.1, "seq_classif_dropout": 0.2, "sinusoidal_pos_embds": False, "tie_weights_": True}
    bert_like = {**common, "attention_probs_dropout_prob": 0.1, "classifier_dropout": None, "hidden_act": "gelu",
                 "hidden_dropout_prob": 0.1, "hidden_size": 32, "intermediate_size": 64, "layer_norm_eps": 1e-12,
                 "num_attention_heads": 4, "num_hidden_layers": 2, "position_embedding_type": "absolute",
                 "type_vocab_size": 2, "use_cache": True}
    if model_type == "bert":
        return {**bert_like, "architectures": ["BertForSequenceClassification"]}
    if model_type == "roberta":
        # Positions start at pad + 1 = 2, so the table has two rows more than the longest sequence (514 = 512 + 2).
        return {**bert_like, "architectures": ["RobertaForSequenceClassification"], "bos_token_id": 0,
                "eos_token_id": 2, "pad_token_id": 1, "type_vocab_size": 1, "max_position_embeddings": 42,
                "layer_norm_eps": 1e-5}
    if model_type == "electra":
        # layer_norm_eps is 1e-12 in real checkpoints. A large one here shows whether a loader reads the key at all.
        return {**bert_like, "architectures": ["ElectraForSequenceClassification"], "embedding_size": 16,
                "summary_activation": "gelu", "summary_last_dropout": 0.1, "summary_type": "first",
                "summary_use_proj": True, "layer_norm_eps": 1e-3}
    raise ValueError(model_type)


# ----------------------------------------------------------------------------------------------------------- attention


def multi_head_attention(q, k, v, heads, key_mask, prefix):
    """q, k, v: (batch, length, hidden). key_mask: (batch, length), true for a token that exists.
    prefix: None or (keys, values), each (prefix length, heads, head dim), seen by every query of every sequence."""
    batch, length, hidden = q.shape
    dim = hidden // heads

    def split(x):
        return x.view(batch, length, heads, dim).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    if prefix is not None:
        n = prefix[0].shape[0]
        pk, pv = (p.permute(1, 0, 2).unsqueeze(0).expand(batch, heads, n, dim) for p in prefix)
        k, v = torch.cat([pk, k], 2), torch.cat([pv, v], 2)
        key_mask = torch.cat([key_mask.new_ones(batch, n), key_mask], 1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(dim)
    scores = scores.masked_fill(~key_mask[:, None, None, :], -math.inf)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, length, hidden)


# ------------------------------------------------------------------------------------- BERT, RoBERTa, ELECTRA


class BertEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.roberta = c["model_type"] == "roberta"
        self.pad = c["pad_token_id"]
        size = c.get("embedding_size", c["hidden_size"])
        self.word_embeddings = nn.Embedding(c["vocab_size"], size, padding_idx=self.pad)
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], size,
                                                padding_idx=self.pad if self.roberta else None)
        self.token_type_embeddings = nn.Embedding(c["type_vocab_size"], size)
        self.LayerNorm = nn.LayerNorm(size, eps=c["layer_norm_eps"])

    def forward(self, ids, types):
        if self.roberta:
            real = (ids != self.pad).long()
            positions = torch.cumsum(real, 1) * real + self.pad
        else:
            positions = torch.arange(ids.shape[1]).expand_as(ids)
        x = self.word_embeddings(ids) + self.token_type_embeddings(types) + self.position_embeddings(positions)
        return self.LayerNorm(x)


class BertSelfAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.heads = c["num_attention_heads"]
        self.query, self.key, self.value = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, x, mask, prefix):
        return multi_head_attention(self.query(x), self.key(x), self.value(x), self.heads, mask, prefix)


class BertSublayerOutput(nn.Module):
    """dense, (adapter,) add the residual, LayerNorm: BertSelfOutput and BertOutput."""

    def __init__(self, c, inputs):
        super().__init__()
        self.dense = nn.Linear(inputs, c["hidden_size"])
        self.LayerNorm = nn.LayerNorm(c["hidden_size"], eps=c["layer_norm_eps"])
        self.adapter = None

    def forward(self, h, residual):
        h = self.dense(h)
        if self.adapter is not None:
            h = self.adapter(h, residual, self.LayerNorm)
        return self.LayerNorm(h + residual)


class BertAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self = BertSelfAttention(c)
        self.output = BertSublayerOutput(c, c["hidden_size"])

    def forward(self, x, mask, prefix):
        return self.output(self.self(x, mask, prefix), x)


class BertIntermediate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense = nn.Linear(c["hidden_size"], c["intermediate_size"])

    def forward(self, x):
        return F.gelu(self.dense(x))  # the erf form


class BertLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = BertAttention(c)
        self.intermediate = BertIntermediate(c)
        self.output = BertSublayerOutput(c, c["intermediate_size"])

    def forward(self, x, mask, prefix):
        x = self.attention(x, mask, prefix)
        return self.output(self.intermediate(x), x)


class BertEncoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer = nn.ModuleList([BertLayer(c) for _ in range(c["num_hidden_layers"])])

    def forward(self, x, mask, prefixes):
        for i, layer in enumerate(self.layer):
            x = layer(x, mask, prefixes[i] if prefixes else None)
        return x


class BertPooler(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dense = nn.Linear(c["hidden_size"], c["hidden_size"])

    def forward(self, hidden):
        return torch.tanh(self.dense(hidden[:, 0]))


class BertModel(nn.Module):
    """Also RobertaModel (no pooler under a classification head) and ElectraModel (embeddings_project)."""

    def __init__(self, c):
        super().__init__()
        self.embeddings = BertEmbeddings(c)
        size = c.get("embedding_size", c["hidden_size"])
        if size != c["hidden_size"]:
            self.embeddings_project = nn.Linear(size, c["hidden_size"])
        self.encoder = BertEncoder(c)
        if c["model_type"] == "bert":
            self.pooler = BertPooler(c)

    def forward(self, ids, types, mask, prefixes=None):
        x = self.embeddings(ids, types)
        if hasattr(self, "embeddings_project"):
            x = self.embeddings_project(x)
        return self.encoder(x, mask, prefixes)


# ----------------------------------------------------------------------------------------------------- DistilBERT


class DistilEmbeddings(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.word_embeddings = nn.Embedding(c["vocab_size"], c["dim"], padding_idx=c["pad_token_id"])
        self.position_embeddings = nn.Embedding(c["max_position_embeddings"], c["dim"])
        self.LayerNorm = nn.LayerNorm(c["dim"], eps=1e-12)

    def forward(self, ids):
        positions = torch.arange(ids.shape[1]).expand_as(ids)
        return self.LayerNorm(self.word_embeddings(ids) + self.position_embeddings(positions))


class DistilAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["dim"]
        self.heads = c["n_heads"]
        self.q_lin, self.k_lin, self.v_lin, self.out_lin = (nn.Linear(d, d) for _ in range(4))
        self.adapter = None

    def forward(self, x, mask, prefix):
        h = multi_head_attention(self.q_lin(x), self.k_lin(x), self.v_lin(x), self.heads, mask, prefix)
        return self.out_lin(h)


class DistilFfn(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.lin1 = nn.Linear(c["dim"], c["hidden_dim"])
        self.lin2 = nn.Linear(c["hidden_dim"], c["dim"])
        self.adapter = None

    def forward(self, x):
        return self.lin2(F.gelu(self.lin1(x)))


class DistilLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = DistilAttention(c)
        self.sa_layer_norm = nn.LayerNorm(c["dim"], eps=1e-12)
        self.ffn = DistilFfn(c)
        self.output_layer_norm = nn.LayerNorm(c["dim"], eps=1e-12)

    def forward(self, x, mask, prefix):
        h = self.attention(x, mask, prefix)
        if self.attention.adapter is not None:
            h = self.attention.adapter(h, x, self.sa_layer_norm)
        x = self.sa_layer_norm(h + x)
        h = self.ffn(x)
        if self.ffn.adapter is not None:
            h = self.ffn.adapter(h, x, self.output_layer_norm)
        return self.output_layer_norm(h + x)


class DistilTransformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layer = nn.ModuleList([DistilLayer(c) for _ in range(c["n_layers"])])

    def forward(self, x, mask, prefixes):
        for i, layer in enumerate(self.layer):
            x = layer(x, mask, prefixes[i] if prefixes else None)
        return x


class DistilBertModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embeddings = DistilEmbeddings(c)
        self.transformer = DistilTransformer(c)

    def forward(self, ids, types, mask, prefixes=None):
        return self.transformer(self.embeddings(ids), mask, prefixes)


# ---------------------------------------------------------------------------------------------------------- heads


class TwoLayerHead(nn.Module):
    """RobertaClassificationHead (tanh) and ElectraClassificationHead (gelu)."""

    def __init__(self, c, activation):
        super().__init__()
        self.activation = activation
        self.dense = nn.Linear(c["hidden_size"], c["hidden_size"])
        self.out_proj = nn.Linear(c["hidden_size"], len(c["id2label"]))

    def forward(self, hidden):
        return self.out_proj(self.activation(self.dense(hidden[:, 0])))


class SequenceClassifier(nn.Module):
    """<Model>ForSequenceClassification. `prefix_source`, when a strategy sets it, gives the prefixes of all layers."""

    def __init__(self, c):
        super().__init__()
        self.config = c
        self.model_type = c["model_type"]
        self.hidden = c["dim"] if self.model_type == "distilbert" else c["hidden_size"]
        self.layers = c["n_layers"] if self.model_type == "distilbert" else c["num_hidden_layers"]
        self.heads = c["n_heads"] if self.model_type == "distilbert" else c["num_attention_heads"]
        labels = len(c["id2label"])
        if self.model_type == "distilbert":
            self.distilbert = DistilBertModel(c)
            self.pre_classifier = nn.Linear(c["dim"], c["dim"])
            self.classifier = nn.Linear(c["dim"], labels)
        else:
            setattr(self, self.model_type, BertModel(c))
            if self.model_type == "bert":
                self.classifier = nn.Linear(c["hidden_size"], labels)
            else:
                self.classifier = TwoLayerHead(c, torch.tanh if self.model_type == "roberta" else F.gelu)
        self.prefix_source = None

    @property
    def base(self):
        return getattr(self, self.model_type)

    @property
    def layer_list(self):
        return self.distilbert.transformer.layer if self.model_type == "distilbert" else self.base.encoder.layer

    def forward(self, ids, types, mask):
        """Returns the last hidden state, the pooled vector (BERT) or None, and the logits."""
        prefixes = self.prefix_source(self) if self.prefix_source is not None else None
        hidden = self.base(ids, types, mask, prefixes)
        if self.model_type == "bert":
            pooled = self.bert.pooler(hidden)
            return hidden, pooled, self.classifier(pooled)
        if self.model_type == "distilbert":
            return hidden, None, self.classifier(torch.relu(self.pre_classifier(hidden[:, 0])))
        return hidden, None, self.classifier(hidden)


def task_loss(config, logits, labels):
    """Hugging Face: one label is regression (mean squared error), more are classification; mean over the batch."""
    if len(config["id2label"]) == 1:
        return F.mse_loss(logits.squeeze(-1), torch.tensor(labels, dtype=logits.dtype))
    return F.cross_entropy(logits, torch.tensor(labels))
