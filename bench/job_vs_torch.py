#!/usr/bin/env python3
"""How long a whole job takes, beside PyTorch's.

    bench/job_vs_torch.py MODEL_DIR PEER.py FILE.jsonl:N [FILE.jsonl:N ...]
                          [--inkling build/inkling] [--rounds 5] [--max-length 256] [--threads 2]

Takes the first N records of each file, mixes them (seed 1) into one input, and runs the two sides in turn, A B A B:

    A   inkling classify -m MODEL_DIR -o OUT --threads T --max-length L IN
    B   python PEER.py MODEL_DIR IN torch L      with REPS=1

PEER.py prints one JSON line whose best_s is its job (read, tokenize, compute, write) without start-up and load. So
like is compared with like: A without its own start-up (the same command on one record) against best_s, and both
whole processes against each other. Medians, and the ratio of each pair of runs. Peak memory is the processes'
own maximum resident size. Nothing else should run on the machine.

For 1,000 mixed documents: sst2/dev.jsonl:300 bitext/train.jsonl:600 imdb/train.jsonl:100.
Needs what PEER.py needs (torch, transformers, tokenizers), in the Python that runs this script.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time


def timed(command, env=None):
    """(seconds, peak resident MiB, stdout) of one process; stops the bench if it fails."""
    start = time.perf_counter()
    p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         env={**os.environ, **(env or {})}, text=True)
    out = p.stdout.read()
    _, status, usage = os.wait4(p.pid, 0)
    seconds = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit("exit status %d: %s" % (p.returncode, " ".join(command)))
    return seconds, usage.ru_maxrss / 1024, out


def mixed_input(path, parts):
    records = []
    for part in parts:
        name, _, n = part.rpartition(":")
        with open(name, encoding="utf-8") as f:
            taken = [json.dumps({"text": json.loads(line)["text"]}, ensure_ascii=False)
                     for _, line in zip(range(int(n)), f)]
        if len(taken) != int(n):
            sys.exit("%s has only %d records" % (name, len(taken)))
        records += taken
    random.Random(1).shuffle(records)
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(r + "\n" for r in records)
    return records


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("peer")
    p.add_argument("parts", nargs="+")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--max-length", type=int, default=256)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()

    with tempfile.TemporaryDirectory() as d:
        records = mixed_input(d + "/in.jsonl", a.parts)
        with open(d + "/one.jsonl", "w", encoding="utf-8") as f:
            f.write('{"text": "one"}\n')

        def inkling(name):
            return timed([a.inkling, "classify", "-m", a.model, "-o", d + "/out.jsonl", "--quiet", "--threads",
                          str(a.threads), "--max-length", str(a.max_length), d + name])

        startup, job, whole, peer_job, peer_whole, memory, peer_memory = [], [], [], [], [], [], []
        tokens = 0
        for n in range(a.rounds + 1):  # the first round warms the file cache and is not counted
            one, _, _ = inkling("/one.jsonl")
            seconds, mib, _ = inkling("/in.jsonl")
            other, other_mib, out = timed([sys.executable, a.peer, a.model, d + "/in.jsonl", "torch",
                                           str(a.max_length)], {"REPS": "1"})
            peer = json.loads(out.strip().splitlines()[-1])
            if n == 0:
                with open(d + "/out.jsonl", encoding="utf-8") as f:
                    lines = [json.loads(line) for line in f]
                if len(lines) != len(records) or any("error" in x for x in lines):
                    sys.exit("inkling did not label every record")
                tokens = sum(x["used"] for x in lines)
                if tokens != peer["tokens"]:
                    sys.exit("inkling computed %d tokens, the peer %d" % (tokens, peer["tokens"]))
                continue
            startup.append(one), whole.append(seconds), job.append(seconds - one), memory.append(mib)
            peer_job.append(peer["best_s"]), peer_whole.append(other), peer_memory.append(other_mib)
            print("round %d   inkling %.3f s (start-up %.3f)   torch %.3f s (whole process %.1f)   ratio %.2f"
                  % (n, seconds, one, peer["best_s"], other, peer["best_s"] / (seconds - one)), flush=True)

    def row(name, ours, theirs, unit):
        ratios = [y / x for x, y in zip(ours, theirs)]
        print("%-34s %9.3f %9.3f %s   ratio %.2f (%.2f to %.2f)" % (
            name, statistics.median(ours), statistics.median(theirs), unit, statistics.median(ratios), min(ratios),
            max(ratios)))

    print("\n%d documents, %d tokens, %d threads, medians of %d rounds" % (len(records), tokens, a.threads, a.rounds))
    print("%-34s %9s %9s" % ("", "inkling", "torch"))
    row("job without start-up", job, peer_job, "s")
    row("inkling whole, torch without load", whole, peer_job, "s")
    row("whole process", whole, peer_whole, "s")
    row("peak memory", memory, peer_memory, "MiB")
    print("inkling: start-up %.3f s, %.0f documents/s, %.0f tokens/s" % (
        statistics.median(startup), len(records) / statistics.median(job), tokens / statistics.median(job)))


main()
