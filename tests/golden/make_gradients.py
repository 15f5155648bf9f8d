#!/usr/bin/env python3
"""Writes gradients.safetensors beside every golden model with a classification head: PyTorch's gradient of

    (1/B) sum_b cross_entropy(logits_b, label b mod C)        one label: (1/B) sum_b (logit_b - 1/2)^2

for every parameter, by its name, dropout off, each sequence by itself (so nothing is padded), computed in float64;
"loss"; and as "own:NAME" how far PyTorch's float32 is from that, as max|a-b| / max|b|.

    python3 tests/golden/make_gradients.py

Needs torch, transformers and safetensors; run after make_golden.py and make_families.py.
"""
import os

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

torch.set_num_threads(1)
TYPED = {"bert", "electra", "albert"}
SKIPPED = {"bert-bf16", "bert-f16", "bert-legacy", "bert-sharded"}  # they differ from others in the file alone


def gradients(path, g, dtype):
    model = AutoModelForSequenceClassification.from_pretrained(path).to(dtype).eval()
    offsets = g["offsets"].tolist()
    B, loss = len(offsets) - 1, 0.0
    for b in range(B):
        rows = slice(offsets[b], offsets[b + 1])
        batch = {"input_ids": g["ids"][rows][None].long()}
        batch["attention_mask"] = torch.ones_like(batch["input_ids"])
        if model.config.model_type in TYPED:
            batch["token_type_ids"] = g["types"][rows][None].long()
        logits = model(**batch).logits
        assert (logits[0].float() - g["logits"][b]).abs().max() < 1e-4, path
        part = torch.nn.functional.cross_entropy(logits, torch.tensor([b % logits.shape[1]])) / B
        if logits.shape[1] == 1:
            part = (logits[0, 0] - 0.5) ** 2 / B
        part.backward()
        loss += part.item()
    return loss, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(here)):
        golden = os.path.join(here, name, "golden.safetensors")
        if not os.path.exists(golden):
            continue
        g = load_file(golden)
        if "logits" not in g or name in SKIPPED:
            continue
        loss, grads = gradients(os.path.join(here, name), g, torch.float64)
        _, singles = gradients(os.path.join(here, name), g, torch.float32)
        out = {n: d.float() for n, d in grads.items()}
        for n, d in grads.items():
            out["own:" + n] = torch.tensor([((singles[n].double() - d).abs().max() / d.abs().max()).item()])
        out["loss"] = torch.tensor([loss], dtype=torch.float32)
        save_file(out, os.path.join(here, name, "gradients.safetensors"), metadata={"format": "pt"})
        print(name, len(out), "%.4f" % loss)


main()
