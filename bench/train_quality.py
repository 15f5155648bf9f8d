#!/usr/bin/env python3
"""Are finetuned classifiers as good as PyTorch's?

    bench/train_quality.py MODEL_DIR TRAIN.jsonl --peer PEER.py [--rows 5000] [--epochs 4] [--results FILE]
        takes the first rows of TRAIN, holds a tenth of them out, trains both sides once on the rest, and compares them on
        the tenth: accuracy, or micro-F1 where records have lists of labels, both computed here from each side's own
        scores, with the 95 % interval of the difference (paired bootstrap over the records, 10,000 resamples). The bar:
        the interval does not lie below zero, and PyTorch has learned more than to name the commonest label. Where records
        have lists and neither side's scores reach one half, micro-F1 says nothing of either: then their rankings are
        compared, by average precision over all pairs of record and label, against the labels' frequencies (1,000
        resamples).

    bench/train_quality.py MODEL_DIR TRAIN.jsonl --dev DEV.jsonl --recorded 0.8956 [--seeds 3] [--epochs 2] [--margin 0.005]
        trains on all of TRAIN from several seeds, and holds the mean of dev's metric against one recorded earlier. The
        bar: at most the margin below it.

Both sides: AdamW, batches of 32 of like length, 5e-5 falling to zero after a warm-up of 6 %, weights of the last update.
A line of JSON is appended to the results file. Other options: --inkling, --batch-size, --learning-rate, --max-length,
--threads, --seed, --work DIR (keeps data and models there). PEER.py is called as
    SEED=S python PEER.py MODEL_DIR TRAIN DEV 0 EPOCHS LEARNING_RATE BATCH_SIZE MAX_LENGTH OUT
and saves its model in OUT. Needs numpy, torch, transformers, tokenizers. Exit status 1 if the bar is missed.
"""
import argparse
import collections
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

RESAMPLES = 10000


def read_jsonl(path, limit=None):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for _, line in zip(range(limit or sys.maxsize), f)]


def labels_of(row):
    return row["labels"] if "labels" in row else [row["label"]]


def split(a, d):
    """Writes train.jsonl and dev.jsonl; a record whose label would be in dev alone stays in train."""
    rows = read_jsonl(a.train, a.rows)
    key = "labels" if "labels" in rows[0] else "label"
    places = list(range(len(rows)))
    random.Random(1).shuffle(places)
    train, dev = [], []
    left = collections.Counter(name for r in rows for name in labels_of(r))
    for i in places:
        names = set(labels_of(rows[i]))
        held = len(dev) < len(rows) // 10 and all(left[n] > 1 for n in names)
        (dev if held else train).append(i)
        if held:
            left.subtract(names)
    for name, part in (("train", train), ("dev", dev)):
        with open("%s/%s.jsonl" % (d, name), "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": rows[i]["text"], key: rows[i][key]}, ensure_ascii=False) + "\n"
                         for i in sorted(part))


def run(command, env=None):
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(env or {})}, text=True)
    if p.returncode != 0:
        sys.exit("exit status %d: %s\n%s" % (p.returncode, " ".join(command), p.stderr[-2000:]))
    return p.stdout


def finetune(a, train, dev, out, *more):
    run([a.inkling, "finetune", "--from", a.model, "--train", train, "--dev", dev, "--out", out, "--quiet",
         "--epochs", repr(a.epochs), "--batch-size", str(a.batch_size), "--learning-rate", repr(a.learning_rate),
         "--max-length", str(a.max_length), "--threads", str(a.threads), "--seed", str(a.seed),
         "--eval-steps", "1000000000", *more])  # once, at the end: the last weights, as the peer's


def our_scores(a, model, dev, names):
    lines = run([a.inkling, "classify", "-m", model, "--all-scores", "--max-length", str(a.max_length), "--quiet", dev])
    return np.array([[r["scores"][n] for n in names] for r in map(json.loads, lines.splitlines())])


def torch_scores(a, model, dev, names):
    """Every record alone, so that there is no padding to speak of."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForSequenceClassification
    tokenizer = Tokenizer.from_file(a.model + "/tokenizer.json")
    tokenizer.enable_truncation(a.max_length)
    tokenizer.no_padding()
    net = AutoModelForSequenceClassification.from_pretrained(model).float().eval()
    columns = [net.config.label2id[n] for n in names]
    scores = []
    with torch.inference_mode():
        for row in read_jsonl(dev):
            ids = torch.tensor([tokenizer.encode(row["text"]).ids])
            logits = net(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
            multi = net.config.problem_type == "multi_label_classification"
            scores.append((logits.sigmoid() if multi else logits.softmax(-1)).numpy()[columns])
    return np.array(scores)


def counts(scores, truth, multi):
    """[n,3] of every record: true positives, false positives, false negatives."""
    guess = scores > 0.5 if multi else np.eye(truth.shape[1], dtype=bool)[scores.argmax(1)]
    return np.stack([(guess & truth).sum(1), (guess & ~truth).sum(1), (~guess & truth).sum(1)], 1)


def micro_f1(c):
    """Of counts [...,n,3]. Where each record has one label and one guess it is the accuracy."""
    tp, fp, fn = np.moveaxis(c.sum(-2), -1, 0)
    return 2 * tp / np.maximum(2 * tp + fp + fn, 1)


def average_precision(scores, truth):
    """Of all pairs of record and label, ranked by score; ties in their order."""
    hits = truth.ravel()[np.argsort(-scores.ravel(), kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, hits.size + 1))[hits].mean()) if hits.any() else 0.0


def compare_rankings(ours, theirs, truth, frequencies):
    draws = np.random.default_rng(1).integers(0, len(truth), (RESAMPLES // 10, len(truth)))
    spread = [average_precision(ours[i], truth[i]) - average_precision(theirs[i], truth[i]) for i in draws]
    common = average_precision(np.tile(frequencies, (len(truth), 1)), truth)
    return (average_precision(ours, truth), average_precision(theirs, truth), common, *np.percentile(spread, [2.5, 97.5]))


def compare(a, d):
    train, dev = d + "/train.jsonl", d + "/dev.jsonl"
    split(a, d)
    rows = read_jsonl(dev)
    names = sorted({n for r in read_jsonl(train) for n in labels_of(r)})
    multi = "labels" in rows[0]
    truth = np.array([[n in labels_of(r) for n in names] for r in rows])
    finetune(a, train, dev, d + "/ours")
    said = json.loads(run([sys.executable, a.peer, a.model, train, dev, "0", repr(a.epochs), repr(a.learning_rate),
                           str(a.batch_size), str(a.max_length), d + "/torch"],
                          {"SEED": str(a.seed)}).strip().splitlines()[-1])
    scores = our_scores(a, d + "/ours", dev, names), torch_scores(a, d + "/torch", dev, names)
    ours, theirs = (counts(s, truth, multi) for s in scores)
    common = counts(np.eye(len(names))[[truth.sum(0).argmax()] * len(rows)], truth, multi)
    x, y, base = float(micro_f1(ours)), float(micro_f1(theirs)), float(micro_f1(common))
    if abs(y - said["dev_acc"]) > 6e-5:
        sys.exit("the peer says %.4f, its saved model has %.4f" % (said["dev_acc"], y))
    draws = np.random.default_rng(1).integers(0, len(rows), (RESAMPLES, len(rows)))
    low, high = np.percentile([micro_f1(ours[i]) - micro_f1(theirs[i]) for i in draws], [2.5, 97.5])
    metric = "micro-F1" if multi else "accuracy"
    if multi and x == y == 0:
        metric = "average precision"
        told = [labels_of(r) for r in read_jsonl(train)]
        frequencies = np.array([sum(n in labels for labels in told) for n in names])
        x, y, base, low, high = compare_rankings(*scores, truth, frequencies)
    good = high >= 0 and y > base
    print("%s, %d labels, %d records of %d held out, %g epochs: %s of inkling %.4f, PyTorch %.4f (commonest label %.4f); "
          "difference %+.4f, 95 %% interval %+.4f to %+.4f, bar: its upper end at least 0: %s"
          % (a.name, len(names), len(rows), len(rows) + len(read_jsonl(train)), a.epochs, metric, x, y, base, x - y, low,
             high, "holds" if good else "PyTorch learned nothing: give more epochs" if y <= base else "MISSED"))
    return good, {"metric": metric, "labels": len(names), "dev": len(rows), "inkling": x, "torch": y, "commonest": base,
                  "low": float(low), "high": float(high)}


def against_record(a, d):
    finetune(a, a.train, a.dev, d + "/ours", "--seeds", str(a.seeds))
    found = []
    for path in sorted(glob.glob(d + "/ours/seed-*/finetune.json")) or [d + "/ours/finetune.json"]:
        with open(path, encoding="utf-8") as f:
            found.append(json.load(f)["result"])
    values = [r["value"] for r in found]
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    good = len(values) == a.seeds and mean >= a.recorded - a.margin
    print("%s, %g epochs, %d seeds: dev %s %s, mean %.4f, deviation %.4f; recorded %.4f, bar at least %.4f: %s"
          % (a.name, a.epochs, len(values), found[0]["metric"], " ".join("%.4f" % v for v in values), mean, deviation,
             a.recorded, a.recorded - a.margin, "holds" if good else "MISSED"))
    return good, {"metric": found[0]["metric"], "values": values, "mean": mean, "deviation": deviation,
                  "recorded": a.recorded, "margin": a.margin}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("train")
    p.add_argument("--peer")
    p.add_argument("--rows", type=int, default=5000)
    p.add_argument("--dev")
    p.add_argument("--recorded", type=float)
    p.add_argument("--margin", type=float, default=0.005)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--epochs", type=float)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--learning-rate", type=float, default=5e-5)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--work", help="an empty or new directory")
    p.add_argument("--results", help="JSON lines are appended here")
    a = p.parse_args()
    if (a.recorded is None) == (a.peer is None) or (a.recorded is None) != (a.dev is None):
        p.error("either --peer, or --dev and --recorded")
    a.name = os.path.basename(os.path.dirname(os.path.abspath(a.train)))
    a.epochs = a.epochs or (4.0 if a.peer else 2.0)
    with tempfile.TemporaryDirectory() as temporary:
        d = a.work or temporary
        os.makedirs(d, exist_ok=True)
        good, found = compare(a, d) if a.peer else against_record(a, d)
    if a.results:
        settings = {"data": a.name, "rows": a.rows if a.peer else None, "epochs": a.epochs, "batch_size": a.batch_size,
                    "learning_rate": a.learning_rate, "max_length": a.max_length, "seed": a.seed}
        with open(a.results, "a", encoding="utf-8") as f:
            f.write(json.dumps({**settings, **found, "good": bool(good)}) + "\n")
    sys.exit(not good)


main()
