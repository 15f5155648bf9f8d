#!/usr/bin/env python3
"""Writes tests/tokenizer/golden/: what Hugging Face's `tokenizers` package makes of small hard cases.

usage: make_tokenizer_golden.py        (needs the `tokenizers` package)

NAME.json        tokenizers of a few hundred tokens
cases.jsonl      {"tokenizer", "text", "pair", "parse_special", "no_specials", "max_length", "ids", "offsets", "types"};
                 offsets are bytes. Texts are strings; ill-formed UTF-8 is tested elsewhere.
truncation.txt   lines of "A B MOST KEPT_A KEPT_B": a pair of A and B tokens cut to MOST, specials not counted
code_points.txt  for each 4096 code points one hash over what the package knows of them: see code_point_hashes
"""
import itertools
import json
import os

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the of and to in is it that was for on un ##want ##ed ##wanted runn ##ing ##ning hello world cafe ##s ##ly re
##al ##ity token ##ize ##r ##iz ##er foo bar ##bar 1 19 ##84 10 ##0 ! , . ? - ' ( ) [ ] $ \u20ac \u5b57 \u6f22 \u6587 \u3042 \u304b
\u3055 ##\u3089 \u03bf ##\u03b4 ##\u03bf ##\u03c3 \u0438 ##\u0438 \u1112 ##\u1161 ##\u11ab \ud55c ##\uae00 \u00e9 e ##e \u0301 ##\u0301 Hello
World ##\u302e \u302e \U0001d157 ##\U0001d165 \U0001d165 ##\u0307 \U0001f600 mask ##\u00e9 cls sep s ##\u00df stra ##ss ; `""".split()
LETTERS = [p + c for p in ("", "##") for c in "abcdfghijklmnopqrstuvwxyz0123456789"]

TEXTS = ["", " ", "\t\n", "Hello, world!", "UNwant\u00e9d running", "unwanted, realityx", "the \u6f22\u5b57 and \u304b\u3099\u3042",
         "\u1112\u1161\u11ab\ud55c\uae00", "caf\u00e9 cafe\u0301 CAF\u00c9s", "10\u20ac 10$ 1984", "\u039f\u0394\u039f\u03a3 \u0130i \u00df STRASSE",
         "e\u302e\u0334x", "\U0001d15e\U0001d15f\u0334", "\u302e\U0001d165\u0301 a", "a\u00adb\u200dc\u200bd\ufeff", "a\u000bb\u0085c\u000cd",
         "a\u00a0b\u3000c\u2028d", "\x00a\x00", "\ufffd x \ufffd", "\ue000a\U000f0000", "\U0001f600\U0001f44d\U0001f3fd e\ufe0f", "a" * 100, "a" * 101,
         "e\u0301" * 60, "foo bar foobar foo", "[MASK] [CLS]the[SEP] [mask] [MASK][MASK]", "  [MASK]  the  Foo  foo\t", "xfoo foox [foo] foo",
         "Caf\u00e9 CAFE caf\u00e9s", "\u037e \u1fef \u2126 \u212b \u2329", "\u0f73\u0f75\u0f81 \u0344", "tokenizers tokenized tokenizer",
         "\u0915\u094d\u0937 \u0627\u0644\u0639\u064e", "\U0002f800\ufa0e \U0002b820 \U0002b920", "it's - (un)wanted...", "\u0378\U000e0100\u180e\u180f"]


def vocabulary():
    words = dict.fromkeys(SPECIALS + WORDS + LETTERS + [w.upper() for w in "the hello".split()])
    return {w: i for i, w in enumerate(words)}


def tokenizer(normalizer, prefix="##", max_chars=100, added=(), bert_processing=False):
    vocab = vocabulary()
    if prefix != "##":
        vocab = {w: i for i, w in enumerate(dict.fromkeys(prefix + w[2:] if w.startswith("##") else w for w in vocab))}
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", continuing_subword_prefix=prefix,
                                   max_input_chars_per_word=max_chars))
    if normalizer is not None:
        t.normalizer = normalizers.BertNormalizer(*normalizer)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = ("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])
    t.post_processor = processors.BertProcessing(sep, cls) if bert_processing else processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep])
    t.add_special_tokens(SPECIALS)
    t.add_tokens(list(added))
    return Tokenizer.from_str(t.to_str())  # as any reader of the file will have it


TOKENIZERS = {
    "uncased": tokenizer((True, True, None, True)),
    "cased": tokenizer((True, True, None, False)),
    "strip": tokenizer((True, False, True, False), bert_processing=True),
    "accents": tokenizer((False, True, False, True)),
    "bare": tokenizer(None, prefix="", max_chars=5),
    "added": tokenizer((True, True, None, True), added=[
        AddedToken("foo", single_word=True, lstrip=True), AddedToken("CAF\u00c9", rstrip=True), AddedToken("bar", normalized=False),
        AddedToken("[MASK]", lstrip=True, rstrip=True, special=True), AddedToken("\u5b57", normalized=True, lstrip=True)]),
}


def byte_offsets(text):
    return list(itertools.accumulate((len(c.encode()) for c in text), initial=0))


def case(name, text, pair=None, parse_special=False, no_specials=False, max_length=0):
    t = TOKENIZERS[name]
    t.encode_special_tokens = not parse_special
    t.enable_truncation(max_length) if max_length else t.no_truncation()
    e = t.encode(text, pair, add_special_tokens=not no_specials)
    at = [byte_offsets(text), byte_offsets(pair or "")]
    offsets = [[0, 0] if s is None else [at[s][b], at[s][end]] for s, (b, end) in zip(e.sequence_ids, e.offsets)]
    return dict(tokenizer=name, text=text, pair=pair, parse_special=parse_special, no_specials=no_specials,
                max_length=max_length, ids=e.ids, offsets=offsets, types=e.type_ids)


def cases():
    for name in TOKENIZERS:
        for text in TEXTS:
            yield case(name, text)
            if any(s in text for s in ("[", "oo", "af")):
                yield case(name, text, parse_special=True)
        yield case(name, "Hello, world!", no_specials=True)
        for length in range(3, 14):
            yield case(name, "the unwanted caf\u00e9, it's", "hello \u6f22\u5b57 world [MASK]", max_length=length, parse_special=length % 2 == 1)
        for length in (2, 3, 5, 9):
            yield case(name, "the unwanted caf\u00e9, it's", max_length=length)


def truncation():
    t = TOKENIZERS["uncased"]
    for a, b, most in itertools.product(range(8), range(8), range(1, 16)):
        t.enable_truncation(most)
        kept = t.encode("a " * a, "b " * b, add_special_tokens=False).sequence_ids
        yield f"{a} {b} {most} {kept.count(0)} {kept.count(1)}\n"


def code_point_hashes():
    """FNV-1a, 64 bits, over these bytes of each code point that is no surrogate: class bits (enum ink__class in
    src/tokenizer/unicode.h), then the code points of its NFD, of its lower case and 1 or 0 for \\w, each number as
    four bytes, little end first, behind its count for the two lists."""
    off = (False, False, False, False)

    def bert(i):
        return normalizers.BertNormalizer(*off[:i], True, *off[i + 1:]).normalize_str

    clean, cjk, strip, lower = (bert(i) for i in range(4))
    nfd = normalizers.NFD().normalize_str
    split, words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str, pre_tokenizers.Whitespace().pre_tokenize_str
    for block in range(0, 0x110000, 4096):
        h = 0xCBF29CE484222325
        for c in range(block, block + 4096):
            if 0xD800 <= c <= 0xDFFF:
                continue
            ch = chr(c)
            pieces = len(split(f"a{ch}b"))
            bits = (clean(f"a{ch}b") == "ab") + 2 * (pieces == 2) + 4 * (cjk(ch) != ch) + 16 * (pieces == 3)
            if nfd(ch) != ch:
                bits += 32
            else:
                bits += 8 * (strip("a" + ch) == "a")
                bits += 64 * (nfd(ch + "\u0334") != ch + "\u0334" or nfd("\u0591" + ch) != "\u0591" + ch)
            bits += 128 * (lower(ch) != ch)
            numbers = [bits, len(nfd(ch)), *map(ord, nfd(ch)), len(lower(ch)), *map(ord, lower(ch)), len(words(f"a{ch}b")) == 1]
            for byte in b"".join(int(n).to_bytes(4, "little") for n in numbers):
                h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        yield f"{h:016x}\n"


def main():
    os.makedirs(GOLDEN, exist_ok=True)
    for name, t in TOKENIZERS.items():
        with open(os.path.join(GOLDEN, name + ".json"), "w", encoding="utf-8") as f:
            f.write(t.to_str(pretty=False) + "\n")
    with open(os.path.join(GOLDEN, "cases.jsonl"), "w", encoding="utf-8") as f:
        for c in cases():
            f.write(json.dumps(c, separators=(",", ":")) + "\n")
    with open(os.path.join(GOLDEN, "truncation.txt"), "w") as f:
        f.writelines(truncation())
    with open(os.path.join(GOLDEN, "code_points.txt"), "w") as f:
        f.writelines(code_point_hashes())


if __name__ == "__main__":
    main()
