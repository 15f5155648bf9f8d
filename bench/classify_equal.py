#!/usr/bin/env python3
"""Does `inkling classify` decide as transformers does?

    bench/classify_equal.py MODEL_DIR FILE.jsonl [FILE.jsonl ...] [--inkling build/inkling]
                            [--max-length 512] [--limit N] [--text-pair NAME]

Labels every record of the files with `inkling classify --all-scores` and with transformers (the same directory in
float32), both truncated at --max-length tokens, and reports for each file the labels that differ and the largest
difference of a score (the printed scores have 6 decimals). transformers' sequences are grouped by their length, so
that none is padded.

Needs torch, transformers. Exit status 1 if a score differs by more than 1e-4, or a label differs where
transformers' two best scores lie further apart than that.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
BAR = 1e-4


def inkling_scores(command, model, path, args):
    with tempfile.TemporaryDirectory() as d:
        pair = ["--text-pair", args.text_pair] if args.text_pair else []
        # Hugging Face reads special tokens in the text, so Inkling is told to.
        subprocess.run([command, "classify", "-m", model, "--all-scores", "--parse-special", "--max-length",
                        str(args.max_length), "--text", args.text] + pair + ["-o", d + "/out.jsonl", path],
                       check=True)
        with open(d + "/out.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f]


def reference_scores(model, tokenizer, rows, args):
    """[(scores in label order, tokens used)] of every row."""
    import torch
    pairs = {"text_pair": [r[args.text_pair] for r in rows]} if args.text_pair else {}
    encoded = tokenizer([r[args.text] for r in rows], truncation=True, max_length=args.max_length, **pairs)
    groups = collections.defaultdict(list)
    for i, ids in enumerate(encoded["input_ids"]):
        groups[len(ids)].append(i)
    out = [None] * len(rows)
    problem = model.config.problem_type
    for length, members in sorted(groups.items()):
        for at in range(0, len(members), 32):
            part = members[at:at + 32]
            batch = {k: torch.tensor([encoded[k][i] for i in part]) for k in encoded}
            if model.config.model_type == "distilbert":
                batch.pop("token_type_ids", None)
            with torch.inference_mode():
                logits = model(**batch).logits
            if problem == "multi_label_classification":
                scores = logits.sigmoid()
            elif problem == "regression" or (problem is None and model.config.num_labels == 1):
                scores = logits
            else:
                scores = logits.softmax(-1)
            for i, s in zip(part, scores.tolist()):
                out[i] = (s, length)
    return out


def compare(path, ours, theirs, labels):
    worst = different = far = lengths = 0
    for mine, (scores, used) in zip(ours, theirs):
        if "error" in mine:
            sys.exit("%s: inkling refused a record: %s" % (path, mine))
        if "value" in mine:
            worst = max(worst, abs(mine["value"] - scores[0]))
        else:
            listed = mine.get("scores") or {x["label"]: x["score"] for x in mine["labels"]}
            worst = max(worst, max(abs(listed[n] - s) for n, s in zip(labels, scores) if n in listed))
            if "label" in mine:
                order = sorted(scores, reverse=True)
                if mine["label"] != labels[scores.index(order[0])]:
                    different += 1
                    far += order[0] - order[1] > BAR
        lengths += mine["used"] != used
    print("%-40s %7d records  %d labels differ  %d lengths differ  largest score difference %.2e"
          % (os.path.join(os.path.basename(os.path.dirname(path)), os.path.basename(path)), len(ours), different,
             lengths, worst))
    return worst <= BAR and far == 0 and lengths == 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("files", nargs="+")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--max-length", type=int, default=512)
    p.add_argument("--limit", type=int, help="only the first N records of each file")
    p.add_argument("--text", default="text")
    p.add_argument("--text-pair")
    args = p.parse_args()
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForSequenceClassification.from_pretrained(args.model).float().eval()
    labels = [model.config.id2label[i] for i in range(model.config.num_labels)]
    good = True
    for path in args.files:
        with open(path, encoding="utf-8") as f:
            lines = [line for _, line in zip(range(args.limit or sys.maxsize), f)]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as part:
            part.writelines(lines)
            part.flush()
            ours = inkling_scores(args.inkling, args.model, part.name, args)
        if len(ours) != len(lines):
            sys.exit("%s: %d records in, %d lines out" % (path, len(lines), len(ours)))
        rows = [json.loads(line) for line in lines]
        good &= compare(path, ours, reference_scores(model, tokenizer, rows, args), labels)
    sys.exit(not good)


main()
