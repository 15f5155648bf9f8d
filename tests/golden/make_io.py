#!/usr/bin/env python3
"""Makes tests/golden/io: what the reference packages write and read, for the tests of src/io.

    python3 make_io.py            needs numpy and safetensors (the files here come from 2.4.6, 0.8.0 and Python 3.11.7)

odd.safetensors   every dtype that NumPy and Inkling share, names that need escapes, rank 0, no elements
csv.jsonl         hostile CSV files and the rows that Python's csv module finds in them
"""
import csv
import io
import json
import os
import random

import numpy
import safetensors.numpy

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "io")


def odd_tensors():
    dtypes = "uint8 int8 bool int16 uint16 float16 int32 uint32 float32 float64 int64 uint64".split()
    tensors = {f"dtype.{d}": numpy.arange(6).reshape(2, 3).astype(d) for d in dtypes}
    names = ["", " ", "quote\"", "back\\slash", "slash/", "new\nline", "\t\b\f\r", "\x01\x1f\x7f", "é", "ü\u2028\u2029",
             "\U0001f600", "Z", "a", "B", "a.b", "a/b", "\uffff", "𝄞"]
    tensors.update({name: numpy.float32([i]) for i, name in enumerate(names)})
    tensors["rank0"] = numpy.array(7, dtype="float32")
    tensors["empty"] = numpy.zeros((3, 0, 2), dtype="float32")
    tensors["empty.first"] = numpy.zeros((0,), dtype="int64")
    tensors["rank8"] = numpy.arange(2, dtype="int8").reshape(1, 1, 1, 2, 1, 1, 1, 1)
    return tensors


PIECES = ['a', 'b c', '"', '""', ',', ',', '\n', '\n', '\r\n', '\r', ' ', '\t', 'é', '\x00', '"x"', '"x,y"', '"x\ny"',
          '1,2,3\n', '"1","2","3"\n']


def csv_case(rng, n):
    body = ''.join(rng.choice(PIECES) for _ in range(n))
    text = 'id,text,text_b' + rng.choice(['\n', '\r\n']) + body
    rows = [row for row in csv.reader(io.StringIO(text, newline='')) if row][1:]
    # A file that ends inside quotes swallows whatever follows it.
    probe = [row for row in csv.reader(io.StringIO(text + '\nEND', newline='')) if row]
    unclosed = probe[-1] != ['END']
    return {"csv": text, "rows": rows[:-1] if unclosed else rows, "unclosed": unclosed}


def main():
    os.makedirs(here, exist_ok=True)
    safetensors.numpy.save_file(odd_tensors(), os.path.join(here, "odd.safetensors"), metadata={"format": "pt"})
    os.chmod(os.path.join(here, "odd.safetensors"), 0o644)  # the package leaves 0600
    rng = random.Random(1)
    with open(os.path.join(here, "csv.jsonl"), "w", encoding="utf-8", newline="\n") as out:
        for i in range(600):
            out.write(json.dumps(csv_case(rng, 1 + i % 40), ensure_ascii=False) + "\n")


main()
