#!/usr/bin/env python3
"""Writes tests/tokenizer/golden/bpe*: what Hugging Face's `tokenizers` package makes of byte-level BPE's hard cases.

usage: make_bpe_golden.py        (needs the `tokenizers` package)

bpe/             vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json of a RoBERTa of 330 tokens
bpe_NAME.json    the same tokens in other tokenizers
bpe_cases.jsonl  {"tokenizer", "text", "pair", "parse_special", "no_specials", "max_length", "ids", "offsets", "types"};
                 offsets are bytes
"""
import itertools
import json
import os

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
CORPUS = ["the thing is that they're in the other room, isn't it?", "I've seen 1984 and 2001; we'll see 2010.",
          "caf\u00e9 na\u00efve \u5b57\u5b57 \u6f22\u5b57", "  indented\n\n    more indented\n", "there, where the weather gathers"] * 3
TEXTS = ["", " ", "   ", "\n", "the thing", " the thing", "  the  thing  ", "they're there's I'VE 's'S 'll're'", "''s '' 's", "a\n\nb \n c\t\td ",
         "1984 is2001x", "x\u00b2\u0663\u2160 9", "caf\u00e9 cafe\u0301 \u00e9", "e\u0327\u0301 a\u0323\u0307\u0302 \u0344x \u0958", "\u1112\u1161\u11ab\uac00\u11a8",
         "\u0301 \u0301a", "\u5b57\u5b57\u3000\u6f22", "\u2000\u2003x", "\U0001f600\U0001f468\u200d\U0001f469!?", "a\u00a0b\u0085c\u2028d", "\x00\x01\x7f\u00ad",
         "the <mask> thing", "the   <mask>", "<mask>the<mask> <mask>", "<s>the</s>", "foo  foo\u00e9 foo", "the    thing      in", "therethe" * 12,
         "ab" * 200, "\u5b57" * 40, " " * 70, "thing " * 30, "\U00011935\U00011930", "!!\u20ac... (x)", "\u0130\u0131\u1e9e"]
PAIRS = [("the thing", "there"), ("the <mask>", " the  "), ("", "x"), ("they're in the room", "the other weather \u5b57")]


def model():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIALS, show_progress=False,
                                                      initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    root = json.loads(t.to_str())["model"]
    return root["vocab"], [tuple(m) for m in root["merges"]]


VOCAB, MERGES = model()
MASK = AddedToken("<mask>", lstrip=True, normalized=False, special=True)


def tokenizer(normalizer=None, prefix=False, trim=True, use_regex=True, post="roberta", added=(), **options):
    t = Tokenizer(models.BPE(VOCAB, MERGES, **options))
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.ByteLevel(prefix, trim_offsets=trim, use_regex=use_regex)
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in SPECIALS[:4]] + [MASK])
    t.add_tokens(list(added))
    template = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1",
                                             special_tokens=[(s, VOCAB[s]) for s in ("<s>", "</s>")])
    t.post_processor = {"roberta": processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim, prefix), "template": template,
                        "sequence": processors.Sequence([processors.ByteLevel(trim_offsets=True), template]),
                        "level": processors.ByteLevel(trim_offsets=trim)}[post]
    return Tokenizer.from_str(t.to_str())


TOKENIZERS = {
    "bpe": tokenizer(),
    "bpe_modern": tokenizer(normalizers.NFC(), post="template",
                            added=[AddedToken(" " * n, normalized=True) for n in range(6, 1, -1)]),
    "bpe_prefix": tokenizer(normalizers.Sequence([normalizers.NFC()]), prefix=True, added=[
        AddedToken("foo", rstrip=True, lstrip=True), AddedToken("caf\u00e9", normalized=True, single_word=True)]),
    "bpe_whole": tokenizer(use_regex=False, post="sequence", ignore_merges=True),
    "bpe_plain": tokenizer(trim=False, post="level"),
}


def offsets_in_bytes(text, pair, e):
    for sequence, (begin, end) in zip(e.sequence_ids, e.offsets):
        s = pair if sequence == 1 else text
        yield [begin, end] if sequence is None else [len(s[:begin].encode()), len(s[:end].encode())]


def main():
    folder = os.path.join(GOLDEN, "bpe")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "vocab.json"), "w") as file:
        json.dump(VOCAB, file, separators=(",", ":"))
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in MERGES))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": "RobertaTokenizer", "model_max_length": 512}, file)
    with open(os.path.join(folder, "special_tokens_map.json"), "w") as file:
        json.dump({"mask_token": {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}}, file)
    with open(os.path.join(GOLDEN, "bpe_cases.jsonl"), "w") as out:
        for name, t in TOKENIZERS.items():
            if name != "bpe":
                root = json.loads(t.to_str())
                if name == "bpe_prefix":  # the older way
                    root["model"]["merges"] = [" ".join(m) for m in root["model"]["merges"]]
                with open(os.path.join(GOLDEN, name + ".json"), "w") as file:
                    json.dump(root, file, separators=(",", ":"))
            cases = [(text, None, special, False, 0) for text, special in itertools.product(TEXTS, (False, True))]
            cases += [(a, b, True, bare, most) for (a, b), bare, most in itertools.product(PAIRS, (False, True), (0, 5, 9))]
            for text, pair, special, bare, most in cases:
                t.encode_special_tokens = not special
                t.enable_truncation(most) if most else t.no_truncation()
                e = t.encode(text, pair, add_special_tokens=not bare)
                json.dump({"tokenizer": name, "text": text, "pair": pair, "parse_special": special, "no_specials": bare,
                           "max_length": most, "ids": e.ids, "offsets": list(offsets_in_bytes(text, pair, e)), "types": e.type_ids},
                          out, separators=(",", ":"))
                out.write("\n")


if __name__ == "__main__":
    main()
