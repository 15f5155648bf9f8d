#!/usr/bin/env python3
"""Times Inkling's tokenizer and Hugging Face's `tokenizers` package on the same texts, one thread each, taking turns.

usage: tokenizer_speed.py DUMP TOKENIZER TEXTS... [--rounds N] [--megabytes M] [--bar X]

  DUMP       the program made from bench/tokenizer_dump.c
  TOKENIZER  a directory with a tokenizer.json, or a vocab.txt, which is then an uncased BERT's
  TEXTS      plain text files, *.zst or *.jsonl (its "text"); a line is a text
  --rounds N     turns each side takes (7)
  --megabytes M  text the package's turn encodes at least (4), and Inkling's ten times; fewer texts are encoded again
  --bar X        exits 1 unless Inkling is X times as fast as the package at its fastest

Needs the `tokenizers` package, and `zstd` for *.zst. The package is timed with encode, a text a call; with
encode_batch; and with encode_batch_fast, which makes no offsets. Inkling makes offsets, a text a call. Neither is
timed on its first pass. Prints megabytes of text per second, the median and each round, and the median of the
rounds' ratios.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import BertWordPieceTokenizer, Tokenizer  # noqa: E402


def read(path):
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    else:
        with open(path, encoding="utf-8") as file:
            data = file.read()
    lines = [line for line in data.split("\n") if line]
    return [json.loads(line)["text"] for line in lines] if path.endswith(".jsonl") else lines


INKLING_PASSES = 10  # to one of the package's, so that a turn is long enough to time


def measure(args, directory, texts):
    """Megabytes per second, round by round, under the name of what encoded them."""
    tokenizer = Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    size = sum(len(t.encode()) for t in texts)
    passes = max(1, math.ceil(args.megabytes * 1e6 / size))
    records = b"".join(b"%d -1 1 0\n" % len(t.encode()) + t.encode() for t in texts)

    def inkling():
        with tempfile.TemporaryFile() as file:
            file.write(records)
            file.seek(0)
            command = [args.dump, directory, "--time", str(INKLING_PASSES * passes + 1)]
            out = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=True)
        return sum(json.loads(line)["seconds"] for line in out.stdout.splitlines()[1:]) / INKLING_PASSES

    def package(encode):
        start = time.perf_counter()
        for _ in range(passes):
            for i in range(0, len(texts), 1000):
                encode(texts[i:i + 1000])
        return time.perf_counter() - start

    def one_by_one(batch):
        for t in batch:
            tokenizer.encode(t)

    ways = {"inkling": inkling, "encode": lambda: package(one_by_one),
            "encode_batch": lambda: package(tokenizer.encode_batch),
            "encode_batch_fast": lambda: package(tokenizer.encode_batch_fast)}
    tokenizer.encode_batch(texts)
    print(f"{len(texts)} texts, {size} bytes, {passes} times a round, {args.rounds} rounds")
    rows = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            rows[name].append(size * passes / 1e6 / way())
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("tokenizer")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--bar", type=float, default=0)
    args = parser.parse_args()
    texts = [text for path in args.texts for text in read(path)]
    with tempfile.TemporaryDirectory() as work:
        directory = args.tokenizer
        if os.path.isfile(directory):
            BertWordPieceTokenizer(directory, lowercase=True).save(os.path.join(work, "tokenizer.json"))
            directory = work
        rows = measure(args, directory, texts)
    for name, speeds in rows.items():
        ratio = statistics.median(a / b for a, b in zip(rows["inkling"], speeds))
        note = "" if name == "inkling" else f"inkling / it {ratio:5.1f}"
        print(f"  {name:18} {statistics.median(speeds):8.2f} MB/s   {note:18}   " + " ".join(f"{s:.2f}" for s in speeds))
    fastest = [max(speeds) for speeds in zip(*(rows[name] for name in rows if name != "inkling"))]
    ratio = statistics.median(a / b for a, b in zip(rows["inkling"], fastest))
    print(f"  inkling / the package at its fastest: {ratio:.1f}" + (f", bar {args.bar:g}" if args.bar else ""))
    return 1 if ratio < args.bar else 0


if __name__ == "__main__":
    sys.exit(main())
