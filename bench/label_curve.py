#!/usr/bin/env python3
"""What pretraining is worth: accuracy by number of labelled records, from an encoder and from random weights.

    bench/label_curve.py build/inkling ENCODER DATA [--labels 500 2000 8000 all] [--rates 3e-4 1e-3] [--seeds 3]

DATA holds train.jsonl and dev.jsonl ({"text", "label"}). For every number of labels the first so many records of
train.jsonl, shuffled once by seed 0, are finetuned on: from ENCODER, and from random weights of the same architecture
and tokenizer (--size ENCODER/config.json). Everything else is equal: the epochs, the batches, and the choice among the
learning rates, of which each side gets the one best for it. Few labels are run with several seeds (--seeds, up to 2000
labels), and the mean counts. Dev chooses the epoch and the rate on both sides alike, so the difference is what to look
at, not the height. Prints one line a number of labels; needs nothing but Python.
"""
import argparse
import json
import os
import random
import subprocess
import tempfile


def finetune(args, start, train, labels, rate, folder):
    few = labels <= 2000
    command = [args.inkling, "finetune", *start, "--train", train, "--dev", os.path.join(args.data, "dev.jsonl"),
               "--out", folder, "--learning-rate", rate, "--batch-size", "32", "--drop-duplicates",
               "--epochs", "10" if few else "4" if labels <= 10000 else "2", "--quiet"]
    if few and args.seeds > 1:
        command += ["--seeds", str(args.seeds)]
    if args.threads:
        command += ["--threads", str(args.threads)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, "finetune.json"), encoding="utf-8") as f:
        run = json.load(f)
    return run["seeds"]["mean"] if "seeds" in run else run["result"]["value"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkling")
    parser.add_argument("encoder")
    parser.add_argument("data")
    parser.add_argument("--labels", nargs="+", default=["500", "2000", "8000", "all"])
    parser.add_argument("--rates", nargs="+", default=["3e-4", "1e-3"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    with open(os.path.join(args.data, "train.jsonl"), encoding="utf-8") as f:
        lines = f.readlines()
    random.Random(0).shuffle(lines)
    starts = {"pretrained": ["--from", args.encoder],
              "random": ["--size", os.path.join(args.encoder, "config.json"), "--tokenizer", args.encoder]}
    print("labels\tpretrained\trandom\tdifference\t(learning rates)", flush=True)
    with tempfile.TemporaryDirectory() as work:
        for wanted in args.labels:
            n = len(lines) if wanted == "all" else min(int(wanted), len(lines))
            train = os.path.join(work, "train.jsonl")
            with open(train, "w", encoding="utf-8") as f:
                f.writelines(lines[:n])
            best = {}
            for name, start in starts.items():
                tried = [(finetune(args, start, train, n, rate, os.path.join(work, f"{name}-{n}-{rate}")), rate)
                         for rate in args.rates]
                best[name] = max(tried)
            (a, rate_a), (b, rate_b) = best["pretrained"], best["random"]
            print(f"{n}\t{a:.4f}\t{b:.4f}\t{a - b:+.4f}\t({rate_a}, {rate_b})", flush=True)


if __name__ == "__main__":
    main()
