#!/usr/bin/env python3
"""Does a batch job survive broken input and a full disk?

    bench/batch_broken.py build/inkling weights/sentiment-en [--good 100000] [--bad 1000]

    records   among so many good records are bad ones of 12 kinds: every good one has its label, in its place, every
              bad one its line, and the closing line counts them; the same with --rejects, CSV written, and --shard
    cut       a file that ends in the middle of a record: all before it have labels
    gz        a .gz that is cut, and one whose last bytes are wrong: all that unpacks has labels, and it is said
    disk      a small tmpfs is full before the job ends (needs root, else it is left out): the output is not there, or
              with --resume is a whole number of records that a second run completes to the bytes of an undisturbed one

Records are made by the script from a seed. Prints a line a check and exits with 1 if one fails. Needs Python 3.8 and
nothing else.
"""
import argparse
import collections
import csv
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile

WORDS = ("the film was a good bad long dull lovely story with actors who never seemed to care about plot and "
         "music that made up for all of it in end 评价 很好 émouvant").split()
BROKEN = [  # of record N: no JSON, cut off, of another kind, or without a text that can be used
    "not json at all", '{"id":N,"text":"cut of', "[1,2,3]", '"only a string"', '{"id":N}', '{"id":N,"text":5}',
    '{"id":N,"text":null}', '{"id":N,"text":{"deep":[1]}}', '{"id":N,"text":["a","b"]}', '{"id":N,"text":"a"} and more',
    '{"id":N "text":"no comma"}', '{"id":N,"text":"trailing comma",}']
failures = []


def check(name, good, detail=""):
    print("%-10s %s%s" % ("ok" if good else "FAILED", name, ": " + detail if detail else ""), flush=True)
    if not good:
        failures.append(name)


def make(path, good, bad, seed):
    """Writes the records; returns {place: kind} of the bad ones, places from 1."""
    draw = random.Random(seed)
    n = good + bad
    kinds = {place: i % len(BROKEN) for i, place in enumerate(draw.sample(range(1, n + 1), bad))}
    with open(path, "w", encoding="utf-8") as out:
        for i in range(1, n + 1):
            if i in kinds:
                out.write(BROKEN[kinds[i]].replace("N", str(i)) + "\n")
            else:
                text = " ".join(draw.choices(WORDS, k=draw.randint(1, 16)))
                out.write(json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n")
    return kinds


def run(command, stdin=None):
    p = subprocess.run(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return p.returncode, p.stdout, p.stderr


def lines_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def check_records(classify, d, good, bad):
    path, out, rejects = d + "/in.jsonl", d + "/out.jsonl", d + "/rejects.jsonl"
    kinds = make(path, good, bad, 1)
    n = good + bad
    status, _, said = run([*classify, path, "-o", out])
    rows = lines_of(out)
    places = [r["id"] for r in rows]
    right = [("error" in r) == (i in kinds) and ("label" in r) != ("error" in r) for i, r in enumerate(rows, 1)]
    check("records: %d lines of %d, in order, each with its label or its error" % (len(rows), n),
          len(rows) == n and places == list(range(1, n + 1)) and all(right))
    check("records: exit status 1", status == 1, "status %d" % status)
    counted = re.search(r"(\d+)[^\n]*(?:failed|bad|error)", said)
    check("records: the closing line counts %d" % bad, str(bad) in said and bool(counted), said.strip()[-300:])
    by_kind = collections.Counter(re.sub(r"^.*?line \d+: ", "", r["error"])[:30] for r in rows if "error" in r)
    check("records: the errors say what is wrong in %d ways" % len(by_kind), len(by_kind) >= 6)

    status, _, said = run([*classify, path, "-o", d + "/good.jsonl", "--rejects", rejects])
    kept, rejected = lines_of(d + "/good.jsonl"), lines_of(rejects)
    check("rejects: %d labels, %d rejects, exit status 1" % (len(kept), len(rejected)),
          status == 1 and [r["id"] for r in kept] == [i for i in range(1, n + 1) if i not in kinds] and
          len(rejected) == bad and all("error" in r for r in rejected))
    check("rejects: the labels are those of the whole run", kept == [r for r in rows if "error" not in r])

    status, _, said = run([*classify, path, "-o", d + "/out.csv", "--output-format", "csv"])
    with open(d + "/out.csv", encoding="utf-8", newline="") as f:
        table = list(csv.DictReader(f))
    check("csv: the same", status == 1 and [(r["id"], r["label"] or None) for r in table] ==
          [(str(r["id"]), r.get("label")) for r in rows])

    parts = []
    for i in range(1, 4):
        run([*classify, path, "-o", d + "/part.jsonl", "--shard", "%d/3" % i])
        parts += lines_of(d + "/part.jsonl")
        os.remove(d + "/part.jsonl")
    check("shards: three together are the whole", sorted(parts, key=lambda r: r["id"]) == rows)


def check_cut(classify, d):
    path = d + "/cut.jsonl"
    make(path, 5000, 0, 2)
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.truncate(size - 20)
    status, _, _ = run([*classify, path, "-o", d + "/cut-out.jsonl"])
    rows = lines_of(d + "/cut-out.jsonl")
    check("cut: 4999 labels, one error, exit status 1", status == 1 and len(rows) == 5000 and
          all("label" in r for r in rows[:-1]) and "error" in rows[-1])


def check_gz(classify, d):
    path = d + "/in.jsonl.gz"
    make(d + "/plain.jsonl", 20000, 0, 3)
    with open(d + "/plain.jsonl", "rb") as f:
        packed = gzip.compress(f.read())
    _, whole, _ = run([*classify, d + "/plain.jsonl"])
    for name, data in (("cut in the middle", packed[:len(packed) // 2]),
                       ("wrong checksum", packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:])):
        with open(path, "wb") as f:
            f.write(data)
        status, out, said = run([*classify, path])
        rows = out.splitlines()
        good = [r for r in rows if '"error"' not in r]
        enough = len(good) >= (20000 if "checksum" in name else 5000)
        check("gz, %s: %d labels as of the whole, said, exit status 1" % (name, len(good)),
              status == 1 and enough and whole.splitlines()[:len(good)] == good and path in said, said.strip()[-200:])


def check_disk(classify, d):
    path, mount = d + "/disk.jsonl", d + "/mount"
    make(path, 20000, 0, 4)
    os.mkdir(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", mount], stderr=subprocess.DEVNULL).returncode:
        print("left out   disk: no tmpfs can be mounted here")
        return
    try:
        _, whole, _ = run([*classify, path])
        status, _, said = run([*classify, path, "-o", mount + "/out.jsonl"])
        check("disk: full, nothing half-written, exit status 1",
              status == 1 and os.listdir(mount) == [] and "space" in said, said.strip()[-200:])
        status, _, said = run([*classify, path, "-o", mount + "/out.jsonl", "--resume"])
        check("disk, --resume: full is an error", status == 1 and "space" in said, said.strip()[-200:])
        subprocess.run(["mount", "-o", "remount,size=20m", mount], check=True)
        status, _, said = run([*classify, path, "-o", mount + "/out.jsonl", "--resume"])
        with open(mount + "/out.jsonl", encoding="utf-8") as f:
            check("disk, --resume: with room again it ends in the bytes of an undisturbed run",
                  status == 0 and f.read() == whole, said.strip()[-200:])
    finally:
        subprocess.run(["umount", mount], check=False)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("inkling")
    p.add_argument("model")
    p.add_argument("--good", type=int, default=100000)
    p.add_argument("--bad", type=int, default=1000)
    a = p.parse_args()
    classify = [a.inkling, "classify", "-m", a.model]
    with tempfile.TemporaryDirectory() as d:
        check_records(classify, d, a.good, a.bad)
        check_cut(classify, d)
        check_gz(classify, d)
        check_disk(classify, d)
    sys.exit(bool(failures))


main()
