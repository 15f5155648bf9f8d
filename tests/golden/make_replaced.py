#!/usr/bin/env python3
"""Writes replaced.safetensors beside a golden ELECTRA: PyTorch's replaced-token detection with the model's encoder as the
discriminator's, a head of random weights, and a random generator of half its width.

    python3 tests/golden/make_replaced.py

Of the golden batch every third token of a sequence, from the second on, is masked: `ids` I32 [R] is what the generator
is shown, `rows` I32 [M] where, `labels` I32 [M] what it is to guess. Every second of them comes back as another token:
`judged` I32 [R] is what the discriminator is shown. "generator_loss" is the mean cross-entropy over the masked tokens,
"discriminator_loss" the mean binary cross-entropy over all, "loss" the one plus 50 times the other; each sequence by
itself, dropout off, in float64. The generator's word, position and type embeddings are the discriminator's.

"head:NAME" is a parameter of the discriminator's head, "generator:NAME" one of the generator; "NAME" is the gradient of
every parameter of the discriminator, "generator/NAME" of every one that the generator has of its own, "own:NAME" and
"own:generator/NAME" how far PyTorch's float32 gradient is from that, as max|a-b| / max|b|. "guessed", "replaced",
"found" and "right" I32 [1] count masked tokens whose logit is the greatest, replaced tokens, those among them that are
called so, and tokens of either kind that are called what they are.

Needs torch, transformers and safetensors; run after make_families.py.
"""
import os

import torch
from safetensors.torch import load_file, save_file
from transformers import ElectraConfig, ElectraForMaskedLM, ElectraForPreTraining

torch.set_num_threads(1)
MODEL = "electra-projected"
SHOWN = 5
WEIGHT = 50.0


def randomize(module, names):
    with torch.no_grad():
        for name, p in module.named_parameters():
            if names(name):
                p.copy_((1.0 if "LayerNorm.weight" in name else 0.0) + 0.3 * torch.randn(p.shape))


def make(path):
    torch.manual_seed(6)
    model = ElectraForPreTraining.from_pretrained(path).float()
    randomize(model, lambda name: not name.startswith("electra."))
    config = ElectraConfig.from_pretrained(path)
    config.hidden_size, config.num_attention_heads, config.intermediate_size = 16, 2, 24
    generator = ElectraForMaskedLM(config).float()
    randomize(generator, lambda name: True)
    of, to = model.electra.embeddings, generator.electra.embeddings
    to.word_embeddings, to.position_embeddings = of.word_embeddings, of.position_embeddings
    to.token_type_embeddings = of.token_type_embeddings
    generator.generator_lm_head.weight = of.word_embeddings.weight
    return model, generator


def run(path, g, dtype):
    model, generator = (m.to(dtype).eval() for m in make(path))
    offsets = g["offsets"].tolist()
    V, R = model.config.vocab_size, offsets[-1]
    text = g["ids"].long()
    shown, judged, rows = text.clone(), text.clone(), []
    for b in range(len(offsets) - 1):
        rows += range(offsets[b] + 1, offsets[b + 1] - 1, 3)
    shown[rows] = SHOWN
    for r in rows[::2]:
        judged[r] = (7 * text[r] + 3) % V
    counts = {"guessed": 0, "replaced": int((judged != text).sum()), "found": 0, "right": 0}
    losses = [0.0, 0.0]
    for b in range(len(offsets) - 1):
        here = slice(offsets[b], offsets[b + 1])
        batch = {"attention_mask": torch.ones_like(text[here][None]), "token_type_ids": g["types"][here][None].long()}
        mine = [r for r in rows if offsets[b] <= r < offsets[b + 1]]
        z = model(input_ids=judged[here][None], **batch).logits[0]
        y = (judged[here] != text[here])
        discriminator = torch.nn.functional.binary_cross_entropy_with_logits(z, y.to(dtype), reduction="sum") / R
        (WEIGHT * discriminator).backward()
        losses[1] += discriminator.item()
        counts["found"] += int(((z > 0) & y).sum())
        counts["right"] += int(((z > 0) == y).sum())
        if not mine:
            continue
        logits = generator(input_ids=shown[here][None], **batch).logits[0][[r - offsets[b] for r in mine]]
        guess = torch.nn.functional.cross_entropy(logits, text[mine], reduction="sum") / len(rows)
        guess.backward()
        losses[0] += guess.item()
        counts["guessed"] += int((logits.argmax(-1) == text[mine]).sum())
    both = torch.nn.ModuleList([model, generator])
    grads, values = {}, {}
    for name, p in both.named_parameters():  # each tied one once, as the discriminator's
        which, name = name.split(".", 1)
        grads[("generator/" if which == "1" else "") + name] = p.grad
        if which == "1" or not name.startswith("electra."):
            values[("generator:" if which == "1" else "head:") + name] = p.detach()
    return losses, counts, {n: d for n, d in grads.items() if d is not None}, values, shown, judged, rows, text[rows]


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), MODEL)
    g = load_file(os.path.join(path, "golden.safetensors"))
    losses, counts, grads, values, shown, judged, rows, labels = run(path, g, torch.float64)
    singles = run(path, g, torch.float32)[2]
    out = {n: d.float() for n, d in {**grads, **values}.items()}
    for n, d in grads.items():
        out["own:" + n] = torch.tensor([((singles[n].double() - d).abs().max() / d.abs().max()).item()])
    for n, loss in zip(("generator_loss", "discriminator_loss", "loss"), (*losses, losses[0] + WEIGHT * losses[1])):
        out[n] = torch.tensor([loss], dtype=torch.float32)
    for n, count in counts.items():
        out[n] = torch.tensor([count], dtype=torch.int32)
    out["ids"], out["judged"], out["labels"] = shown.int(), judged.int(), labels.int()
    out["rows"] = torch.tensor(rows, dtype=torch.int32)
    save_file({k: v.contiguous().clone() for k, v in out.items()}, os.path.join(path, "replaced.safetensors"),
              metadata={"format": "pt"})
    print(MODEL, len(out), "%.4f %.4f" % tuple(losses), counts, "of", len(rows), "and", len(shown))


main()
