#!/usr/bin/env python3
"""Writes masked.safetensors beside some golden models: PyTorch's masked language model over the model's encoder, with a
head of random weights.

    python3 tests/golden/make_masked.py

Of the golden batch every third token of a sequence, from the second on, is to be guessed: `ids` I32 [R] is what the
model is shown, `rows` I32 [M] where, `labels` I32 [M] what. "loss" is the mean cross-entropy over them, each sequence
by itself, dropout off, in float64. "head:NAME" is a parameter of the head, "NAME" the gradient of every parameter by
its name, "own:NAME" how far PyTorch's float32 gradient is from that, as max|a-b| / max|b|; "right" I32 [1] how many
rows' label has the greatest logit.

Needs torch, transformers and safetensors; run after make_golden.py and make_families.py.
"""
import os

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForMaskedLM

torch.set_num_threads(1)
TYPED = {"bert", "electra", "albert"}
MODELS = ["bert-odd", "roberta-cls", "distilbert-odd", "electra-projected", "albert-groups", "modernbert-narrow",
          "mpnet-odd"]
SHOWN = 5  # no special token of any of them


def make(path):
    torch.manual_seed(3)
    model = AutoModelForMaskedLM.from_pretrained(path).float()
    encoder = model.base_model_prefix + "."
    with torch.no_grad():
        for name, p in model.named_parameters():
            if not name.startswith(encoder):
                p.copy_((1.0 if p.dim() == 1 and "norm" in name.lower() and "weight" in name else 0.0)
                        + 0.3 * torch.randn(p.shape))
    return model, encoder


def run(path, g, dtype):
    model, encoder = make(path)
    model = model.to(dtype).eval()
    offsets = g["offsets"].tolist()
    shown, rows = g["ids"].clone(), []
    for b in range(len(offsets) - 1):
        rows += range(offsets[b] + 1, offsets[b + 1] - 1, 3)
    labels = g["ids"][rows]
    shown[rows] = SHOWN
    loss, right = 0.0, 0
    for b in range(len(offsets) - 1):
        mine = [r for r in rows if offsets[b] <= r < offsets[b + 1]]
        if not mine:
            continue
        here = slice(offsets[b], offsets[b + 1])
        batch = {"input_ids": shown[here][None].long()}
        batch["attention_mask"] = torch.ones_like(batch["input_ids"])
        if model.config.model_type in TYPED:
            batch["token_type_ids"] = g["types"][here][None].long()
        logits = model(**batch).logits[0][[r - offsets[b] for r in mine]]
        wanted = g["ids"][mine].long()
        part = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum") / len(rows)
        part.backward()
        loss += part.item()
        right += int((logits.argmax(-1) == wanted).sum())
    grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    head = {n: p.detach() for n, p in model.named_parameters() if not n.startswith(encoder)}
    return loss, right, grads, head, shown, rows, labels


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for name in MODELS:
        path = os.path.join(here, name)
        g = load_file(os.path.join(path, "golden.safetensors"))
        loss, right, grads, head, shown, rows, labels = run(path, g, torch.float64)
        singles = run(path, g, torch.float32)[2]
        out = {n: d.float() for n, d in grads.items()}
        for n, d in grads.items():
            out["own:" + n] = torch.tensor([((singles[n].double() - d).abs().max() / d.abs().max()).item()])
        for n, p in head.items():
            out["head:" + n] = p.float()
        out["loss"] = torch.tensor([loss], dtype=torch.float32)
        out["right"] = torch.tensor([right], dtype=torch.int32)
        out["ids"], out["labels"] = shown.int(), labels.int()
        out["rows"] = torch.tensor(rows, dtype=torch.int32)
        save_file({k: v.contiguous().clone() for k, v in out.items()}, os.path.join(path, "masked.safetensors"),
                  metadata={"format": "pt"})
        print(name, len(out), "%.4f" % loss, right, "of", len(rows))


main()
