#!/usr/bin/env python3
"""Compares Inkling's byte-level BPE with Hugging Face's `tokenizers` and `transformers`: ids, byte offsets, types.

usage: bpe_equal.py --dump PATH [--data DIR] [--train MB] [--code-points] [--campaign N] [--seed N] [--files]

  --dump PATH      the program made from bench/tokenizer_dump.c
  --data DIR       trains vocabularies of 8,000 and 32,000 tokens on DIR/corpora (English, English with Chinese), puts
                   them in RoBERTa's and ModernBERT's forms, and compares every text of DIR with each of them, single,
                   in pairs and cut
  --train MB       megabytes to train on (default 8)
  --code-points    compares every code point in every context that the words' expression tells apart, and under NFC
  --campaign N     compares N random hostile texts for each of 48 option sets (and pairs, cut to many lengths)
  --files          compares directories with vocab.json and merges.txt with what transformers' RobertaTokenizer makes
                   of them

Needs the `tokenizers` package (and `transformers` for --files and --data, `zstd` for --data), and tokenizer_equal.py
beside it. Prints a line a comparison and exits 1 if anything differed.
"""
import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

import tokenizer_equal as equal
from tokenizer_equal import CODE_POINTS, Record, compare, saved, texts_of
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

ROBERTA = ["<s>", "<pad>", "</s>", "<unk>"]
BERT = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]


def roberta_form(model, trim=True, prefix=False):
    """As RoBERTa's tokenizer.json: `model` holds its special tokens, <mask> the last of them."""
    t = Tokenizer(model)
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, trim_offsets=trim)
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in ROBERTA]
                         + [AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", t.token_to_id("</s>")), ("<s>", t.token_to_id("<s>")),
                                                    trim_offsets=trim, add_prefix_space=prefix)
    return t


def modern_form(model):
    """As ModernBERT's: NFC, runs of spaces as added tokens, special tokens after the model's own."""
    t = Tokenizer(model)
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True)
    t.add_tokens([AddedToken("|||IP_ADDRESS|||", normalized=True)])
    t.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    t.add_tokens([AddedToken(s, normalized=True) for s in ("|||EMAIL_ADDRESS|||", "|||PHONE_NUMBER|||")])
    t.add_special_tokens([AddedToken(s, normalized=False, lstrip=s == "[MASK]", special=True)
                          for s in ["<|endoftext|>"] + BERT])
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(s, t.token_to_id(s)) for s in ("[CLS]", "[SEP]")])
    return t


def with_strings(path):
    """Writes the merges the older way, "a b"."""
    with open(path) as file:
        root = json.load(file)
    root["model"]["merges"] = [" ".join(m) for m in root["model"]["merges"]]
    with open(path, "w") as file:
        json.dump(root, file)


# --- Vocabularies trained on real text -----------------------------------------------------------------------

def corpus(data, names, megabytes):
    for name in names:
        path = os.path.join(data, "corpora", f"{name}.train.txt.zst")
        reader = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
        yield reader.stdout.read((megabytes << 20) // len(names)).decode("utf-8", "ignore")
        reader.stdout.close()
        reader.wait()


def train(data, names, size, specials, megabytes):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator((line for text in corpus(data, names, megabytes) for line in text.splitlines(True)),
                          trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False,
                                              initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return t.model


def data_sets(args, work):
    from transformers import AutoTokenizer
    texts = texts_of(args.data)
    print(f"{len(texts)} different texts, {sum(len(t.encode()) for t in texts)} bytes", flush=True)
    rng = random.Random(args.seed)
    pairs = [Record(a, b, rng.random() < 0.5, False, rng.choice([0, 8, 17, 64, 128]))
             for a, b in zip(rng.sample(texts, min(4000, len(texts))), rng.sample(texts, min(4000, len(texts))))]
    cut = [Record(t, None, False, rng.random() < 0.3, rng.choice([4, 16, 128])) for t in rng.sample(texts, min(4000, len(texts)))]
    english = ["books_en", "gov_blog_en", "wiki_en"]
    for names, size in itertools.product((english, english + ["wiki_zh"]), (8000, 32000)):
        kind = f"{'mixed' if 'wiki_zh' in names else 'english'}-{size}"
        for form, specials in (("roberta", ROBERTA + ["<mask>"]), ("modernbert", [])):
            t = (roberta_form if specials else modern_form)(train(args.data, names, size, specials, args.train))
            directory = saved(t, os.path.join(work, f"{form}-{kind}"))
            if size == 8000:
                with_strings(os.path.join(directory, "tokenizer.json"))
            compare(args, f"{form} {kind}", t, directory, [Record(text) for text in texts])
            compare(args, f"{form} {kind}, pairs and cuts", t, directory, pairs + cut)
            with open(os.path.join(directory, "tokenizer_config.json"), "w") as file:
                json.dump({"tokenizer_class": "RobertaTokenizerFast" if specials else "PreTrainedTokenizerFast"}, file)
            fast = AutoTokenizer.from_pretrained(directory)
            some = rng.sample(texts, min(5000, len(texts)))
            differing = 0
            for text, g in zip(some, equal.ours(args, directory, [Record(s, parse_special=True) for s in some])):
                w = fast(text, return_offsets_mapping=True)
                starts = equal.as_string(text)[1]
                offsets = [[b, e] if starts is None else [starts[b], starts[e]] for b, e in w["offset_mapping"]]
                differing += w["input_ids"] != g["ids"] or offsets != g["offsets"]
            equal.failures += differing
            print(f"{form} {kind}, transformers' {type(fast).__name__}: {len(some)} texts, {differing} differ", flush=True)


# --- Every code point ----------------------------------------------------------------------------------------

def bytes_only(merges=()):
    """A model of the 256 bytes and these merges."""
    vocab = {s: i for i, s in enumerate(ROBERTA + ["<mask>"])}
    for c in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocab[c] = len(vocab)
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    return models.BPE(vocab, list(merges))


def code_points(args, work):
    # Merges across every border there could be between words show where the words end.
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    word = lambda text: pre_tokenizers.ByteLevel(False, use_regex=False).pre_tokenize_str(text)[0][0]  # noqa: E731
    merges = [(word(a), m) for a in "a1? '" for m in sorted(alphabet)]
    merges += [(m, word(b)) for m in sorted(alphabet) for b in "a1?sr"]
    merges = list(dict.fromkeys(merges))
    t = roberta_form(bytes_only(merges))
    m = modern_form(bytes_only(merges))
    contexts = ["a{}a", "1{}1", "?{}?", " {}a", "a {}", "{} a", "{}{}a", "a{}{}", "'{}", "'s{}", "{}'s", "{}", "e\u0301{}\u0327x",
                "a{}\u0316{}", "\u1100{}\u11a8", "\u0915{}\u0301"]
    for name, tokenizer in (("roberta", t), ("modernbert", m)):
        directory = saved(tokenizer, os.path.join(work, "code_points_" + name))
        for context in contexts:
            texts = [context.format(c, c) for c in CODE_POINTS]
            compare(args, f"{name}, every code point as {context!a}", tokenizer, directory,
                    [Record("\n?\n".join(texts[i:i + 64])) for i in range(0, len(texts), 64)])


# --- Random texts --------------------------------------------------------------------------------------------

ADDED = ["<mask>", "[MASK]", "foo", " x", "y ", "  ", "   ", " ", "\n", "\u00e9", "e\u0301", "\u00e9t\u00e9", "E\u0301", "\u5b57", "a", "ab",
         "'s", "\u3000", "\u2000", "\u0120a", "1", "\u1100\u1161", "\uac00", "\u0301", "!!", "|||IP_ADDRESS|||"]
PIECES = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'r", "'l", " ", "  ", "    ", "\n", "\n\n", "\r\n", "\t", " \n", "\u00a0", "\u3000",
          "\u2000", "\u2028", "\u200b", "\u0301", "\u0327", "\u0344", "\u0f73", "12", "\u00b2", "\u0663", "\u2160", "!", "...", "\u20ac", "the", " of", "ing", "\u5b57",
          "\U0001f600", "\U0001f468\u200d\U0001f469", "\ufffd", "\x00", "\x85", "\u1161", "\u11a8"]


def campaign(args, work):
    rng = random.Random(args.seed)
    nfc = normalizers.NFC().normalize_str
    for number in range(48):
        pool = equal.alphabet(rng) + PIECES * 4
        sample = "".join(rng.choice(pool) for _ in range(4000)) * 2 + "the of ing foo 's 're " * 20
        trainer = trainers.BpeTrainer(vocab_size=rng.choice([300, 600, 2000]), special_tokens=ROBERTA + ["<mask>", "[CLS]", "[SEP]"],
                                      show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
        t = Tokenizer(models.BPE())
        use_regex = rng.random() < 0.85
        t.pre_tokenizer = pre_tokenizers.ByteLevel(False, use_regex=use_regex)
        t.train_from_iterator([sample[i:i + 200] for i in range(0, len(sample), 200)], trainer)
        root = json.loads(t.to_str())["model"]
        merges = [tuple(m) for m in root["merges"]]
        if rng.random() < 0.3:
            rng.shuffle(merges)  # tokens that their own merges no longer reach
        unk = rng.choice([None, None, "<unk>"])
        vocab = root["vocab"]
        if unk and rng.random() < 0.7:  # bytes without a token
            gone = set(rng.sample(sorted(pre_tokenizers.ByteLevel.alphabet()), 40))
            kept = [s for s in sorted(vocab, key=vocab.get) if s not in gone]
            vocab = {s: i for i, s in enumerate(kept)}
            merges = [m for m in merges if m[0] in vocab and m[1] in vocab]
        ignore, fuse = rng.random() < 0.3, rng.random() < 0.5
        model = models.BPE(vocab, merges, unk_token=unk, fuse_unk=fuse, ignore_merges=ignore)
        t = Tokenizer(model)
        composed = rng.random() < 0.6
        if composed:
            t.normalizer = rng.choice([normalizers.NFC(), normalizers.Sequence([normalizers.NFC()])])
        prefix, trim = rng.random() < 0.4, rng.random() < 0.6
        t.pre_tokenizer = pre_tokenizers.ByteLevel(prefix, trim_offsets=trim, use_regex=use_regex)
        template = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                 special_tokens=[(s, vocab[s]) for s in ("[CLS]", "[SEP]")])
        level = processors.ByteLevel(trim_offsets=trim, add_prefix_space=rng.random() < 0.5)
        kind = rng.randrange(4)
        t.post_processor = [template, level, processors.Sequence([level, template]), processors.RobertaProcessing(
            ("</s>", vocab["</s>"]), ("<s>", vocab["<s>"]), trim_offsets=trim, add_prefix_space=prefix)][kind]
        seen, added = set(), []
        for content in rng.sample(ADDED, rng.randrange(0, 7)):
            flag = lambda p: rng.random() < p  # noqa: E731
            a = AddedToken(content, single_word=flag(0.3), lstrip=flag(0.4), rstrip=flag(0.3), normalized=flag(0.5), special=flag(0.3))
            key = nfc(content) if a.normalized and composed else content
            # The package leaves it to chance which of two tokens with the same normalised text it finds.
            if key not in seen:
                seen.add(key)
                added.append(a)
        t.add_tokens(added)
        directory = saved(t, os.path.join(work, f"campaign{number}"))
        if rng.random() < 0.3:
            with_strings(os.path.join(directory, "tokenizer.json"))

        def text():
            parts = []
            for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 20, 60, 400])):
                r = rng.random()
                if r < 0.35:
                    parts.append(rng.choice(pool))
                elif r < 0.6:
                    parts.append(rng.choice(PIECES))
                elif r < 0.8:
                    parts.append(rng.choice("abcde fgh ABC12 "))
                elif r < 0.9:
                    parts.append(rng.choice(ADDED))
                elif r < 0.93:
                    parts.append(rng.choice("ab \u0301\u5b57") * rng.randrange(1, 120))
                else:
                    parts.append(" " * rng.randrange(30))
            s = "".join(parts)
            if rng.random() < 0.02:
                s = s * 60
            if rng.random() < 0.15:
                raw = bytearray(s.encode())
                for _ in range(rng.randrange(1, 4)):
                    at = rng.randrange(len(raw) + 1)
                    raw[at:at + rng.randrange(2)] = rng.choice([b"\x80", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe4\xbd", b"\xf0\x9f\x98", b""])
                return bytes(raw)
            return s

        records = []
        for _ in range(args.campaign):
            pair = text() if rng.random() < 0.3 else None
            records.append(Record(text(), pair, rng.random() < 0.5, rng.random() < 0.2,
                                  rng.choice([0, 0, 0, rng.randrange(5, 21), rng.randrange(21, 200)])))
        flags = ",".join(f"{a.content!a}:" + "".join(n for n, on in zip("wlrns", (a.single_word, a.lstrip, a.rstrip, a.normalized, a.special)) if on)
                         for a in added)
        compare(args, f"campaign {number} nfc={composed} prefix={prefix} trim={trim} regex={use_regex} post={kind} unk={unk} "
                f"fuse={fuse} ignore={ignore} [{flags}]", t, directory, records)


# --- vocab.json and merges.txt -------------------------------------------------------------------------------

def files(args, work):
    from transformers import AutoTokenizer
    flags = lambda **on: {**dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True), **on}  # noqa: E731
    mask = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
    merges = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("i", "n"), ("in", "g"), ("\u0120", "a"), ("\u00c3", "\u00a9")]
    model = json.loads(Tokenizer(bytes_only(merges)).to_str())["model"]
    n = len(model["vocab"])
    configs = [None, {}, {"add_prefix_space": True}, {"trim_offsets": False}, {"model_max_length": 512, "tokenizer_class": "RobertaTokenizer"},
               {"mask_token": {"__type": "AddedToken", **mask}}, {"map": {"mask_token": mask}}, {"unk_token": "the"},
               {"added_tokens_decoder": {"4": {"content": "<mask>", **flags(lstrip=True)}, str(n): {"content": "<y>", **flags(special=False, normalized=True)}}},
               {"additional_special_tokens": ["<x>", "</s>"]}, {"bos_token": "<y>", "cls_token": "<y>"}, {"map": {"unk_token": "<x>"}, "added": {"<x>": n}}]
    sentences = ["the thing <mask> the ing<mask>  caf\u00e9 <y> <x>", " the", "", "<s>the</s> <y>in", "  a\n\n the  "]
    for number, config in enumerate(configs):
        directory = os.path.join(work, f"files_{number}")
        os.makedirs(directory)
        with open(os.path.join(directory, "vocab.json"), "w") as file:
            json.dump(model["vocab"], file)
        with open(os.path.join(directory, "merges.txt"), "w") as file:
            file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
        with open(os.path.join(directory, "config.json"), "w") as file:
            json.dump({"model_type": "roberta"}, file)
        config = None if config is None else dict(config)
        for key, name in (("map", "special_tokens_map.json"), ("added", "added_tokens.json")):
            if config and key in config:
                with open(os.path.join(directory, name), "w") as out:
                    json.dump(config.pop(key), out)
        if config is not None:
            with open(os.path.join(directory, "tokenizer_config.json"), "w") as out:
                json.dump(config, out)
        t = AutoTokenizer.from_pretrained(directory)._tokenizer
        compare(args, f"vocab.json and merges.txt, {config}", t, directory,
                [Record(s, p, special) for s in sentences for p in (None, "the <y>") for special in (False, True)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True)
    parser.add_argument("--data")
    parser.add_argument("--train", type=int, default=8)
    parser.add_argument("--code-points", action="store_true")
    parser.add_argument("--campaign", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", action="store_true")
    args = parser.parse_args()
    args.inkling = None
    with tempfile.TemporaryDirectory() as work:
        if args.files:
            files(args, work)
        if args.campaign:
            campaign(args, work)
        if args.code_points:
            code_points(args, work)
        if args.data:
            data_sets(args, work)
    print("all equal" if not equal.failures else f"{equal.failures} texts differ")
    return 1 if equal.failures else 0


if __name__ == "__main__":
    sys.exit(main())
