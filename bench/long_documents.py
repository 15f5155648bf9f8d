#!/usr/bin/env python3
"""What becomes of long documents: one model's accuracy by truncation, by both ends, and by windows over all of them.

    bench/long_documents.py INKLING MODEL_DIR LABELLED [--threads N] [--stride N] [--only WAYS]

Runs `inkling evaluate` for each way and prints accuracy with its 95% interval and the tokens computed. Exits with 1
unless windows of the model's full length are better than truncation at 128 and at 256 tokens. Needs labelled records
that are mostly longer than 256 tokens (imdb_part/dev.jsonl has 1,000 reviews), a model with those labels, Python 3.8,
and nothing else.
"""
import argparse
import json
import subprocess
import sys

FULL = "chunk"
WAYS = {"truncate at 128": ["--max-length", "128"],
        "truncate at 256": ["--max-length", "256"],
        "truncate": [],
        "head-tail at 128": ["--long", "head-tail", "--max-length", "128"],
        "head-tail at 256": ["--long", "head-tail", "--max-length", "256"],
        "head-tail": ["--long", "head-tail"],
        FULL: ["--long", "chunk"],
        "chunk, weighted": ["--long", "chunk", "--long-pooling", "weighted"],
        "chunk, max": ["--long", "chunk", "--long-pooling", "max"]}


def evaluate(args, way):
    command = [args.inkling, "evaluate", "-m", args.model, args.data, "--json", "-", *way]
    if args.threads:
        command += ["--threads", str(args.threads)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout), done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkling")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--stride", type=int, default=128, help="of a further row, with windows that overlap")
    parser.add_argument("--only", help="ways, separated by ';'")
    args = parser.parse_args()
    ways = dict(WAYS)
    ways[f"chunk, stride {args.stride}"] = ["--long", "chunk", "--stride", str(args.stride)]
    if args.only:
        ways = {name: way for name, way in ways.items() if name in args.only.split(";")}
    accuracy = {}
    for name, way in ways.items():
        found, said = evaluate(args, way)
        a = accuracy[name] = found["accuracy"]
        tokens = next((line for line in said.splitlines() if " tokens in " in line), "")
        print(f"{name:18} {a['value']:.4f}  {a['low']:.4f} to {a['high']:.4f}   {tokens}", flush=True)
    cut = [accuracy[n]["value"] for n in ("truncate at 128", "truncate at 256") if n in accuracy]
    if FULL in accuracy and cut:
        better = accuracy[FULL]["value"] > max(cut)
        print("windows over all of a document are" + (" " if better else " NOT ") + "better than its first 128 or 256")
        sys.exit(not better)


if __name__ == "__main__":
    main()
