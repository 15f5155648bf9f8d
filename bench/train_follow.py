#!/usr/bin/env python3
"""Does finetuning follow PyTorch's, update by update?

    bench/train_follow.py MODEL_DIR TRAIN.jsonl [--tool build/bench/train_losses] [--updates 200] [--curves FILE]

From the same weights, with the same records in the same order and dropout off, three runs take the same updates: ours
(bench/train_losses, which is `inkling finetune` without evaluations), and PyTorch's on one thread and on two. PyTorch's
AdamW, clipping, schedule and groups of weight decay are those of transformers' Trainer. The largest difference of a loss
between ours and PyTorch on one thread is held against three times that between PyTorch's own two runs, but at least 1e-3.

MODEL_DIR is a BERT-style model with safetensors and tokenizer.json; transformers gives a copy of it a new head for the
labels of TRAIN and dropout probabilities of 0, and both sides start from that. The records are one text and one label, or
a list of labels.

Needs torch, transformers, tokenizers. Prints one line; exit status 1 if the bar is missed.
"""
import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile


def read_jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def labels_of(row):
    return row["labels"] if "labels" in row else [row["label"]]


def start_from(model, to, labels, multi):
    """The peer, in a process of its own: makes the model that both start from."""
    import torch
    from transformers import AutoModelForSequenceClassification
    torch.manual_seed(0)
    copy_without_dropout(model, to, labels, multi)
    AutoModelForSequenceClassification.from_pretrained(to, ignore_mismatched_sizes=True).save_pretrained(to)


def copy_without_dropout(model, to, labels, multi):
    shutil.copytree(model, to, ignore=shutil.ignore_patterns("*.onnx"))
    path = os.path.join(to, "config.json")
    os.chmod(path, 0o644)
    os.chmod(to, 0o755)
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    for key, value in config.items():
        if "dropout" in key and value is not None:
            config[key] = 0.0
    config["id2label"] = {str(i): name for i, name in enumerate(labels)}
    config["label2id"] = {name: i for i, name in enumerate(labels)}
    config["problem_type"] = "multi_label_classification" if multi else "single_label_classification"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)


def torch_losses(a):
    """The peer, in a process of its own: prints the losses of the updates in a.replay as JSON."""
    import torch
    torch.set_num_threads(a.torch_threads)
    assert torch.get_num_threads() == a.torch_threads
    from tokenizers import Tokenizer
    from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup
    from transformers.trainer_pt_utils import get_parameter_names
    rows, updates = read_jsonl(a.train), read_jsonl(a.replay)
    tokenizer = Tokenizer.from_file(a.model + "/tokenizer.json")
    tokenizer.enable_truncation(a.max_length)
    tokenizer.no_padding()
    model = AutoModelForSequenceClassification.from_pretrained(a.model, dtype=torch.float32)
    model.train()
    # What Trainer.get_decay_parameter_names leaves out.
    decays = set(get_parameter_names(model, [torch.nn.LayerNorm], ["bias", "layernorm", "rmsnorm",
                                                                   r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)"]))
    groups = [{"params": [p for n, p in model.named_parameters() if n in decays], "weight_decay": 0.01},
              {"params": [p for n, p in model.named_parameters() if n not in decays], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=a.learning_rate, fused=True)
    warmup = -(-len(updates) * 6 // 100)  # 0.06 of them, rounded up
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, len(updates))
    losses = []
    for update in updates:
        batch = [rows[i] for i in update["records"]]
        encoded = [e.ids for e in tokenizer.encode_batch([r["text"] for r in batch])]
        longest = max(map(len, encoded))
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros(len(batch), longest, dtype=torch.long)
        for r, e in enumerate(encoded):
            ids[r, :len(e)] = torch.tensor(e)
            mask[r, :len(e)] = 1
        if model.config.problem_type == "multi_label_classification":
            labels = torch.zeros(len(batch), model.config.num_labels)
            for r, row in enumerate(batch):
                labels[r, [model.config.label2id[name] for name in row["labels"]]] = 1
        else:
            labels = torch.tensor([model.config.label2id[r["label"]] for r in batch])
        rate = schedule.get_last_lr()[0]
        if abs(rate - update["rate"]) > 1e-7 * a.learning_rate:
            sys.exit("update %d: learning rate %.9g, ours %.9g" % (len(losses) + 1, rate, update["rate"]))
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    print(json.dumps(losses))


def run_torch(a, model, replay, threads):
    command = [sys.executable, __file__, model, a.train, "--replay", replay, "--torch-threads", str(threads),
               "--learning-rate", str(a.learning_rate), "--max-length", str(a.max_length)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)
    if p.returncode != 0:
        sys.exit("PyTorch failed:\n" + p.stderr)
    return json.loads(p.stdout.splitlines()[-1])


def compare(a):
    rows = read_jsonl(a.train)
    multi = "labels" in rows[0]
    labels = sorted({name for r in rows for name in labels_of(r)}, key=lambda name: name.encode())
    with tempfile.TemporaryDirectory() as d:
        model, dev, replay = d + "/model", d + "/dev.jsonl", d + "/replay.jsonl"
        start = multiprocessing.get_context("spawn").Process(target=start_from, args=(a.model, model, labels, multi))
        start.start()
        start.join()
        if start.exitcode != 0:
            sys.exit("transformers could not make the model to start from")
        with open(dev, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": "a", "labels": [name]} if multi else {"text": "a", "label": name}) + "\n"
                         for name in labels)
        with open(replay, "wb") as f:
            p = subprocess.run([a.tool, model, a.train, dev, str(a.updates), repr(a.learning_rate), str(a.batch_size),
                                str(a.max_length), str(a.threads), str(a.seed)], stdout=f, stderr=subprocess.PIPE)
        said = p.stderr.decode(errors="replace")
        if p.returncode != 0:
            sys.exit(said)
        if "is kept" not in said:
            sys.exit("the head was not kept:\n" + said)
        ours = [u["loss"] for u in read_jsonl(replay)]
        one, two = (run_torch(a, model, replay, threads) for threads in (1, 2))
    if a.curves:
        with open(a.curves, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"update": i + 1, "ours": x, "torch_1": y, "torch_2": z}) + "\n"
                         for i, (x, y, z) in enumerate(zip(ours, one, two)))
    apart = [abs(x - y) for x, y in zip(ours, one)]
    own = [abs(y - z) for y, z in zip(one, two)]
    bar = max(1e-3, 3 * max(own))
    good = len(ours) == len(one) == len(two) == a.updates and max(apart) <= bar
    print("%d updates, loss %.4f to %.4f (PyTorch %.4f to %.4f): largest difference to PyTorch %.2e (update %d), between "
          "PyTorch's runs on 1 and 2 threads %.2e (update %d); bar %.2e: %s"
          % (a.updates, ours[0], ours[-1], one[0], one[-1], max(apart), apart.index(max(apart)) + 1, max(own),
             own.index(max(own)) + 1, bar, "holds" if good else "MISSED"))
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("train")
    p.add_argument("--tool", default="build/bench/train_losses")
    p.add_argument("--updates", type=int, default=200)
    p.add_argument("--learning-rate", type=float, default=5e-5)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--threads", type=int, default=2, help="of ours: moves no bit")
    p.add_argument("--seed", type=int, default=42)
    p.add_argument("--curves", help="write the three curves here, a line an update")
    p.add_argument("--replay", help=argparse.SUPPRESS)  # with --torch-threads: be the peer
    p.add_argument("--torch-threads", type=int, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.replay:
        torch_losses(a)
        return
    sys.exit(not compare(a))


if __name__ == "__main__":  # a spawned process reads this file again
    main()
