#!/usr/bin/env python3
"""Does pretraining follow PyTorch's, update by update?

    bench/pretrain_follow.py TOKENIZER_DIR CORPUS.txt [--objective rtd] [--tool build/bench/pretrain_losses]
                             [--updates 100] [--curves FILE]

A BertForMaskedLM of random weights (transformers', 2 layers of 128) is saved, dropout off; with objective rtd an
ElectraForPreTraining, and an ElectraForMaskedLM of half its width which shares its tables. From it three runs take the
same updates over the same sequences with the same masks, and the same tokens drawn: ours (bench/pretrain_losses, which
is `inkling pretrain` without evaluations), and PyTorch's on one thread and on two, which are shown what ours was shown.
PyTorch's AdamW, clipping, schedule and groups of weight decay are those of transformers' Trainer. The largest
difference of a loss between ours and PyTorch on one thread is held against three times that between PyTorch's own two
runs, but at least 1e-3.

TOKENIZER_DIR is one that `inkling train-tokenizer` wrote, or any of a BERT. Needs torch and transformers. Prints one
line; exit status 1 if the bar is missed.
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


def tie(discriminator, generator):
    """The generator's tables become the discriminator's: one parameter each, whose gradients add up."""
    of, to = discriminator.electra.embeddings, generator.electra.embeddings
    to.word_embeddings, to.position_embeddings = of.word_embeddings, of.position_embeddings
    to.token_type_embeddings = of.token_type_embeddings
    generator.generator_lm_head.weight = of.word_embeddings.weight


def start_from(tokenizer, to, deviation, objective):
    """The peer, in a process of its own: makes the model that both start from."""
    import torch
    from transformers import (AutoTokenizer, BertConfig, BertForMaskedLM, ElectraConfig, ElectraForMaskedLM,
                              ElectraForPreTraining)
    torch.manual_seed(0)
    same = dict(vocab_size=len(AutoTokenizer.from_pretrained(tokenizer)), num_hidden_layers=2, hidden_dropout_prob=0.0,
                attention_probs_dropout_prob=0.0, pad_token_id=0, initializer_range=deviation)
    shutil.copytree(tokenizer, to)
    os.chmod(to, 0o755)
    if objective == "mlm":
        BertForMaskedLM(BertConfig(hidden_size=128, num_attention_heads=2, intermediate_size=512,
                                   **same)).save_pretrained(to)
        return
    shutil.copytree(to, to + "/generator")
    model = ElectraForPreTraining(ElectraConfig(embedding_size=96, hidden_size=128, num_attention_heads=2,
                                                intermediate_size=512, **same))
    generator = ElectraForMaskedLM(ElectraConfig(embedding_size=96, hidden_size=64, num_attention_heads=1,
                                                 intermediate_size=256, **same))
    tie(model, generator)
    model.save_pretrained(to)
    generator.save_pretrained(to + "/generator")


def peer_of(model, objective):
    """A torch.nn.Module of all parameters, and its loss of (shown, labels, judged, mask)."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoModelForPreTraining
    if objective == "mlm":
        one = AutoModelForMaskedLM.from_pretrained(model, dtype=torch.float32)
        return one, lambda shown, labels, judged, mask: one(input_ids=shown, attention_mask=mask, labels=labels).loss
    both = torch.nn.ModuleList([AutoModelForPreTraining.from_pretrained(model, dtype=torch.float32),
                                AutoModelForMaskedLM.from_pretrained(model + "/generator", dtype=torch.float32)])
    tie(*both)

    def loss(shown, labels, judged, mask):
        text = torch.where(labels >= 0, labels, shown)
        return (both[1](input_ids=shown, attention_mask=mask, labels=labels).loss
                + 50 * both[0](input_ids=judged, attention_mask=mask, labels=(judged != text).long()).loss)
    return both, loss


def torch_losses(a):
    """The peer, in a process of its own: prints the losses of the updates in a.replay as JSON."""
    import torch
    torch.set_num_threads(a.torch_threads)
    from transformers import get_linear_schedule_with_warmup
    from transformers.trainer_pt_utils import get_parameter_names
    updates = read_jsonl(a.replay)
    model, loss_of = peer_of(a.tokenizer, a.objective)
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
        n, longest = len(update["shown"]), max(map(len, update["shown"]))
        ids = torch.zeros(n, longest, dtype=torch.long)
        judged = torch.zeros(n, longest, dtype=torch.long)
        mask = torch.zeros(n, longest, dtype=torch.long)
        labels = torch.full((n, longest), -100, dtype=torch.long)
        for r, (shown, wanted) in enumerate(zip(update["shown"], update["labels"])):
            ids[r, :len(shown)] = torch.tensor(shown)
            mask[r, :len(shown)] = 1
            labels[r, :len(wanted)] = torch.tensor(wanted)
        for r, instead in enumerate(update.get("judged", [])):
            judged[r, :len(instead)] = torch.tensor(instead)
        rate = schedule.get_last_lr()[0]
        if abs(rate - update["rate"]) > 1e-7 * a.learning_rate:
            sys.exit("update %d: learning rate %.9g, ours %.9g" % (len(losses) + 1, rate, update["rate"]))
        loss = loss_of(ids, labels, judged, mask)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    print(json.dumps(losses))


def run_torch(a, model, replay, threads):
    command = [sys.executable, __file__, model, a.corpus, "--replay", replay, "--torch-threads", str(threads),
               "--learning-rate", str(a.learning_rate), "--objective", a.objective]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True)
    if p.returncode != 0:
        sys.exit("PyTorch failed:\n" + p.stderr)
    return json.loads(p.stdout.splitlines()[-1])


def compare(a):
    with tempfile.TemporaryDirectory() as d:
        model, replay = d + "/model", d + "/replay.jsonl"
        start = multiprocessing.get_context("spawn").Process(target=start_from, args=(a.tokenizer, model, a.deviation,
                                                                                      a.objective))
        start.start()
        start.join()
        if start.exitcode != 0:
            sys.exit("transformers could not make the model to start from")
        with open(replay, "wb") as f:
            p = subprocess.run([a.tool, model, a.corpus, str(a.updates), repr(a.learning_rate), str(a.batch_size),
                                str(a.max_length), str(a.threads), str(a.seed), d + "/tokens", a.objective], stdout=f,
                               stderr=subprocess.PIPE)
        said = p.stderr.decode(errors="replace")
        if p.returncode != 0:
            sys.exit(said)
        if "has no head" in said:
            sys.exit("the head was not read:\n" + said)
        updates = read_jsonl(replay)
        ours = [u["loss"] for u in updates]
        one, two = (run_torch(a, model, replay, threads) for threads in (1, 2))
    tokens = sum(len(s) for u in updates for s in u["shown"])
    asked = sum(label >= 0 for u in updates for s in u["labels"] for label in s)
    if a.curves:
        with open(a.curves, "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"update": i + 1, "ours": x, "torch_1": y, "torch_2": z}) + "\n"
                         for i, (x, y, z) in enumerate(zip(ours, one, two)))
    apart = [abs(x - y) for x, y in zip(ours, one)]
    own = [abs(y - z) for y, z in zip(one, two)]
    bar = max(1e-3, 3 * max(own))
    good = len(ours) == len(one) == len(two) == a.updates and max(apart) <= bar
    print("%d updates, %d of %d tokens guessed, loss %.4f to %.4f (PyTorch %.4f to %.4f): largest difference to PyTorch "
          "%.2e (update %d), between PyTorch's runs on 1 and 2 threads %.2e (update %d); bar %.2e: %s"
          % (a.updates, asked, tokens, ours[0], ours[-1], one[0], one[-1], max(apart), apart.index(max(apart)) + 1,
             max(own), own.index(max(own)) + 1, bar, "holds" if good else "MISSED"))
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("tokenizer")
    p.add_argument("corpus")
    p.add_argument("--objective", choices=["mlm", "rtd"], default="mlm")
    p.add_argument("--tool", default="build/bench/pretrain_losses")
    p.add_argument("--updates", type=int, default=100)
    p.add_argument("--learning-rate", type=float, default=5e-4)
    p.add_argument("--batch-size", type=int, default=32)
    p.add_argument("--max-length", type=int, default=128)
    p.add_argument("--deviation", type=float, default=0.02, help="of the weights that both start from")
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
