#!/usr/bin/env python3
"""Does the memory of a batch job depend on how much it has done?

    bench/batch_memory.py build/inkling weights/sentiment-en [--few 50000] [--many 2000000] [--soak 600]

    few, many   so many short records through a pipe: peak memory differs by 20 MB at most; as many records come out as
                went in, in order
    soak        a pipe that does not end for so many seconds: resident memory in the last half is at most 4 MB above
                that of the first, and results flow (the oldest record without a result is never older than 10 s)

Prints a line a check and exits with 1 if one fails. Needs Linux, Python 3.8 and nothing else.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import threading
import time

WORDS = "good bad long dull lovely story actors plot music end 评价 很好 émouvant the of a".split()


def texts(seed):
    draw = random.Random(seed)
    made = ['"text":"%s"}\n' % " ".join(draw.choices(WORDS, k=draw.randint(1, 6))) for _ in range(4096)]
    i = 0
    while True:
        yield '{"id":%d,%s' % (i, made[i % 4096])
        i += 1


def start(a):
    command = [a.inkling, "classify", "-m", a.model, "--quiet", "--format", "jsonl", "-"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def resident(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024


def counted(a, n):
    """(peak MiB, seconds) of n records; stops the bench if their order is not kept."""
    p = start(a)

    def write():
        for _, line in zip(range(n), texts(1)):
            p.stdin.write(line)
        p.stdin.close()
    writer = threading.Thread(target=write)
    begin = time.monotonic()
    writer.start()
    i = -1
    for i, line in enumerate(p.stdout):
        if not line.startswith('{"id":%d,"label":' % i):
            sys.exit("record %d became %s" % (i, line))
    writer.join()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if i + 1 != n or p.returncode != 0:
        sys.exit("%d records of %d came out, exit status %d" % (i + 1, n, p.returncode))
    return usage.ru_maxrss / 1024, time.monotonic() - begin


def soak(a):
    p = start(a)
    end = time.monotonic() + a.soak
    done = [0]
    waits, seen = [], []

    def read():
        for line in p.stdout:
            done[0] += 1

    def write():
        for i, line in enumerate(texts(2)):
            if time.monotonic() > end:
                break
            p.stdin.write(line)
            if i % 1000 == 999:
                p.stdin.flush()
        p.stdin.close()
    threads = [threading.Thread(target=read), threading.Thread(target=write)]
    for t in threads:
        t.start()
    last, since = 0, time.monotonic()
    while time.monotonic() < end - 1:
        time.sleep(0.5)
        seen.append(resident(p.pid))
        if done[0] != last:
            last, since = done[0], time.monotonic()
        waits.append(time.monotonic() - since)
    for t in threads:
        t.join()
    status = p.wait()
    seen = seen[len(seen) // 20:]
    first, second = max(seen[:len(seen) // 2]), max(seen[len(seen) // 2:])
    good = status == 0 and second - first <= 4 and max(waits) < 10
    print("%s soak of %d s: %d records, resident memory at most %.1f MiB in the first half, %.1f in the second, "
          "longest silence %.1f s" % ("ok    " if good else "FAILED", a.soak, done[0], first, second, max(waits)))
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("inkling")
    p.add_argument("model")
    p.add_argument("--few", type=int, default=50000)
    p.add_argument("--many", type=int, default=2000000)
    p.add_argument("--soak", type=int, default=600, help="seconds; 0: none")
    a = p.parse_args()
    few, t = counted(a, a.few)
    print("       %d records: peak %.1f MiB, %.0f s" % (a.few, few, t), flush=True)
    many, t = counted(a, a.many)
    good = many - few <= 20
    print("%s %d records: peak %.1f MiB, %.0f s; in order, none lost" % ("ok    " if good else "FAILED", a.many, many, t),
          flush=True)
    if a.soak:
        good &= soak(a)
    sys.exit(not good)


main()
