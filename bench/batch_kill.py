#!/usr/bin/env python3
"""Kills a batch job at random moments, goes on with it, and compares the result with a job that was left alone.

    bench/batch_kill.py build/inkling weights/sentiment-en [--records 50000] [--kills 30] [--signal KILL]

It makes records of its own (seeded, every 500th of them broken), runs `inkling classify -o` over them once, and
then, for each kill, begins anew: the job is killed after a random part of the whole run's time, and `--resume`
goes on to the end. With --chain N each is killed N times before it may end. Prints a line a kill, and exits with
1 unless every output has the bytes of the run that was left alone. Needs Python 3.8 and nothing else.
"""
import argparse
import filecmp
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

WORDS = ("the film was a good bad long dull lovely story with actors who never seemed to care about plot and "
         "music that made up for all of it in end 评价 很好 émouvant").split()


def write_records(path, n, seed):
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as out:
        for i in range(n):
            if i % 500 == 499:
                out.write('{"id":%d,"body":"no text"}\n' % i)
                continue
            text = " ".join(draw.choices(WORDS, k=draw.randint(1, 24)))
            out.write(json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n")


def remove(*paths):
    for path in paths:
        if os.path.exists(path):
            os.remove(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkling")
    parser.add_argument("model")
    parser.add_argument("--records", type=int, default=50000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--chain", type=int, default=1)
    parser.add_argument("--signal", default="KILL", choices=["KILL", "TERM", "INT"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--options", default="", help="further options of classify, separated by spaces")
    a = parser.parse_args()
    number = getattr(signal, "SIG" + a.signal)
    draw = random.Random(a.seed)
    with tempfile.TemporaryDirectory() as folder:
        records, whole, out = (os.path.join(folder, n) for n in ("in.jsonl", "whole.jsonl", "out.jsonl"))
        write_records(records, a.records, a.seed)
        command = [a.inkling, "classify", "-m", a.model, records, "--quiet", *a.options.split()]
        start = time.monotonic()
        status = subprocess.run(command + ["-o", whole], stderr=subprocess.DEVNULL).returncode
        seconds = time.monotonic() - start
        print("left alone: %d records in %.2f s, status %d" % (a.records, seconds, status))
        equal = 0
        for kill in range(a.kills):
            remove(out, out + ".part", out + ".journal")
            done = []
            for _ in range(a.chain):
                process = subprocess.Popen(command + ["-o", out, "--resume"], stderr=subprocess.DEVNULL)
                time.sleep(draw.uniform(0, 0.95 * seconds))
                process.send_signal(number)
                code = process.wait()
                done.append("%d bytes, status %d" % (os.path.getsize(out + ".part"), code)
                            if os.path.exists(out + ".part") else "status %d" % code)
            last = subprocess.run(command + ["-o", out, "--resume"], stderr=subprocess.PIPE, text=True)
            same = os.path.exists(out) and filecmp.cmp(whole, out, shallow=False)
            again = subprocess.run(command + ["-o", out, "--resume"]).returncode
            ok = same and again == 0 and last.returncode in (status, 0) and not os.path.exists(out + ".part")
            equal += ok
            print("kill %2d: %s; resumed: status %d, %s%s" %
                  (kill + 1, "; ".join(done), last.returncode, "equal" if ok else "DIFFERENT",
                   "" if ok else " " + last.stderr.strip()))
        print("%d of %d equal to the run that was left alone" % (equal, a.kills))
    return 0 if equal == a.kills else 1


if __name__ == "__main__":
    sys.exit(main())
