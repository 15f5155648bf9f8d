#!/usr/bin/env python3
"""Writes metrics.json: what scikit-learn and SciPy say of small sets of truths and scores.

    make_metrics.py > metrics.json

Made with scikit-learn 1.9.1, SciPy 1.17.1, NumPy. Scores are float32 numbers written as their exact doubles.
Where scikit-learn refuses or warns of an undefined number the file has null.
"""
import json
import math
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20241105)
ZERO = {"zero_division": 0}


def plain(x):
    return None if x is None or math.isnan(x) else float(x)


def ece(score, right):
    total = 0.0
    for b in range(15):
        inside = (np.ceil(score * 15) - 1).clip(0, 14) == b
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - score[inside].mean())
    return total


def area(f, truth, score):
    truth = np.asarray(truth)
    if truth.all() and f is sk.roc_auc_score or not truth.any():
        return float("nan")
    return f(truth, score)


def mean_known(values):
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def per_class(truth, given, score):
    """truth, given: indicator matrices."""
    def of(f, c):
        return float(f(truth[:, c], given[:, c], **ZERO))

    return [{"precision": of(sk.precision_score, c), "recall": of(sk.recall_score, c), "f1": of(sk.f1_score, c),
             "auc": plain(area(sk.roc_auc_score, truth[:, c], score[:, c])),
             "average_precision": plain(area(sk.average_precision_score, truth[:, c], score[:, c]))}
            for c in range(truth.shape[1])]


def single(name, truth, scores):
    truth, scores = np.asarray(truth), np.asarray(scores, np.float32)
    P, C = scores.astype(np.float64), scores.shape[1]
    given = P.argmax(1)
    classes = per_class(np.eye(C, dtype=int)[truth], np.eye(C, dtype=int)[given], P)
    brier = ((P[:, 1] - (truth == 1)) ** 2).mean() if C == 2 else ((P - np.eye(C)[truth]) ** 2).sum(1).mean()
    if C == 2:
        assert abs(brier - sk.brier_score_loss(truth == 1, P[:, 1])) < 1e-12
    elif np.allclose(P.sum(1), 1):
        theirs = sk.brier_score_loss(truth, P, labels=list(range(C)), scale_by_half=False)
        assert abs(brier - theirs) < 1e-12
    expect = {
        "accuracy": sk.accuracy_score(truth, given),
        "macro_f1": sk.f1_score(truth, given, average="macro", **ZERO),
        "micro_f1": sk.f1_score(truth, given, average="micro", **ZERO),
        "weighted_f1": sk.f1_score(truth, given, average="weighted", **ZERO),
        "macro_precision": sk.precision_score(truth, given, average="macro", **ZERO),
        "macro_recall": sk.recall_score(truth, given, average="macro", **ZERO),
        "mcc": sk.matthews_corrcoef(truth, given),
        "auc": classes[1]["auc"] if C == 2 else mean_known([c["auc"] for c in classes]),
        "log_loss": sk.log_loss(truth, P, labels=list(range(C))) if C > 1 else 0.0,
        "brier": brier,
        "ece": ece(P.max(1), (given == truth).astype(float)),
    }
    if C == 2:  # one ranking serves both labels
        classes[0]["auc"] = classes[0]["average_precision"] = None
    return {"name": name, "kind": "softmax", "n": len(truth), "C": C, "truth": truth.tolist(),
            "scores": P.ravel().tolist(), "expect": {k: plain(v) for k, v in expect.items()}, "classes": classes}


def multi(name, truth, scores):
    truth, scores = np.asarray(truth), np.asarray(scores, np.float32)
    P, C = scores.astype(np.float64), scores.shape[1]
    given = (P >= 0.5).astype(int)
    classes = per_class(truth, given, P)
    expect = {"subset_accuracy": sk.accuracy_score(truth, given), "hamming_loss": sk.hamming_loss(truth, given),
              "log_loss": np.mean([sk.log_loss(truth[:, c], P[:, c], labels=[0, 1]) for c in range(C)]),
              "brier": np.mean([sk.brier_score_loss(truth[:, c], P[:, c], pos_label=1) for c in range(C)])
              if all(0 < truth[:, c].sum() < len(truth) for c in range(C)) else ((P - truth) ** 2).mean(),
              "ece": ece(P.ravel(), truth.ravel().astype(float)),
              "auc": mean_known([c["auc"] for c in classes]),
              "average_precision": mean_known([c["average_precision"] for c in classes])}
    # A single column is no multi-label problem to scikit-learn; F1 of a record's own labels is then 1 or 0.
    both = {"micro": "binary", "macro": "binary"} if C == 1 else {"micro": "micro", "macro": "macro"}
    expect["samples_f1"] = (truth & given).mean() if C == 1 else sk.f1_score(truth, given, average="samples", **ZERO)
    for key, average in both.items():
        expect[key + "_f1"] = sk.f1_score(truth, given, average=average, **ZERO)
        expect[key + "_precision"] = sk.precision_score(truth, given, average=average, **ZERO)
        expect[key + "_recall"] = sk.recall_score(truth, given, average=average, **ZERO)
    return {"name": name, "kind": "sigmoid", "n": len(truth), "C": C, "truth": truth.ravel().tolist(),
            "scores": P.ravel().tolist(), "expect": {k: plain(v) for k, v in expect.items()}, "classes": classes}


def values(name, target, value):
    target, value = np.asarray(target, float), np.asarray(value, np.float32).astype(np.float64)
    spread = len(set(target)) > 1 and len(set(value)) > 1
    expect = {"mse": sk.mean_squared_error(target, value), "rmse": sk.root_mean_squared_error(target, value),
              "mae": sk.mean_absolute_error(target, value),
              "r2": sk.r2_score(target, value) if len(target) > 1 else float(target[0] == value[0]),
              "pearson": stats.pearsonr(target, value)[0] if spread else float("nan"),
              "spearman": stats.spearmanr(target, value)[0] if spread else float("nan")}
    return {"name": name, "kind": "none", "n": len(target), "C": 1, "truth": target.tolist(),
            "scores": value.tolist(), "expect": {k: plain(v) for k, v in expect.items()}}


def softmax(n, C, truth, sharp):
    z = rng.normal(size=(n, C))
    z[np.arange(n), truth] += 1
    e = np.exp(sharp * z)
    return e / e.sum(1, keepdims=True)


def tenths(n, C):
    """Probabilities in steps of a tenth: many ties, also between labels, and zeros."""
    return rng.multinomial(10, np.ones(C) / C, size=n) / 10


cases = []
for name, n, C, choose in (("two labels", 101, 2, [0, 1]), ("three labels", 97, 3, [0, 1, 2]),
                           ("seven labels, two without truth", 83, 7, [0, 1, 2, 4, 6]),
                           ("two labels, only the first is there", 11, 2, [0]),
                           ("two labels, only the second is there", 11, 2, [1]),
                           ("thirty labels, few records", 17, 30, [3, 5, 29]), ("one record", 1, 3, [2])):
    t = rng.choice(choose, size=n)
    cases.append(single(name, t, softmax(n, C, t, 1.5)))
    cases.append(single(name + ", tied scores", t, tenths(n, C)))
t = rng.integers(0, 3, 40)
cases.append(single("all wrong", t, np.eye(3)[(t + 1) % 3]))
cases.append(single("all right", t, np.eye(3)[t]))
cases.append(single("everything is called the second", t, np.tile([0.2, 0.5, 0.3], (40, 1))))

for name, n, C, rate in (("multi: four labels", 61, 4, 0.3), ("multi: one label", 23, 1, 0.5),
                         ("multi: nine rare labels", 29, 9, 0.05), ("multi: nothing applies", 7, 3, 0.0),
                         ("multi: everything applies", 7, 3, 1.0), ("multi: one record", 1, 2, 0.5)):
    t = (rng.random((n, C)) < rate).astype(int)
    cases.append(multi(name, t, 1 / (1 + np.exp(-2 * (t - 0.5) - rng.normal(size=(n, C))))))
    cases.append(multi(name + ", tied scores", t, rng.integers(0, 11, (n, C)) / 10))

t = rng.normal(3, 1, 71)
cases += [values("values", t, t + rng.normal(0, 0.5, 71)),
          values("values: tied", np.round(t), np.round(t + rng.normal(0, 1, 71))),
          values("values: far from zero", 1e6 + t, 1e6 + t * 0.5),
          values("values: against the order", t, -t), values("values: all targets equal", np.full(9, 2.5), t[:9]),
          values("values: all predictions equal", t[:9], np.full(9, 2.5)),
          values("values: perfect and equal", np.full(4, 2.5), np.full(4, 2.5)), values("values: one", [1], [2])]

percentiles = []
for n in (1, 2, 39, 40, 41, 1000):
    x = rng.normal(size=n)
    percentiles.append({"x": x.tolist(), "low": float(np.percentile(x, 2.5)), "high": float(np.percentile(x, 97.5))})

mcnemar = []
for b, c in ((0, 0), (1, 0), (0, 5), (3, 9), (12, 12), (10, 14), (24, 0), (13, 12), (25, 0), (30, 60), (500, 430),
             (1000, 1000)):
    if b + c == 0:
        p = 1.0
    elif b + c < 25:
        p = stats.binomtest(b, b + c).pvalue
    else:
        p = stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1) if b != c else 1.0
    mcnemar.append({"b": b, "c": c, "p": float(p)})

lines = ['{"cases":[', ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases), '],"percentiles":[',
         ",\n".join(json.dumps(p, separators=(",", ":")) for p in percentiles), '],"mcnemar":',
         json.dumps(mcnemar, separators=(",", ":")), "}"]
print("\n".join(lines))
