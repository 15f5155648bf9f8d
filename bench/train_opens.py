#!/usr/bin/env python3
"""Does what `inkling finetune` saves open in transformers, and say the same there?

    bench/train_opens.py MODEL_DIR [MODEL_DIR ...] [--inkling build/inkling] [--updates 4] [--texts DEV.jsonl]

From each model a single-label, a multi-label and a regression classifier is finetuned for a few updates on made-up
records, with a new head. What was saved is opened by AutoModelForSequenceClassification, which must miss no weight and
find none too many, and AutoTokenizer; 200 texts go through both, alone, and through `inkling classify --all-scores`.
Their lengths in tokens must be equal, and the logits within 1e-4 of one another. What is printed has six decimals, which
is all that is known of a logit: so scores are compared, and logits where they can be had from the scores, allowing for
what that rounding moves; of a softmax as far as it says them, up to a constant.

Needs numpy, torch, transformers. One line a model and task; exit status 1 if one is off.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizerFast

BAR, DIGITS = 1e-4, 5e-7  # and half of the last printed digit
WORDS = "the a not very good bad film plot and was is it 7 Paris great dull, awful! never again - 3.5 stars café 好".split()
LABELS = ["bad", "good", "mixed"]


def made_up(path, task, n, seed):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as f:
        for i in range(n):
            row = {"text": " ".join(draw.choices(WORDS, k=draw.randint(1, 20)))}
            if task == "single":
                row["label"] = LABELS[i % 3]
            elif task == "multi":
                row["labels"] = [name for name in LABELS if draw.random() < 0.5] or [LABELS[i % 3]]
            else:
                row["label"] = round(draw.uniform(-1, 1), 3) + 0.0001
            f.write(json.dumps(row, ensure_ascii=False) + "\n")


def run(command):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0:
        sys.exit("exit status %d: %s\n%s" % (p.returncode, " ".join(command), p.stderr[-2000:]))
    return p.stdout


def tokenizer_of(out, model):
    """AutoTokenizer's, and a remark. Some tests' models have a vocab.txt that their family does not go with: what
    AutoTokenizer cannot open where training started is no fault of what was saved."""
    try:
        return AutoTokenizer.from_pretrained(out), ""
    except ValueError:
        try:
            AutoTokenizer.from_pretrained(model)
        except ValueError:
            return BertTokenizerFast.from_pretrained(out), " (BertTokenizer: AutoTokenizer refuses the start, too)"
        raise


def reference(out, texts, tokenizer):
    """(label names, logits [n,C], token counts)"""
    model, info = AutoModelForSequenceClassification.from_pretrained(out, output_loading_info=True)
    wrong = {k: v for k, v in info.items() if v}
    if wrong:
        sys.exit("%s: transformers finds %s" % (out, wrong))
    model.float().eval()
    logits, lengths = [], []
    with torch.inference_mode():
        for text in texts:
            ids = torch.tensor([tokenizer(text, truncation=True, max_length=32)["input_ids"]])
            logits.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].double().numpy())
            lengths.append(ids.shape[1])
    return [model.config.id2label[i] for i in range(model.config.num_labels)], np.array(logits), lengths


def apart(task, logits, said, names):
    """(largest difference of a score, largest of a logit beyond its rounding, logits compared)"""
    if task == "regression":
        d = np.abs(logits[:, 0] - [r["value"] for r in said])
        return d.max(), max(0.0, d.max() - DIGITS), d.size
    scores = np.array([[r["scores"][n] for n in names] for r in said])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if task == "multi":
            theirs = 1 / (1 + np.exp(-logits))
            off = np.abs(np.log(scores / (1 - scores)) - logits) - DIGITS / (scores * (1 - scores))
            seen = scores * (1 - scores) > 0.02
        else:
            theirs = np.exp(logits - logits.max(1, keepdims=True))
            theirs /= theirs.sum(1, keepdims=True)
            # Against the likeliest label's, which is known best.
            rows, top = np.arange(len(scores)), scores.argmax(1)
            ours = np.log(scores) - np.log(scores[rows, top])[:, None]
            off = np.abs(ours - (logits - logits[rows, top][:, None])) - DIGITS / scores - \
                DIGITS / scores[rows, top][:, None]
            seen = scores > 0.02
            seen[rows, top] = False
    return np.abs(scores - theirs).max(), max(0.0, off[seen].max(initial=0.0)), int(seen.sum())


def check(a, model, task, texts, d):
    train, dev, out, docs = d + "/train.jsonl", d + "/dev.jsonl", d + "/out", d + "/texts.jsonl"
    made_up(train, task, 8 * a.updates, 1)
    made_up(dev, task, 8, 2)
    run([a.inkling, "finetune", "--from", model, "--train", train, "--dev", dev, "--out", out, "--task", task, "--epochs",
         "1", "--batch-size", "8", "--max-length", "32", "--threads", "1", "--quiet"])
    with open(docs, "w", encoding="utf-8") as f:
        f.writelines(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
    said = [json.loads(line) for line in run([a.inkling, "classify", "-m", out, "--all-scores", "--max-length", "32",
                                              "--parse-special", "--quiet", docs]).splitlines()]
    tokenizer, remark = tokenizer_of(out, model)
    names, logits, lengths = reference(out, texts, tokenizer)
    score, logit, n = apart(task, logits, said, names)
    longer = sum(x != r["used"] for x, r in zip(lengths, said))
    good = len(said) == len(texts) and score <= BAR and logit <= BAR and longer == 0 and np.isfinite(logits).all()
    print("%-22s %-10s %d texts: scores within %.1e, %d logits within %.1e, bar %.0e; %d lengths differ%s: %s"
          % (os.path.basename(model), task, len(said), score, n, logit, BAR, longer, remark, "holds" if good else "MISSED"),
          flush=True)
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("models", nargs="+")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--updates", type=int, default=4)
    p.add_argument("--texts", help="JSON lines, of which the first 200 are taken; else they are made up")
    a = p.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as d:
        if a.texts:
            source = a.texts
        else:
            source = d + "/made-up.jsonl"
            made_up(source, "single", 200, 3)
        with open(source, encoding="utf-8") as f:
            texts = [json.loads(line)["text"] for _, line in zip(range(200), f)]
    for model in a.models:
        for task in ("single", "multi", "regression"):
            with tempfile.TemporaryDirectory() as d:
                good &= check(a, model.rstrip("/"), task, texts, d)
    sys.exit(not good)


main()
