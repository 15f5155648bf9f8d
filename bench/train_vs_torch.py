#!/usr/bin/env python3
"""How fast finetuning is, and what memory it takes, beside PyTorch's.

    bench/train_vs_torch.py MODEL_DIR PEER.py TRAIN.jsonl DEV.jsonl
                            [--inkling build/inkling] [--updates 200] [--rounds 3] [--max-length 128] [--threads 2]

Takes as many updates of 32 records with both sides in turn, A B A B:

    A   inkling finetune --from MODEL_DIR --train TRAIN --dev DEV --epochs (what makes so many updates)
    B   python PEER.py MODEL_DIR TRAIN DEV UPDATES 1 5e-5 32 MAX_LENGTH

and counts the tokens learned from (padding is none of them) in a second of training: of A what its log says after the
last update, before the evaluation; of B the tok_s of the JSON line that it prints. Both bring records of like length
together. Peak memory is the processes' own maximum resident size. A round before the first is not counted. DEV is cut to
its first 100 records, for neither side's evaluation is what is measured. Nothing else should run on the machine.

Needs what PEER.py needs (torch, transformers, tokenizers), in the Python that runs this script. Exit status 1 if the
median ratio of speeds is below 1.3 or that of memory above 0.6 (--speed-bar, --memory-bar).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile


def peak_of(command, env=None):
    """(peak resident MiB, stdout) of one process; stops the bench if it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **(env or {})}, text=True)
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            said.seek(0)
            sys.exit("exit status %d: %s\n%s" % (p.returncode, " ".join(command), said.read()[-2000:]))
        return usage.ru_maxrss / 1024, out


def ours(a, d, dev, records):
    """(tokens a second, MiB, updates, tokens)"""
    out = d + "/out"
    epochs = a.updates / -(-records // a.batch_size)
    mib, _ = peak_of([a.inkling, "finetune", "--from", a.model, "--train", a.train, "--dev", dev, "--out", out,
                      "--epochs", repr(epochs), "--eval-steps", "1000000000", "--batch-size", str(a.batch_size),
                      "--learning-rate", "5e-5", "--max-length", str(a.max_length), "--threads", str(a.threads),
                      "--quiet"])
    with open(out + "/log.jsonl", encoding="utf-8") as f:
        last = [line for line in map(json.loads, f) if "loss" in line][-1]
    shutil.rmtree(out)
    return last["time"]["tokens_per_s"], mib, last["step"], last["tokens"]


def theirs(a, dev):
    """(tokens a second, MiB, updates)"""
    mib, out = peak_of([sys.executable, a.peer, a.model, a.train, dev, str(a.updates), "1", "5e-5", str(a.batch_size),
                        str(a.max_length)], {"OMP_NUM_THREADS": str(a.threads)})
    said = json.loads(out.strip().splitlines()[-1])
    return said["tok_s"], mib, said["steps"]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("peer")
    p.add_argument("train")
    p.add_argument("dev")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--updates", type=int, default=200)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2, help="of ours; the peer sets its own")
    p.add_argument("--speed-bar", type=float, default=1.3)
    p.add_argument("--memory-bar", type=float, default=0.6)
    a = p.parse_args()

    speeds, memories = [], []
    with tempfile.TemporaryDirectory() as d:
        dev = d + "/dev.jsonl"
        with open(a.dev, encoding="utf-8") as f, open(dev, "w", encoding="utf-8") as g:
            g.writelines(line for _, line in zip(range(100), f))
        with open(a.train, encoding="utf-8") as f:
            records = sum(1 for _ in f)
        for n in range(a.rounds + 1):
            speed, mib, updates, tokens = ours(a, d, dev, records)
            peer_speed, peer_mib, peer_updates = theirs(a, dev)
            if updates != a.updates or peer_updates != a.updates:
                sys.exit("wanted %d updates; inkling took %d, the peer %d" % (a.updates, updates, peer_updates))
            print("%s  inkling %.0f tokens/s, %.0f MiB (%d tokens)   torch %.0f tokens/s, %.0f MiB   ratio %.2f, %.2f"
                  % ("round %d" % n if n else "warm-up", speed, mib, tokens, peer_speed, peer_mib, speed / peer_speed,
                     mib / peer_mib), flush=True)
            if n > 0:
                speeds.append((speed, peer_speed)), memories.append((mib, peer_mib))

    def line(name, pairs, unit, bar, more):
        ratios = [x / y for x, y in pairs]
        middle = statistics.median(ratios)
        good = middle >= bar if more else middle <= bar
        print("%-8s inkling %.0f, torch %.0f %s (medians of %d); ratio %.2f (%.2f to %.2f), bar %s %.2f: %s"
              % (name, statistics.median(x for x, _ in pairs), statistics.median(y for _, y in pairs), unit, len(pairs),
                 middle, min(ratios), max(ratios), "at least" if more else "at most", bar, "holds" if good else "MISSED"))
        return good

    print("%s, %d updates of %d records, at most %d tokens, %d threads"
          % (os.path.basename(os.path.dirname(os.path.abspath(a.train))), a.updates, a.batch_size, a.max_length,
             a.threads))
    good = line("speed", speeds, "tokens/s", a.speed_bar, True)
    good &= line("memory", memories, "MiB", a.memory_bar, False)
    sys.exit(not good)


main()
