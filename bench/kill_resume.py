#!/usr/bin/env python3
"""Does a finetuning, or a pretraining, that is killed and resumed end in the same bytes as one that never was?

    bench/kill_resume.py [MODEL_DIR] [--verb finetune|pretrain] [--objective mlm|rtd] [--kills 20]
                         [--inkling build/inkling] [--signal KILL|TERM] [--threads N] [--work DIR] [--seed 1]

Trains MODEL_DIR (default: a tiny golden model of the tests) on made-up reviews once from beginning to end; pretraining
starts from random weights with its tokenizer. Then, for each kill, starts the same run in a directory of its own, sends
the signal after a random part of the time that the whole run took, and resumes, itself to be killed once more in every
other case, until a run ends by itself. Every file of the two directories must be equal, log.jsonl apart from "time", and
there may be no other. Prints "20 of 20 identical" and how far each run was when it was killed.

Needs Python's standard library alone. Exit status 1 if one run differs.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = {"bad": "bad slow late never hate rude dirty refund", "good": "good great fast love help clean happy best"}
FILLER = "the and is was very movie film hotel service staff room food order money card you it they".split()


def write_data(path, n, rng):
    with open(path, "w", encoding="utf-8") as f:
        for _ in range(n):
            label = rng.choice(sorted(WORDS))
            words = rng.choices(FILLER, k=rng.randint(3, 20)) + rng.choices(WORDS[label].split(), k=3)
            rng.shuffle(words)
            f.write(json.dumps({"text": " ".join(words), "label": label}) + "\n")


def without_times(data):
    lines = []
    for line in data.splitlines():
        values = json.loads(line)
        values.pop("time", None)
        lines.append(json.dumps(values))
    return "\n".join(lines).encode()


def contents(folder):
    """{path: bytes} of everything in a folder."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as f:
                data = f.read()
            found[os.path.relpath(path, folder)] = without_times(data) if name == "log.jsonl" else data
    return found


def steps_done(folder):
    try:
        with open(os.path.join(folder, "log.jsonl"), "rb") as f:
            return sum(1 for line in f.read().splitlines() if b'"loss"' in line)
    except OSError:
        return 0


def run(command, kill_after, number):
    """The exit status, or None where the run did not live to its end."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        _, said = process.communicate()
    status = process.returncode
    if status == -number or status == 128 + number:
        return None
    if status != 0:
        sys.exit("exit status %d of %s\n%s" % (status, " ".join(command), said.decode(errors="replace")))
    return status


def one_kill(i, command, folder, whole, wanted, number, rng):
    """Whether the folder ends as it should; prints what became of it."""
    at, killed = [], 0
    for attempt in range(1000):
        kill_after = rng.uniform(0, whole) if attempt <= i % 2 else None
        done = run(command + ["--out", folder, "--resume"], kill_after, number) is not None
        at.append(steps_done(folder))
        if done:
            break
        killed += 1
    found = contents(folder)
    wrong = sorted(set(found) ^ set(wanted)) + sorted(p for p in found if wanted.get(p, found[p]) != found[p])
    print("%2d: killed %d times, updates then: %s%s" %
          (i + 1, killed, ", ".join(map(str, at[:-1])) or "none", "; DIFFERS: " + " ".join(wrong) if wrong else ""))
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=HERE + "/../tests/golden/bert-tiny-cls")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--inkling", default="build/inkling")
    parser.add_argument("--signal", default="KILL", choices=["KILL", "TERM", "INT"])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--epochs", default="4")
    parser.add_argument("--work", help="a directory to keep; default: a temporary one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", default="finetune", choices=["finetune", "pretrain"])
    parser.add_argument("--objective", default="mlm", choices=["mlm", "rtd"])
    args = parser.parse_args()
    number = getattr(signal, "SIG" + args.signal)
    rng = random.Random(args.seed)
    work = args.work or tempfile.mkdtemp(prefix="inkling-kill-")
    os.makedirs(work, exist_ok=True)
    data = os.path.join(work, "train.jsonl")
    write_data(data, args.records, rng)
    starts = {"finetune": ["--from", args.model, "--train", data, "--epochs", args.epochs],
              "pretrain": ["--objective", args.objective, "--size", "tiny", "--tokenizer", args.model,
                           "--corpus", data, "--steps", "200"]}
    command = [args.inkling, args.verb, *starts[args.verb], "--batch-size", "4", "--eval-steps", "25",
               "--learning-rate", "1e-3", "--threads", args.threads]
    start = time.monotonic()
    run(command + ["--out", os.path.join(work, "whole")], None, number)
    took = time.monotonic() - start
    wanted = contents(os.path.join(work, "whole"))
    print("the whole run: %d updates, %.2f s, %d files" %
          (steps_done(os.path.join(work, "whole")), took, len(wanted)))
    same = 0
    for i in range(args.kills):
        folder = os.path.join(work, "killed-%d" % i)
        same += one_kill(i, command, folder, took, wanted, number, rng)
        if not args.work:
            shutil.rmtree(folder)
    if not args.work:
        shutil.rmtree(work)
    print("%d of %d identical" % (same, args.kills))
    return same != args.kills


if __name__ == "__main__":
    sys.exit(main())
