#!/usr/bin/env python3
"""Writes the goldens of the architectures beyond BERT and DistilBERT, as make_golden.py does (see there for what the
files hold and what is needed).

    python3 tests/golden/make_families.py

Tokenizers are not what these test: every directory has the goldens' WordPiece vocabulary, and the sequences are
random ids, the padding token's among them.
"""
import os
import shutil
import sys

import make_golden as mg
import torch
import transformers as tf

torch.set_num_threads(1)
TYPED = {"electra", "albert"}


def randomise(model, seed):
    """As make_golden's, with the norms that these architectures name otherwise."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if "norm" in name.lower():
                p.copy_(torch.rand(p.shape, generator=g) + 0.5 if name.endswith("weight")
                        else 0.3 * torch.randn(p.shape, generator=g))
            elif name.endswith("bias"):
                p.copy_(0.2 * torch.randn(p.shape, generator=g))
            elif "embeddings." in name or "relative_attention" in name:
                p.copy_(0.5 * torch.randn(p.shape, generator=g))
            else:
                p.copy_(1.1 / p.shape[1] ** 0.5 * torch.randn(p.shape, generator=g))
    return model.eval()


def own_error(model, seqs, hidden):
    """How far PyTorch's float32 is from its float64 here: a golden that rounding alone moves is no golden."""
    worst = 0.0
    double = model.base_model.double()
    for (ids, types), h in zip(seqs, hidden):
        batch = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        if model.config.model_type in TYPED:
            batch["token_type_ids"] = torch.tensor([types])
        with torch.inference_mode():
            worst = max(worst, (double(**batch).last_hidden_state[0] - h).abs().max().item())
    return worst


def golden(path, model, seqs, keep):
    """make_golden's, for models that name their outputs and inputs otherwise."""
    base = model.base_model
    hidden, logits = [], []
    for ids, types in seqs:
        batch = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        if model.config.model_type in TYPED:
            batch["token_type_ids"] = torch.tensor([types])
        with torch.inference_mode():
            hidden.append(base(**batch).last_hidden_state[0].clone())
            if model is not base:
                logits.append(model(**batch).logits[0])
    offsets = [0]
    for ids, _ in seqs:
        offsets.append(offsets[-1] + len(ids))
    rows = [r for b in range(len(seqs)) for r in range(offsets[b], offsets[b + 1])
            if keep(r - offsets[b], offsets[b + 1] - offsets[b])]
    out = {"ids": torch.tensor([i for s in seqs for i in s[0]]), "types": torch.tensor([t for s in seqs for t in s[1]]),
           "offsets": torch.tensor(offsets), "rows": torch.tensor(rows), "hidden": torch.cat(hidden)[rows],
           "mean": torch.stack([h.mean(0) for h in hidden]), "max": torch.stack([h.max(0).values for h in hidden])}
    if logits:
        out["logits"] = torch.stack(logits)
        out["probs"] = out["logits"].softmax(-1)
    for name, t in out.items():
        assert torch.isfinite(t).all(), name
    error = own_error(model, seqs, hidden)
    print("%-20s rounds by %.1e" % (os.path.basename(path), error), file=sys.stderr)
    assert error < 5e-6
    mg.save_file({k: v.clone().contiguous() for k, v in out.items()}, path + "/golden.safetensors",
                 metadata={"format": "pt"})


def make(name, seed, config_class, model_class, longest, vocab=150, labels=3, lengths=(1, 2, 3, 7, 16, 17, 33),
         keep=mg.everything, types=1, rewrite=None, **sizes):
    path = os.path.join(mg.HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    config = config_class(attn_implementation="eager", vocab_size=vocab, num_labels=labels, **sizes)
    model = randomise(model_class(config), seed)
    model.save_pretrained(path)
    mg.write_tokenizer(path, mg.vocabulary(vocab), False, ("vocab.txt",), longest)
    g = torch.Generator().manual_seed(seed + 1000)
    seqs = []
    for n in list(lengths) + [longest]:
        ids = torch.randint(0, vocab, (n,), generator=g).tolist()
        seqs.append((ids, [int(types > 1 and i >= (n + 1) // 2) for i in range(n)]))
    golden(path, model, seqs, keep)
    if rewrite:
        import json
        with open(path + "/config.json", encoding="utf-8") as f:
            old = json.load(f)
        with open(path + "/config.json", "w", encoding="utf-8") as f:
            json.dump(rewrite(old), f, indent=2)
    return name


def old_dialect(config):
    """ModernBERT's config.json as transformers 4 wrote it."""
    rope = config.pop("rope_parameters")
    config.pop("layer_types")
    config.update(global_rope_theta=rope["full_attention"]["rope_theta"],
                  local_rope_theta=rope["sliding_attention"]["rope_theta"], global_attn_every_n_layers=3)
    return config


SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)


def main():
    n = [
        make("electra-projected", 101, tf.ElectraConfig, tf.ElectraForSequenceClassification, 48, types=2,
             embedding_size=20, max_position_embeddings=48, **SMALL),
        make("electra-bare", 102, tf.ElectraConfig, tf.ElectraModel, 40, types=2, embedding_size=36, hidden_size=36,
             num_hidden_layers=1, num_attention_heads=3, intermediate_size=50, max_position_embeddings=40),
        make("roberta-cls", 103, tf.RobertaConfig, tf.RobertaForSequenceClassification, 48,
             max_position_embeddings=50, type_vocab_size=1, layer_norm_eps=1e-5, **SMALL),
        make("roberta-bare", 104, tf.RobertaConfig, tf.RobertaModel, 40, max_position_embeddings=44, pad_token_id=3,
             type_vocab_size=2, hidden_size=36, num_hidden_layers=1, num_attention_heads=3, intermediate_size=50),
        make("xlm-roberta-cls", 105, tf.XLMRobertaConfig, tf.XLMRobertaForSequenceClassification, 40,
             max_position_embeddings=42, type_vocab_size=1, **SMALL),
        make("camembert-cls", 106, tf.CamembertConfig, tf.CamembertForSequenceClassification, 40,
             max_position_embeddings=42, type_vocab_size=1, **SMALL),
        make("albert-shared", 107, tf.AlbertConfig, tf.AlbertForSequenceClassification, 48, types=2,
             embedding_size=20, max_position_embeddings=48, hidden_size=32, num_hidden_layers=4,
             num_attention_heads=2, intermediate_size=64),
        make("albert-groups", 108, tf.AlbertConfig, tf.AlbertForSequenceClassification, 40, types=2,
             embedding_size=36, max_position_embeddings=40, hidden_size=36, num_hidden_layers=5, num_hidden_groups=2,
             inner_group_num=2, num_attention_heads=3, intermediate_size=50, hidden_act="gelu"),
        make("modernbert-cls", 109, tf.ModernBertConfig, tf.ModernBertForSequenceClassification, 150,
             max_position_embeddings=150, local_attention=128, hidden_size=32, num_hidden_layers=4,
             num_attention_heads=2, intermediate_size=48, pad_token_id=0, keep=mg.ends_and_some),
        make("modernbert-narrow", 110, tf.ModernBertConfig, tf.ModernBertForSequenceClassification, 70,
             max_position_embeddings=70, local_attention=8, hidden_size=36, num_hidden_layers=5,
             num_attention_heads=3, intermediate_size=50, classifier_pooling="mean", pad_token_id=0,
             rewrite=old_dialect),
        make("modernbert-biases", 111, tf.ModernBertConfig, tf.ModernBertModel, 40, max_position_embeddings=40,
             local_attention=6, hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=24,
             norm_bias=True, attention_bias=True, mlp_bias=True, pad_token_id=0),
        make("mpnet-cls", 112, tf.MPNetConfig, tf.MPNetForSequenceClassification, 200,
             max_position_embeddings=202, keep=mg.ends_and_some, **SMALL),
        make("mpnet-odd", 113, tf.MPNetConfig, tf.MPNetModel, 40, max_position_embeddings=42, hidden_size=36,
             num_hidden_layers=1, num_attention_heads=3, intermediate_size=50, relative_attention_num_buckets=40),
    ]
    with open(os.path.join(mg.HERE, "families.txt"), "w") as f:
        f.write("".join(x + "\n" for x in sorted(n)))
    for x in sorted(n):
        total = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(os.path.join(mg.HERE, x)) for f in fs)
        print("%-20s %7d bytes" % (x, total), file=sys.stderr)


if __name__ == "__main__":
    main()
