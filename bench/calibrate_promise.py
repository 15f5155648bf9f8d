#!/usr/bin/env python3
"""What `inkling calibrate` promises, kept or broken on records it has not seen.

    calibrate_promise.py INKLING MODEL_DIR DATA.jsonl [--max-error 0.05] [--splits 20]

Halves the labelled records at random, calibrates on one half, evaluates on the other, and prints of each split: ECE
on the other half before and after the temperature, how much of it is decided, and how much of that is wrong. The
promise is about the error among all records there are, and one half shows it only roughly; so that a split counts as
broken where its error is above --max-error and, apart, where the half's records prove it to be (one-sided
Clopper-Pearson, 95%). The halves come from the same records, so that splits are not independent: expect one broken
split in twenty where the promise is used up. Exits with 1 where more than one in ten splits is proved broken, or the
mean ECE does not fall. Needs nothing but Python.
"""
import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("inkling")
parser.add_argument("model")
parser.add_argument("data")
parser.add_argument("--max-error", type=float, default=0.05)
parser.add_argument("--splits", type=int, default=20)
args = parser.parse_args()
lines = open(args.data, encoding="utf-8").read().splitlines()


def run(*command):
    return subprocess.run([args.inkling, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def at_least(k, n, p):
    """P(X >= k) for X ~ Bin(n, p)."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


above = proved = without = 0
before, after, coverages, errors = [], [], [], []
print("split  ECE before   after  decided   wrong   error")
for split in range(args.splits):
    order = lines[:]
    random.Random(split).shuffle(order)
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        for name, half in (("fit.jsonl", order[::2]), ("other.jsonl", order[1::2])):
            open(path(name), "w", encoding="utf-8").write("\n".join(half) + "\n")
        made = run("calibrate", "-m", args.model, "--dev", path("fit.jsonl"), "--out", path("model"), "--max-error",
                   str(args.max_error), "--quiet")
        if made.returncode:
            if "no rule keeps the error" not in made.stderr:
                sys.exit(made.stderr)
            without += 1
            made = run("calibrate", "-m", args.model, "--dev", path("fit.jsonl"), "--out", path("model"), "--quiet")
        done = run("evaluate", "-m", path("model"), path("other.jsonl"), "--json", "-", "--quiet")
        if done.returncode:
            sys.exit(done.stderr)
    found = json.loads(done.stdout)
    before.append(found["calibration"]["uncalibrated"]["ece"]["value"])
    after.append(found["ece"]["value"])
    rule = found["calibration"].get("abstain")
    if not rule:
        print(f"{split:5d}  {before[-1]:10.4f} {after[-1]:7.4f}  no rule")
        continue
    n, k = rule["decided"], rule["wrong"]
    coverages.append(n / found["n"])
    errors.append(k / n if n else 0)
    is_proved = n > 0 and at_least(k, n, args.max_error) < 0.05
    above += errors[-1] > args.max_error
    proved += is_proved
    print(f"{split:5d}  {before[-1]:10.4f} {after[-1]:7.4f} {n:4d}/{found['n']:d} {k:7d} {errors[-1]:7.4f}"
          f"{'  proved above' if is_proved else '  above' if errors[-1] > args.max_error else ''}")

fits = len(errors)
mean = lambda x: sum(x) / len(x) if x else math.nan
falls = sum(a < b for a, b in zip(after, before))
print(f"{args.splits} splits, {without} without a rule for {args.max_error}")
print(f"ECE on the other half: mean {mean(before):.4f} before, {mean(after):.4f} after; it falls on {falls} of "
      f"{args.splits}")
print(f"decided {mean(coverages):.1%} on average, with a mean error of {mean(errors):.4f}")
print(f"error at most {args.max_error} on the other half: {fits - above} of {fits}; proved above it: {proved} of {fits}")
sys.exit(not fits or proved > 0.1 * fits or mean(after) >= mean(before))
