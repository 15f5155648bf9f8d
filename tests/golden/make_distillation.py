#!/usr/bin/env python3
"""Makes tests/golden/distillation.safetensors: PyTorch's loss and gradients of students that have a teacher.

    python3 tests/golden/make_distillation.py

Needs torch, transformers and safetensors; run after make_golden.py. Of the golden batch of each model the first half
of the sequences have labels, sequence b the label b mod C, of several those c with (b + c) mod 3 = 0, or the value
b / 2 - 1; the others have none. Dropout is off and everything is computed in float64. By T 2 and A 0.7:

  <case>.teacher F32 [B,C]   logits of the teacher; for every case of the table below
  <case>.weights F32 [C]     of the classes, or of the positives; only where there are any
  <case>.loss F32 [1]
  <case>:<name> F32          the gradient of a parameter: the head's last layer and one that lies deep
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

T, A = 2.0, 0.7
HERE = os.path.dirname(os.path.abspath(__file__))
CASES = {"single": ("bert-tiny-cls", False), "single.weighted": ("bert-tiny-cls", True),
         "multi": ("bert-tiny-cls", False), "multi.weighted": ("bert-tiny-cls", True), "value": ("bert-wide-head", False)}


def single(z, teacher, labelled, weights):
    """Both terms by the class weights' scale: the teacher's by their mean over the records with labels."""
    labels = torch.arange(labelled) % z.shape[1]
    w = weights if weights is not None else torch.ones(z.shape[1], dtype=z.dtype)
    mean = w[labels].mean()
    hard = F.cross_entropy(z[:labelled], labels, weight=weights, label_smoothing=0.1, reduction="sum")
    soft = T * T * F.kl_div(F.log_softmax(z / T, -1), F.softmax(teacher / T, -1), reduction="sum")
    return ((1 - A) * hard + A * mean * soft) / (w[labels].sum() + mean * (len(z) - labelled))


def multi(z, teacher, labelled, weights):
    B, C = z.shape
    targets = torch.tensor([[float((b + c) % 3 == 0) for c in range(C)] for b in range(labelled)], dtype=z.dtype)
    hard = F.binary_cross_entropy_with_logits(z[:labelled], targets, pos_weight=weights, reduction="sum")
    q = torch.sigmoid(teacher / T)
    entropy = -(q * F.logsigmoid(teacher / T) + (1 - q) * F.logsigmoid(-teacher / T)).sum()
    soft = T * T * (F.binary_cross_entropy_with_logits(z / T, q, reduction="sum") - entropy)
    return ((1 - A) * hard + A * soft) / (B * C)


def value(z, teacher, labelled, weights):
    targets = torch.arange(labelled, dtype=z.dtype)[:, None] / 2 - 1
    return ((1 - A) * ((z[:labelled] - targets) ** 2).sum() + A * ((z - teacher) ** 2).sum()) / len(z)


def main():
    out, generator = {}, torch.Generator().manual_seed(7)
    for case, (name, weighted) in CASES.items():
        path = os.path.join(HERE, name)
        g = load_file(os.path.join(path, "golden.safetensors"))
        model = AutoModelForSequenceClassification.from_pretrained(path).double().eval()
        offsets, logits = g["offsets"].tolist(), []
        for begin, end in zip(offsets, offsets[1:]):
            batch = {"input_ids": g["ids"][begin:end][None].long(),
                     "token_type_ids": g["types"][begin:end][None].long()}
            logits.append(model(**batch).logits[0])
        z = torch.stack(logits)
        teacher = 3 * torch.randn(z.shape, generator=generator)
        weights = torch.rand(z.shape[1], generator=generator) * 3 + 0.2 if weighted else None
        function = {"single": single, "multi": multi, "value": value}[case.split(".")[0]]
        loss = function(z, teacher.double(), len(z) // 2, weights.double() if weighted else None)
        loss.backward()
        out[case + ".teacher"] = teacher
        if weighted:
            out[case + ".weights"] = weights
        out[case + ".loss"] = loss.detach().float().reshape(1)
        for parameter, p in model.named_parameters():
            if parameter in ("classifier.weight", "classifier.bias") or \
                    parameter.endswith("encoder.layer.0.attention.self.query.weight"):
                out[case + ":" + parameter] = p.grad.float().contiguous()
        print(case, "%.6f" % loss.item())
    save_file(out, os.path.join(HERE, "distillation.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    main()
