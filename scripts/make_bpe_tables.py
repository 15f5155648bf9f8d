#!/usr/bin/env python3
"""Writes src/tokenizer/bpe_unicode.c: what byte-level BPE has to know about each code point.

usage: make_bpe_tables.py > src/tokenizer/bpe_unicode.c

Needs the `tokenizers` package, whose regular expressions are Oniguruma's and whose NFC is
unicode-normalization-alignments' (Unicode 9); both are older than utf8proc, which grows with each release, so the
table is complete and taken from the package itself, code point by code point. The bits are enum ink__bpe_class of
bpe_unicode.h.
"""
import sys

import tokenizers
from tokenizers import normalizers, pre_tokenizers

LETTER, NUMBER, SPACE, UNSTABLE = 1, 2, 4, 8
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def main():
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    classes, continuing = {}, set()
    for c in CODE_POINTS:
        ch = chr(c)
        if len(split("a" + ch + "a")) == 1:
            bits = LETTER
        elif len(split("1" + ch + "1")) == 1:
            bits = NUMBER
        elif len(split("?" + ch + "?")) == 1:
            bits = 0
        else:
            bits = SPACE
            # Two spaces before a letter: the first stands alone, the second too unless it is ' '.
            assert len(split(ch + ch + "a")) == (2 if ch == " " else 3), f"U+{c:04X} is of no known class"
        # A mark changes places with U+0334 (class 1) or with U+0591 (class 220).
        if nfc(ch) != ch or nfd(ch + "\u0334") != nfd(ch) + "\u0334" or nfd("\u0591" + ch) != "\u0591" + nfd(ch):
            bits |= UNSTABLE
        continuing.update(nfd(ch)[1:])
        classes[c] = bits
    for ch in continuing:
        classes[ord(ch)] |= UNSTABLE

    runs, last = [], None
    for c in range(0x110000):
        bits = classes.get(c, 0)
        if bits != last:
            runs.append(f"0x{c:04X}{bits:02X},")
            last = bits
    out = sys.stdout.write
    out(f"/* Made by scripts/make_bpe_tables.py from tokenizers {tokenizers.__version__}. Do not edit: see there, and\n"
        " * bpe_unicode.h. */\n"
        '#include "tokenizer/bpe_unicode.h"\n\n/* clang-format off */\n'
        "const uint32_t ink__bpe_runs[] = {\n")
    for i in range(0, len(runs), 9):
        out("    " + " ".join(runs[i:i + 9]) + "\n")
    out("};\nconst size_t ink__bpe_runs_len = sizeof ink__bpe_runs / sizeof *ink__bpe_runs;\n")


if __name__ == "__main__":
    main()
