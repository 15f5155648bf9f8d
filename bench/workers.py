#!/usr/bin/env python3
"""Do many processes give the records that one process gives?

    bench/workers.py [INKLING] [MODEL_DIR] [--records 20000] [--workers 2] [--python PYTHON]

Labels records of its own (seeded; ids that are numbers and strings, texts with line separators that are not line
ends) with one process, and then with the commands of docs/operations.md: as a filter, under GNU parallel (blocks of
stdin; shards of a file), under Open MPI's mpirun (shards; and with a bad record in one of them), and through Spark's
pipe in local mode. The sorted outputs must have the same bytes; those that keep the order, the very bytes. Defaults:
build/inkling, tests/golden/bert-tiny-cls.

Each needs its engine and is skipped with a sentence where that is missing: Debian's `parallel`, `openmpi-bin`;
pyspark from PyPI in PYTHON (default: the one that runs this) with a Java runtime, Debian's `default-jre-headless`.
Exit status 1 if an output differs.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = ("the parcel came late again and nobody answers lovely service thank you broken lid refund please very good "
         "bad 评价 很好 émouvant a\u2028b c\u0085d e\\tf").split(" ")
SPARK = """
import sys
from pyspark.sql import SparkSession
records, labels, command, workers = sys.argv[1:]
spark = SparkSession.builder.master("local[%s]" % workers).config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
spark.sparkContext.textFile(records, int(workers)).pipe(command).saveAsTextFile(labels)
spark.stop()
"""


def write_records(path, n):
    draw = random.Random(8)
    with open(path, "w", encoding="utf-8", newline="") as out:
        for i in range(n):
            record = {"id": i if i % 3 else "r-%d" % i, "text": " ".join(draw.choices(WORDS, k=draw.randint(0, 24)))}
            out.write(json.dumps(record, ensure_ascii=i % 2 == 0) + "\n")


def read(*paths):
    """The lines of all files; only \\n ends one."""
    lines = []
    for path in paths:
        with open(path, "rb") as f:
            lines += f.read().split(b"\n")[:-1]
    return lines


class Check:
    def __init__(self, folder, args):
        self.folder, self.args = folder, args
        self.failed = self.done = 0
        self.records = self.path("in.jsonl")
        self.classify = [args.inkling, "classify", "-m", args.model, "--quiet", "--threads", "1"]
        write_records(self.records, args.records)
        subprocess.run(self.classify + [self.records, "-o", self.path("one.jsonl")], check=True)
        self.one = read(self.path("one.jsonl"))
        print("one process: %d records in, %d out" % (args.records, len(self.one)))
        self.say("one process", len(self.one) == args.records)

    def path(self, name):
        return os.path.join(self.folder, name)

    def say(self, name, ok, note=""):
        self.done += 1
        self.failed += not ok
        print("%-6s  %s%s" % ("ok" if ok else "FAILED", name, note and ": " + note))

    def skip(self, name, what):
        print("skipped %s: %s is missing" % (name, what))

    def same(self, name, got, ordered, status):
        ok = (got == self.one if ordered else sorted(got) == sorted(self.one)) and status == 0
        self.say(name, ok, "%d records, %s%s" % (len(got), "in order" if ordered else "sorted",
                                                 "" if status == 0 else ", status %d" % status))

    def filter(self):
        """One process between two pipes: the order stays, and a result does not wait for the next record."""
        with open(self.records, "rb") as f:
            run = subprocess.run(self.classify + ["--format", "jsonl"], stdin=f, stdout=subprocess.PIPE)
        self.same("a filter", run.stdout.split(b"\n")[:-1], True, run.returncode)
        with subprocess.Popen(self.classify + ["--format", "jsonl", "--max-latency", "0.05"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, bufsize=0) as p:
            first = time.monotonic()
            with open(self.records, "rb") as f:
                answers = []
                for _ in range(20):
                    p.stdin.write(f.readline())
                    answers.append(p.stdout.readline().rstrip(b"\n"))
            seconds = time.monotonic() - first
            p.stdin.close()
        self.say("a filter that is asked again only when it has answered", answers == self.one[:20],
                 "%.1f ms an answer, the start included" % (seconds * 50))

    def parallel(self):
        if not shutil.which("parallel"):
            return self.skip("GNU parallel", "parallel")
        os.environ["PARALLEL_HOME"] = self.path("parallel")
        os.makedirs(os.environ["PARALLEL_HOME"])
        open(os.path.join(os.environ["PARALLEL_HOME"], "will-cite"), "w").close()
        jobs = ["parallel", "-j", str(self.args.workers)]
        blocks = ["--pipe", "--block", "200k", *self.classify, "--format", "jsonl"]
        for name, options, ordered in (("blocks of stdin", ["-k"], True), ("blocks, whichever is first", [], False)):
            with open(self.records, "rb") as f:
                run = subprocess.run(jobs + options + blocks, stdin=f, stdout=subprocess.PIPE)
            self.same("GNU parallel, " + name, run.stdout.split(b"\n")[:-1], ordered, run.returncode)
        out = self.path("p.{shard}.jsonl")
        run = subprocess.run(jobs + [*self.classify, self.records, "--shard", "{}/4", "-o", out, "--resume", ":::",
                                     "1", "2", "3", "4"])
        self.same("GNU parallel, four shards of a file",
                  read(*[self.path("p.%d-of-4.jsonl" % i) for i in range(1, 5)]), False, run.returncode)

    def mpirun(self):
        if not shutil.which("mpirun"):
            return self.skip("mpirun", "mpirun (openmpi-bin)")
        n = self.args.workers
        env = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        mpirun = ["mpirun", "--oversubscribe", "-n", str(n)]
        run = subprocess.run(mpirun + [*self.classify, self.records, "--shard", "auto", "-o",
                                       self.path("m.{shard}.jsonl")], env=env, stdin=subprocess.DEVNULL)
        shards = [read(self.path("m.%d-of-%d.jsonl" % (i + 1, n))) for i in range(n)]
        turns = [shards[i % n][i // n] for i in range(sum(map(len, shards)))]
        self.same("mpirun -n %d, a line from each shard in turn" % n, turns, True, run.returncode)

        # A status of 1 would make mpirun end the other ranks; told not to, it says nothing of any status.
        bad = self.path("bad.jsonl")
        with open(bad, "wb") as f:
            f.write(b'{"id":"bad"}\n' + b"\n".join(read(self.records)) + b"\n")
        subprocess.run(self.classify + [bad, "-o", self.path("bad.one")], stderr=subprocess.DEVNULL)
        subprocess.run(mpirun + ["--mca", "orte_abort_on_non_zero_status", "0", *self.classify, bad, "--shard",
                                 "auto", "-o", self.path("b.{shard}.jsonl")], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        outs = [self.path("b.%d-of-%d.jsonl" % (i + 1, n)) for i in range(n)]
        got = read(*[o for o in outs if os.path.exists(o)])
        self.say("mpirun -n %d, a bad record in the first shard" % n,
                 sorted(got) == sorted(read(self.path("bad.one"))), "%d records" % len(got))

    def spark(self):
        python = self.args.python
        if subprocess.run([python, "-c", "import pyspark"], stderr=subprocess.DEVNULL).returncode:
            return self.skip("Spark", "pyspark in " + python)
        if not shutil.which("java"):
            return self.skip("Spark", "java (default-jre-headless)")
        labels = self.path("spark")
        command = " ".join(self.classify + ["--format", "jsonl"])
        env = dict(os.environ, SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=python)
        run = subprocess.run([python, "-c", SPARK, self.records, labels, command, str(self.args.workers)], env=env,
                             stderr=subprocess.PIPE)
        if run.returncode:
            sys.stderr.buffer.write(run.stderr[-2000:])
        parts = sorted(p for p in os.listdir(labels) if p.startswith("part-")) if os.path.isdir(labels) else []
        self.same("Spark local[%d], %d parts" % (self.args.workers, len(parts)),
                  read(*[os.path.join(labels, p) for p in parts]), True, run.returncode)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inkling", nargs="?", default=os.path.join(HERE, "../build/inkling"))
    parser.add_argument("model", nargs="?", default=os.path.join(HERE, "../tests/golden/bert-tiny-cls"))
    parser.add_argument("--records", type=int, default=20000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    args.inkling, args.model = os.path.abspath(args.inkling), os.path.abspath(args.model)
    with tempfile.TemporaryDirectory() as folder:
        check = Check(folder, args)
        for engine in (check.filter, check.parallel, check.mpirun, check.spark):
            engine()
    print("%d of %d the same" % (check.done - check.failed, check.done))
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
