#!/usr/bin/env python3
"""SentencePiece tokenizers against transformers' fast tokenizers, ids and byte offsets, line for line.

usage: spm_equal.py INKLING DATA [--lines N] [--sizes 8000,32000] [--work DIR] [--train-bytes N]

INKLING is the command. DATA is a folder with corpora/NAME.{train,dev}.txt.zst, on which models are trained, and
any text files, all of which are compared (gzip and zstd are read). Trains a unigram model of each size in
English and in Chinese, makes of each the directory of an XLM-RoBERTa, a CamemBERT and an ALBERT (*.model, and
the tokenizer.json that transformers writes), and of a BPE model an XLM-RoBERTa. Where a line differs it is
shown; the exit status is then 1. BPE directories are compared with the sentencepiece package, piece by piece.
Needs: pip install transformers==5.23 sentencepiece; the zstd command."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import sentencepiece
import transformers

FAMILIES = {"xlmr": ("XLMRobertaTokenizer", "sentencepiece.bpe.model"),
            "camembert": ("CamembertTokenizer", "sentencepiece.bpe.model"),
            "albert": ("AlbertTokenizer", "spiece.model")}
ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}


def read(path, limit=-1):
    if path.endswith((".zst", ".gz")):
        tool = ["zstd", "-dc"] if path.endswith(".zst") else ["gzip", "-dc"]
        with subprocess.Popen(tool + [path], stdout=subprocess.PIPE) as p:
            data = p.stdout.read(limit)
            p.stdout.close()
    else:
        with open(path, "rb") as f:
            data = f.read(limit)
    return data.decode("utf-8", "replace").replace("\x00", " ").split("\n")


def text_files(folder):
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith((".txt", ".tsv", ".csv", ".jsonl", ".json", ".txt.zst", ".txt.gz")) and "train.txt" not in name:
                yield os.path.join(root, name)


def byte_offsets(text, spans):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[b], at[e]] for b, e in spans]


def inkling(command, model, lines):
    data = "".join(json.dumps({"text": line}) + "\n" for line in lines)
    out = subprocess.run([command, "tokenize", "-m", model, "--format", "jsonl", "--parse-special", "--quiet"], input=data.encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    for line in out.splitlines():
        record = json.loads(line)
        yield record["ids"], record["offsets"], record["tokens"]


def compare(command, model, name, lines):
    """Number of differing lines; pairs of (wanted, got)."""
    if name == "bpe":
        reference = sentencepiece.SentencePieceProcessor(model_file=os.path.join(model, "sentencepiece.bpe.model"))
    else:
        reference = transformers.AutoTokenizer.from_pretrained(model)
    wrong = 0
    for line, (ids, offsets, tokens) in zip(lines, inkling(command, model, lines)):
        if name == "bpe":
            pieces = reference.encode(line, out_type=int)
            want, got = ([3 if i == 0 else i + 1 for i in pieces], None), (ids[1:-1], None)
        else:
            made = reference(line, return_offsets_mapping=True)
            want = made["input_ids"], byte_offsets(line, made["offset_mapping"])
            got = ids, offsets
        if want != got:
            wrong += 1
            if wrong <= 3:
                print("  differs: %r\n    wanted %s\n    got    %s" % (line[:300], str(want)[:600], str(got)[:600]))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("inkling")
    parser.add_argument("data")
    parser.add_argument("--lines", type=int, default=0, help="at most so many lines of each file; 0: all")
    parser.add_argument("--sizes", default="8000,32000")
    parser.add_argument("--work", help="a folder to keep the models in")
    parser.add_argument("--train-bytes", type=int, default=8_000_000)
    args = parser.parse_args()
    transformers.logging.set_verbosity_error()
    work = args.work or tempfile.mkdtemp(prefix="spm_equal.")
    total = 0
    for language in ("en", "zh"):
        corpus = read(os.path.join(args.data, "corpora", "wiki_%s.train.txt.zst" % language), args.train_bytes)
        corpus = [line for line in corpus if line.strip()]
        for size in map(int, args.sizes.split(",")):
            for name in ("xlmr", "camembert", "albert", "bpe"):
                class_name, file_name = FAMILIES.get(name, FAMILIES["xlmr"])
                model = os.path.join(work, "%s-%s-%d" % (name, language, size))
                if not os.path.exists(model + "-json" if name != "bpe" else model):
                    os.makedirs(model, exist_ok=True)
                    prefix = os.path.join(work, "%s-%s-%d" % ("albert" if name == "albert" else
                                                              "bpe" if name == "bpe" else "unigram", language, size))
                    if not os.path.exists(prefix + ".model"):
                        sentencepiece.SentencePieceTrainer.train(
                            sentence_iterator=iter(corpus), model_prefix=prefix, vocab_size=size, minloglevel=2,
                            model_type="bpe" if name == "bpe" else "unigram", hard_vocab_limit=False, num_threads=2,
                            max_sentence_length=20000, character_coverage=0.9995,
                            **(ALBERT if name == "albert" else {}))
                    shutil.copy(prefix + ".model", os.path.join(model, file_name))
                    with open(os.path.join(model, "tokenizer_config.json"), "w", encoding="utf-8") as f:
                        json.dump({"tokenizer_class": class_name}, f)
                    if name != "bpe":
                        transformers.AutoTokenizer.from_pretrained(model).save_pretrained(model + "-json")
                for directory in [model] + ([model + "-json"] if name != "bpe" else []):
                    wrong = n = 0
                    for path in text_files(args.data):
                        lines = read(path, 4_000_000 if args.lines else -1)
                        lines = lines[:args.lines] if args.lines else lines
                        n += len(lines)
                        wrong += compare(args.inkling, directory, name, lines)
                    print("%-24s %d of %d lines differ" % (os.path.basename(directory), wrong, n), flush=True)
                    total += wrong
    if not args.work:
        shutil.rmtree(work)
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
