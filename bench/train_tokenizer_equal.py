#!/usr/bin/env python3
"""Trains tokenizers of each type with `inkling train-tokenizer` and compares their ids with Hugging Face's.

usage: train_tokenizer_equal.py --inkling PATH --data DIR [--work DIR] [--vocab-size N] [--train FILE...] [--only NAME...]

  --inkling PATH   the `inkling` command
  --data DIR       has corpora/*.train.txt.zst, which are trained on, and corpora/*.dev.txt.zst, whose lines are compared
  --work DIR       keeps the directories here, and takes those that are there
  --vocab-size N   8000 where nothing is said
  --train en=FILE  trained on in the place of a language's corpora; may come again (en=FILE zh=FILE)
  --only NAME      only directories whose name contains one of these

Of each language and type a directory is made and opened with AutoTokenizer and with Inkling; the vocabulary has to
have exactly N tokens there and here, and every line of every dev file, in both languages, the same ids. A WordPiece
directory is opened a second time without its tokenizer.json. "unknown" is the share of [UNK] in the ids of the
language's own lines. Needs transformers 5 and the zstd command. Exits 1 if anything differed."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from transformers import AutoTokenizer  # noqa: E402

CORPORA = {"en": ["wiki_en", "books_en", "gov_blog_en"], "zh": ["wiki_zh"]}
TYPES = {"wordpiece": ["--type", "wordpiece"],
         "wordpiece-uncased": ["--type", "wordpiece", "--lowercase"],
         "unigram": ["--type", "unigram"],
         "unigram-uncased": ["--type", "unigram", "--lowercase"],
         "unigram-bytes": ["--type", "unigram", "--byte-fallback"],
         "bpe": ["--type", "bpe"],
         "bpe-bytes": ["--type", "bpe", "--byte-fallback"]}


def dev_lines(data, language):
    lines = []
    for name in CORPORA[language]:
        raw = subprocess.run(["zstd", "-dcq", os.path.join(data, "corpora", name + ".dev.txt.zst")], check=True,
                             stdout=subprocess.PIPE).stdout
        lines += raw.decode().split("\n")
    return [line.rstrip("\r") for line in lines]


def train(args, language, kind, out):
    files = [f.split("=", 1)[1] for f in args.train if f.startswith(language + "=")]
    files = files or [os.path.join(args.data, "corpora", name + ".train.txt.zst") for name in CORPORA[language]]
    start = time.monotonic()
    subprocess.run([args.inkling, "train-tokenizer", *TYPES[kind], "--vocab-size", str(args.vocab_size), "--out", out,
                    "--quiet", *files], check=True)
    return time.monotonic() - start


def inkling_ids(args, directory, lines):
    text = "\n".join(lines) + "\n"
    out = subprocess.run([args.inkling, "tokenize", "-m", directory, "--parse-special", "--quiet"], input=text.encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line)["ids"] for line in out.splitlines()]


def compare(args, name, directory, texts, own):
    """True if the directory says the same on both sides. texts: by language."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    ok = len(tokenizer) == args.vocab_size and tokenizer.model_max_length == 512
    ok = ok and tokenizer.convert_tokens_to_ids(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) == list(range(5))
    different = n = unknown = ids = 0
    for language, lines in texts.items():
        there = tokenizer(lines, truncation=False)["input_ids"]
        here = inkling_ids(args, directory, lines)
        different += abs(len(there) - len(here)) + sum(a != b for a, b in zip(there, here))
        n += len(lines)
        if language == own:
            unknown, ids = sum(row.count(1) for row in here), sum(map(len, here))
    print(f"{name:34} {len(tokenizer)} tokens, {n} lines, {different} different, {100 * unknown / ids:.3f}% unknown, "
          f"{sum(map(len, texts[own])) / ids:.2f} characters a token", flush=True)
    return ok and different == 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--inkling", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work")
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--train", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[""])
    args = parser.parse_args()
    work = args.work or tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    texts = {language: dev_lines(args.data, language) for language in CORPORA}
    ok = True
    for language in CORPORA:
        for kind in TYPES:
            name = f"{language}-{kind}"
            directory = os.path.join(work, name)
            if not any(part in name for part in args.only):
                continue
            if not os.path.exists(directory):
                print(f"{name:34} trained in {train(args, language, kind, directory):.1f} s", flush=True)
            ok &= compare(args, name, directory, texts, language)
            if kind.startswith("wordpiece"):
                with tempfile.TemporaryDirectory() as bare:
                    shutil.copytree(directory, bare, dirs_exist_ok=True)
                    os.remove(os.path.join(bare, "tokenizer.json"))
                    ok &= compare(args, name + ", vocab.txt", bare, texts, language)
    if not args.work:
        shutil.rmtree(work)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
