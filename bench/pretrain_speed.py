#!/usr/bin/env python3
"""How fast pretraining is beside the same architecture in PyTorch.

    bench/pretrain_speed.py TOKENIZER_DIR CORPUS.txt [--inkling build/inkling] [--size mini] [--updates 60] [--rounds 3]

Both sides in turn, A B A B, take as many updates of 32 sequences of at most 128 tokens:

    A   inkling pretrain --size SIZE --tokenizer TOKENIZER_DIR --corpus CORPUS
    B   transformers' BertForMaskedLM of that size with DataCollatorForLanguageModeling, AdamW (fused) and clipping

over the lines of CORPUS, every line a document, and count the tokens learned from (padding is none of them) in a second
of training. Of A it is what its log says of the last update; of B the updates alone are timed, after five that are not
counted. PyTorch guesses 15 % of the tokens, too, and computes the logits of all. Nothing else should run on the machine.

Needs torch and transformers in the Python that runs this script. Prints one line a round and the median ratio; exit
status 1 if that is below 2 (--bar).
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

SIZES = {"tiny": (2, 128), "mini": (4, 256), "small": (4, 512), "base": (12, 768)}
LENGTH, BATCH, UNTIMED = 128, 32, 5


def ours(a):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([a.inkling, "pretrain", "--size", a.size, "--tokenizer", a.tokenizer, "--corpus", a.corpus, "--out",
                        d + "/out", "--steps", str(a.updates), "--batch-size", str(BATCH), "--max-length", str(LENGTH),
                        "--held-out", "0", "--threads", str(a.threads), "--quiet"], check=True)
        with open(d + "/out/log.jsonl", encoding="utf-8") as f:
            return [json.loads(line) for line in f if '"time"' in line][-1]["time"]["tokens_per_s"]


def be_torch(a):
    """The peer, in a process of its own: prints tokens a second."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(a.tokenizer)
    with open(a.corpus, encoding="utf-8") as f:
        lines = [line for line in f.read().split("\n") if line.strip()]
    random.Random(0).shuffle(lines)
    need = (a.updates + UNTIMED) * BATCH
    encoded = tokenizer([lines[i % len(lines)] for i in range(need)], truncation=True, max_length=LENGTH)["input_ids"]
    layers, hidden = SIZES[a.size]
    model = BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), hidden_size=hidden, num_hidden_layers=layers,
                                       num_attention_heads=hidden // 64, intermediate_size=4 * hidden))
    model.train()
    collate = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01, fused=True)
    tokens, start = 0, None
    for update in range(a.updates + UNTIMED):
        if update == UNTIMED:
            start, tokens = time.perf_counter(), 0
        ids = encoded[update * BATCH:(update + 1) * BATCH]
        batch = collate([{"input_ids": x, "attention_mask": [1] * len(x)} for x in ids])
        model(**batch).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        tokens += sum(map(len, ids))
    print(tokens / (time.perf_counter() - start))


def theirs(a):
    command = [sys.executable, __file__, a.tokenizer, a.corpus, "--be-torch", "--size", a.size, "--updates", str(a.updates),
               "--threads", str(a.threads)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(a.threads), "TOKENIZERS_PARALLELISM": "false"}
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)
    if p.returncode != 0:
        sys.exit("PyTorch failed:\n" + p.stderr)
    return float(p.stdout.split()[-1])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("tokenizer")
    p.add_argument("corpus")
    p.add_argument("--inkling", default="build/inkling")
    p.add_argument("--size", choices=SIZES, default="mini")
    p.add_argument("--updates", type=int, default=60)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--bar", type=float, default=2.0)
    p.add_argument("--be-torch", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.be_torch:
        be_torch(a)
        return
    ratios = []
    for i in range(a.rounds):
        x, y = ours(a), theirs(a)
        ratios.append(x / y)
        print("round %d: %.0f tokens/s, PyTorch %.0f: %.2f times" % (i + 1, x, y, ratios[-1]), flush=True)
    median = statistics.median(ratios)
    print("%s, %d threads: %.2f times PyTorch's tokens/s (median of %d), bar %g: %s"
          % (a.size, a.threads, median, a.rounds, a.bar, "holds" if median >= a.bar else "MISSED"))
    sys.exit(median < a.bar)


main()
