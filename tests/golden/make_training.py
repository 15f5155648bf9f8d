#!/usr/bin/env python3
"""Makes tests/golden/training.safetensors: what PyTorch's losses and optimizers give, for the tests of src/nn.

    python3 tests/golden/make_training.py        needs torch and safetensors (the file here comes from 2.15.0, 0.8.0)

Inputs are F32; a loss and its gradient by the logits are computed from them in float64 and kept as F64.

  logits, teacher F32 [B,C], labels I64 [B] (-100: left out), weights, positive F32 [C], targets F32 [B,C]
  <loss> F64 [1], <loss>.grad F64 [B,C]    of cross_entropy (plain, smooth, weighted, both), binary (plain,
                                           weighted), squared, absolute, distillation and distillation.binary
                                           at T 1, 2 and 5
  gradients F32 [STEPS,N], start F32 [N]   what every optimizer below is given
  <optimizer> F32 [STEPS,N]                the parameters after each step
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

B, C, N, STEPS = 9, 5, 37, 6
g = torch.Generator().manual_seed(11)
out = {
    "logits": 3 * torch.randn(B, C, generator=g),
    "teacher": 4 * torch.randn(B, C, generator=g),
    "labels": torch.randint(0, C, (B,), generator=g),
    "weights": torch.rand(C, generator=g) * 3 + 0.1,
    "positive": torch.rand(C, generator=g) * 5 + 0.2,
    "targets": (torch.rand(B, C, generator=g) < 0.4).float(),
}
out["labels"][4] = -100
weights, positive, targets, teacher = (out[k].double() for k in ("weights", "positive", "targets", "teacher"))
labels = out["labels"]


def loss(name, function):
    z = out["logits"].double().requires_grad_()
    value = function(z)
    value.backward()
    out[name], out[name + ".grad"] = value.detach().reshape(1), z.grad


loss("cross_entropy", lambda z: F.cross_entropy(z, labels))
loss("cross_entropy.smooth", lambda z: F.cross_entropy(z, labels, label_smoothing=0.1))
loss("cross_entropy.weighted", lambda z: F.cross_entropy(z, labels, weight=weights))
loss("cross_entropy.both", lambda z: F.cross_entropy(z, labels, weight=weights, label_smoothing=0.3))
loss("binary", lambda z: F.binary_cross_entropy_with_logits(z, targets))
loss("binary.weighted", lambda z: F.binary_cross_entropy_with_logits(z, targets, pos_weight=positive))
loss("squared", lambda z: F.mse_loss(z, teacher))
loss("absolute", lambda z: F.l1_loss(z, teacher))
for T in (1, 2, 5):
    loss(f"distillation.{T}", lambda z: T * T * F.kl_div(F.log_softmax(z / T, -1), F.log_softmax(teacher / T, -1),
                                                         reduction="batchmean", log_target=True))
    loss(f"distillation.binary.{T}", lambda z: T * T * sum(
        F.kl_div(F.logsigmoid(s * z / T), F.logsigmoid(s * teacher / T), reduction="sum", log_target=True)
        for s in (1, -1)) / (B * C))

out["start"] = torch.randn(N, generator=g)
out["gradients"] = torch.randn(STEPS, N, generator=g) * torch.logspace(-4, 1, N)


def steps(name, make):
    p = torch.nn.Parameter(out["start"].clone())
    optimizer, after = make([p]), []
    for gradient in out["gradients"]:
        p.grad = gradient.clone()
        optimizer.step()
        after.append(p.detach().clone())
    out[name] = torch.stack(after)


steps("adamw", lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1))
steps("adam", lambda p: torch.optim.Adam(p, lr=1e-2, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1))
steps("sgd", lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, weight_decay=0.1))
steps("sgd.plain", lambda p: torch.optim.SGD(p, lr=1e-2))

save_file({k: v.contiguous() for k, v in out.items()},
          os.path.join(os.path.dirname(os.path.abspath(__file__)), "training.safetensors"))
