#!/usr/bin/env python3
"""Whole jobs and single texts beside the engines a user would pick instead, and beside the machine's own limit.

    bench/beside_peers.py job     MODEL_DIR PEERS.py FILE.jsonl:N [FILE.jsonl:N ...] [options]
    bench/beside_peers.py latency MODEL_DIR PEERS.py [--tokens 16,128] [options]

job: takes the first N records of each file and mixes them (seed 1) into one input. Inkling and the peers take
turns, A B A C A: an engine is compared with the mean of our runs just before and after it.

    A     inkling classify -m MODEL_DIR -o OUT --threads T --max-length L IN
    B, C  python PEERS.py MODEL_DIR IN ENGINE L      with REPS=2

PEERS.py prints one JSON line whose best_s is the better of two jobs (read, tokenize, compute, write) without start-up
and load, so that what an engine sets up lazily does not count either. Ours is the one job of a process, less its own
start-up (the same command on one record, just before). The bar is held by this ratio to the engine that is hardest
to beat, or (--roofline-bar) by the share of what the bare products would allow, which `inkling bench --only products`
measures before and after each of our runs. Shown as well: start-up to the first label, whole processes (a peer's
holds both jobs), peak memory.

latency: one text of N tokens at a time, the median of some hundred calls; ours from `inkling bench --only latency`,
theirs from PEERS.py with LATENCY=N.

Rounds can be long, so --log FILE keeps every run as a JSON line, --seconds S starts no run that would hardly end in S,
and the same command goes on where the log ends; runs with other settings, in the same log, are left alone. Exit
status 1 if the bar is missed or an engine had no turn yet.
Nothing else should run on the machine. Needs what PEERS.py needs, in the Python that runs this script.
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

ENGINES = {"f32": "torch,ort,ov,ct2", "int8": "ort-int8,ct2-int8"}
OURS = "inkling"


def process(command, env=None):
    """(seconds, peak resident MiB, stdout) of one process; stops the bench if it fails."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        start = time.perf_counter()
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **(env or {})}, text=True)
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        seconds = time.perf_counter() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode != 0:
            said.seek(0)
            sys.exit("exit status %d: %s\n%s" % (p.returncode, " ".join(command), said.read()[-2000:]))
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
    return len(records)


def inkling(a, verb, *more):
    precision = [] if a.precision == "f32" else ["--precision", a.precision]
    return [a.inkling, verb, "-m", a.model, "--threads", str(a.threads), *precision, *more]


def peers_line(a, arguments, env):
    seconds, mib, out = process([sys.executable, a.peers, a.model, *arguments], env)
    return json.loads(out.strip().splitlines()[-1]), mib, seconds


class Job:
    """One input through whole processes."""
    name, unit = "job", "s"

    def __init__(self, a, d):
        self.a, self.d = a, d
        self.records = mixed_input(d + "/in.jsonl", a.parts)
        self.config = [a.max_length, *("%s:%s" % (os.path.basename(os.path.dirname(p)), p.rpartition(":")[2])
                                       for p in a.parts)]
        with open(d + "/one.jsonl", "w", encoding="utf-8") as f:
            f.write('{"text": "one"}\n')

    def classify(self, name):
        return process(inkling(self.a, "classify", "--quiet", "--max-length", str(self.a.max_length), "-o",
                               self.d + "/out.jsonl", self.d + name))

    def ours(self):
        peaks = [self.peak()] if self.a.roofline_bar else []
        startup, _, _ = self.classify("/one.jsonl")
        whole, mib, _ = self.classify("/in.jsonl")
        peaks += [self.peak()] if self.a.roofline_bar else []
        with open(self.d + "/out.jsonl", encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        if len(lines) != self.records or any("error" in x for x in lines):
            sys.exit("inkling did not label every record")
        used = [x["used"] for x in lines]
        return {"value": whole - startup, "whole": whole, "startup": startup, "mib": mib, "tokens": sum(used),
                "gflop": self.flops(used) * 1e-9, "peaks": peaks}

    def flops(self, used):
        """Of BERT's encoder over the real lengths."""
        with open(self.a.model + "/config.json", encoding="utf-8") as f:
            c = json.load(f)
        H, F, L = c["hidden_size"], c["intermediate_size"], c["num_hidden_layers"]
        return sum(L * (8 * S * H * H + 4 * S * H * F + 4 * S * S * H) for S in used)

    def theirs(self, engine):
        said, mib, whole = peers_line(self.a, [self.d + "/in.jsonl", engine, str(self.a.max_length)], {"REPS": "2"})
        return {"value": said["best_s"], "whole": whole, "mib": mib, "tokens": said["tokens"]}

    def peak(self):
        """GFLOP/s of the bare products."""
        _, _, out = process(inkling(self.a, "bench", "--json", "-", "--only", "products", "--rounds", "1"))
        return json.loads(out)["products"]["peak_gflops"]["median"]

    def more(self, ours, pairs):
        def row(name, values, unit, digits):
            print("  %-34s %.*f (%.*f to %.*f) %s" % (
                name, digits, statistics.median(values), digits, min(values), digits, max(values), unit))
        row("inkling, job", [r["value"] for r in ours], "s", 3)
        row("inkling, whole process", [r["whole"] for r in ours], "s", 3)
        row("inkling, exec to first label", [r["startup"] for r in ours], "s", 3)
        row("inkling, peak memory", [r["mib"] for r in ours], "MiB", 0)
        row("inkling, tokens/s", [r["tokens"] / r["value"] for r in ours], "", 0)
        for engine, rs in pairs.items():
            row(engine + ", whole process of two jobs", [r["whole"] for r in rs], "s", 2)
            row(engine + ", peak memory", [r["mib"] for r in rs], "MiB", 0)


class Latency:
    """One text of n tokens at a time."""
    unit = "ms"

    def __init__(self, a, n):
        self.a, self.n, self.name, self.config = a, n, "latency", [n]

    def ours(self):
        _, _, out = process(inkling(self.a, "bench", "--json", "-", "--only", "latency", "--rounds", "5"))
        by_length = {x["tokens"]: x["ms"] for x in json.loads(out)["latency"]}
        if self.n not in by_length:
            sys.exit("inkling bench has texts of %s tokens, not of %d" % (", ".join(map(str, by_length)), self.n))
        return {"value": by_length[self.n]["median"], "tokens": self.n}

    def theirs(self, engine):
        said, _, _ = peers_line(self.a, ["-", engine], {"LATENCY": str(self.n)})
        return {"value": said["p50_ms"], "tokens": self.n}

    def more(self, ours, pairs):
        pass


def read_log(path, key):
    runs = []
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            runs = [r for r in map(json.loads, f) if r["key"] == key]
    return runs


def measure(a, what, key, engines, deadline):
    """The log's runs, and after them those there is time for until every engine had its rounds."""
    runs = read_log(a.log, key)
    longest = {}

    def done(engine):
        return sum(r["who"] == engine for r in runs)

    def run(who):
        begin = time.monotonic()
        r = what.ours() if who == OURS else what.theirs(who)
        longest[who] = time.monotonic() - begin
        r.update(key=key, who=who)
        runs.append(r)
        print("%-10s %.3f %s%s" % (who, r["value"], what.unit, "".join("  peak %.0f" % x for x in r.get("peaks", []))),
              flush=True)
        if a.log:
            with open(a.log, "a", encoding="utf-8") as f:
                f.write(json.dumps(r) + "\n")

    while min(map(done, engines)) < a.rounds:
        engine = min(engines, key=done)
        if not longest:
            run(OURS)
        ahead = longest.get(engine, max(longest.values())) + longest[OURS]
        if deadline and time.monotonic() + ahead > deadline and len(longest) > 1:
            break
        run(engine)
        run(OURS)
    return runs


def report(a, what, engines, runs):
    """True if the bar holds."""
    ratios, peers = {e: [] for e in engines}, {e: [] for e in engines}
    ours, shares = [], []
    for before, r, after in zip([{}] + runs, runs, runs[1:] + [{}]):
        if r["who"] == OURS:
            ours.append(r)
            shares += [r["gflop"] / r["value"] / statistics.mean(r["peaks"])] if r.get("peaks") else []
        elif before.get("who") == after.get("who") == OURS:
            if r["tokens"] != before["tokens"]:
                sys.exit("inkling computed %d tokens, %s %d" % (before["tokens"], r["who"], r["tokens"]))
            mean = (before["value"] + after["value"]) / 2
            peers[r["who"]].append(r)
            ratios[r["who"]].append(mean / r["value"] if what.name == "latency" else r["value"] / mean)
    if not all(ratios.values()):
        print("%s %s: not every engine had its turn yet" % (what.name, " ".join(map(str, what.config))))
        return False
    latency = what.name == "latency"
    print("%s, %s, %s %s: %d tokens, %d threads, medians of %s runs" % (
        os.path.basename(os.path.abspath(a.model)), a.precision, what.name, " ".join(map(str, what.config)),
        ours[0]["tokens"], a.threads, "/".join(str(len(rs)) for rs in [ours, *ratios.values()])))
    print("  %-12s %9.3f %s" % (OURS, statistics.median(x["value"] for x in ours), what.unit))
    for e in engines:
        print("  %-12s %9.3f %s   ratio %.2f (%.2f to %.2f)" % (
            e, statistics.median(x["value"] for x in peers[e]), what.unit, statistics.median(ratios[e]), min(ratios[e]),
            max(ratios[e])))
    what.more(ours, peers)
    best = (max if latency else min)(engines, key=lambda e: statistics.median(ratios[e]))
    ratio = statistics.median(ratios[best])
    holds, bars = a.bar is None, []
    if a.bar is not None:
        holds = ratio <= a.bar if latency else ratio >= a.bar
        bars.append("ratio to the best peer (%s) %.2f (%.2f to %.2f), bar %s %.2f" % (
            best, ratio, min(ratios[best]), max(ratios[best]), "at most" if latency else "at least", a.bar))
    if shares:
        share = statistics.median(shares)
        holds |= share >= a.roofline_bar
        bars.append("share of the products' peak %.2f (%.2f to %.2f), bar at least %.2f" % (
            share, min(shares), max(shares), a.roofline_bar))
    if bars:
        print("%s: %s" % ("; or ".join(bars), "holds" if holds else "MISSED"))
    return holds


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["job", "latency"])
    p.add_argument("model")
    p.add_argument("peers")
    p.add_argument("parts", nargs="*", metavar="FILE.jsonl:N")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--precision", choices=["f32", "int8"], default="f32")
    p.add_argument("--engines", help="default: %s for f32, %s for int8" % (ENGINES["f32"], ENGINES["int8"]))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2, help="of ours; the peers set their own (2)")
    p.add_argument("--max-length", type=int, default=256)
    p.add_argument("--tokens", default="16,128")
    p.add_argument("--bar", type=float, help="of the ratio: at least (job), at most (latency)")
    p.add_argument("--roofline-bar", type=float, help="job: at least this share of the products' peak will do as well")
    p.add_argument("--log", help="keep runs here, and go on from it")
    p.add_argument("--seconds", type=float, help="start no run that would hardly end in this time")
    a = p.parse_args()
    if (a.what == "job") != bool(a.parts):
        p.error("job takes files, latency does not")
    engines = (a.engines or ENGINES[a.precision]).split(",")
    deadline = time.monotonic() + a.seconds if a.seconds else None
    good = True
    with tempfile.TemporaryDirectory() as d:
        rows = [Job(a, d)] if a.what == "job" else [Latency(a, int(n)) for n in a.tokens.split(",")]
        for what in rows:
            key = [what.name, os.path.abspath(a.model), a.precision, a.threads, engines, a.roofline_bar is not None,
                   what.config]
            good &= report(a, what, engines, measure(a, what, key, engines, deadline))
    sys.exit(not good)


main()
