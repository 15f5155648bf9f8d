#!/usr/bin/env python3
"""Times Inkling's tokenizer and Hugging Face's `tokenizers` package on the same texts, one thread each, taking turns.

usage: tokenizer_speed.py DUMP DIR TEXTS [--rounds N] [--megabytes M]

  DUMP   the program made from bench/tokenizer_dump.c
  DIR    a directory with a tokenizer.json
  TEXTS  a plain text file, *.zst or *.jsonl (its "text"); a line is a text

Needs the `tokenizers` package, and `zstd` for *.zst. The package is timed with encode_batch, which makes offsets,
and with encode_batch_fast, which does not. Prints megabytes of text per second: the median, and each round.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer  # noqa: E402


def read(path, limit):
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout.decode()
    else:
        with open(path, encoding="utf-8") as file:
            data = file.read()
    lines = [line for line in data.split("\n") if line]
    texts = [json.loads(line)["text"] for line in lines] if path.endswith(".jsonl") else lines
    size, out = 0, []
    for t in texts:
        out.append(t)
        size += len(t.encode())
        if size >= limit:
            break
    return out, size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump")
    parser.add_argument("dir")
    parser.add_argument("texts")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=float, default=4)
    args = parser.parse_args()
    texts, size = read(args.texts, args.megabytes * 1e6)
    tokenizer = Tokenizer.from_file(os.path.join(args.dir, "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    records = b"".join(b"%d -1 1 0\n" % len(t.encode()) + t.encode() for t in texts)

    def inkling():
        with tempfile.TemporaryFile() as file:
            file.write(records)
            file.seek(0)
            out = subprocess.run([args.dump, args.dir, "--time", "2"], stdin=file, stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout.split(b"\n")[1])["seconds"]  # the second pass, as the package's is

    def package(encode):
        start = time.perf_counter()
        for i in range(0, len(texts), 1000):
            encode(texts[i:i + 1000])
        return time.perf_counter() - start

    package(tokenizer.encode_batch)
    rows = {"inkling": [], "encode_batch": [], "encode_batch_fast": []}
    for _ in range(args.rounds):
        rows["inkling"].append(size / 1e6 / inkling())
        rows["encode_batch"].append(size / 1e6 / package(tokenizer.encode_batch))
        rows["encode_batch_fast"].append(size / 1e6 / package(tokenizer.encode_batch_fast))
    print(f"{args.texts}: {len(texts)} texts, {size} bytes")
    for name, speeds in rows.items():
        print(f"  {name:18} {statistics.median(speeds):8.2f} MB/s   " + " ".join(f"{s:.2f}" for s in speeds))
    ratios = [a / b for a, b in zip(rows["inkling"], rows["encode_batch"])]
    print(f"  inkling / encode_batch, median of the rounds: {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
