#!/usr/bin/env python3
"""Metrics of `inkling evaluate` beside scikit-learn's and SciPy's, from the scores that `inkling classify` prints.

    evaluate_equal.py INKLING MODEL_DIR DATA.jsonl [more options of evaluate, such as --label score]

Prints each metric twice and the largest difference; exits with 1 where one is above 2e-5. classify prints six
decimals, which makes ties of what was none: for AUC and average precision the second number is the nearest one that
the unrounded scores may have had. Needs numpy, scikit-learn and SciPy.
"""
import json
import subprocess
import sys

import numpy as np
from scipy import stats
from sklearn import metrics as sk

inkling, model, data, more = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]


def run(verb, *options):
    return subprocess.run([inkling, verb, "-m", model, data, "--quiet", *options], stdout=subprocess.PIPE, check=True,
                          text=True).stdout


label = more[more.index("--label") + 1] if "--label" in more else "label"
rest = [x for i, x in enumerate(more) if x != "--label" and (i == 0 or more[i - 1] != "--label")]
ours = json.loads(run("evaluate", "--json", "-", *more))
said = [json.loads(line) for line in run("classify", "--all-scores", *rest).splitlines()]
rows = [json.loads(line) for line in open(data, encoding="utf-8")]
zero = {"zero_division": 0}


def nearest(key, area, columns):
    low, high = (np.mean([area(Y[:, c], P[:, c] + shift * Y[:, c]) for c in columns]) for shift in (-1e-6, 1e-6))
    return min(max(ours[key]["value"], low), high)


if ours["task"] == "regression":
    t, p = np.array([r[label] for r in rows], float), np.array([s["value"] for s in said])
    theirs = {"mse": sk.mean_squared_error(t, p), "mae": sk.mean_absolute_error(t, p), "r2": sk.r2_score(t, p),
              "pearson": stats.pearsonr(t, p)[0], "spearman": stats.spearmanr(t, p)[0]}
else:
    names = list(ours["labels"])
    P = np.array([[s["scores"][n] for n in names] for s in said])
    if ours["task"] == "single":
        t, g = np.array([names.index(r[label]) for r in rows]), P.argmax(1)
        Y = np.eye(len(names))[t]
        theirs = {"accuracy": sk.accuracy_score(t, g), "mcc": sk.matthews_corrcoef(t, g),
                  "macro_f1": sk.f1_score(t, g, average="macro", **zero),
                  "weighted_f1": sk.f1_score(t, g, average="weighted", **zero)}
    else:
        Y = np.array([[n in r.get("labels", r.get(label)) for n in names] for r in rows], int)
        g = (P >= 0.5).astype(int)
        theirs = {"micro_f1": sk.f1_score(Y, g, average="micro", **zero),
                  "macro_f1": sk.f1_score(Y, g, average="macro", **zero),
                  "samples_f1": sk.f1_score(Y, g, average="samples", **zero),
                  "hamming_loss": sk.hamming_loss(Y, g), "subset_accuracy": sk.accuracy_score(Y, g),
                  "average_precision": nearest("average_precision", sk.average_precision_score,
                                               [c for c in range(len(names)) if Y[:, c].any()])}
    columns = [1] if ours["task"] == "single" and len(names) == 2 else range(len(names))
    theirs["auc"] = nearest("auc", sk.roc_auc_score, [c for c in columns if 0 < Y[:, c].sum() < len(Y)])

worst = 0
for key, value in theirs.items():
    worst = max(worst, abs(value - ours[key]["value"]))
    print(f"{key:18s} {ours[key]['value']:.7f}  {value:.7f}")
print(f"largest difference {worst:.1e} over {len(rows)} records")
sys.exit(worst > 2e-5)
