#!/usr/bin/env python3
"""Writes src/tokenizer/unicode_tables.c: what Hugging Face's `tokenizers` package knows about each code point.

usage: make_unicode_tables.py > src/tokenizer/unicode_tables.c

Needs the `tokenizers` package and utf8proc's shared library. The package reads characters through three
sources of different age (unicode_categories 0.1, Unicode 8; unicode-normalization-alignments 0.1.12, Unicode 9;
Rust's own, newest), so its answers are taken from the package itself, code point by code point:

classes   complete, because the old tables never change while utf8proc's grow with each release. The bits are
          enum ink__class of unicode.h.
lower     where Rust's lower case differs from utf8proc's.
word      what the package's regex crate counts as \\w and utf8proc's categories do not.

Decompositions and combining classes are utf8proc's own: a code point's never change once it is assigned, so it
is enough to know which code points the package has them for; this script checks that they agree there.
"""
import ctypes
import ctypes.util
import sys

import tokenizers
from tokenizers import normalizers, pre_tokenizers

CONTROL, SPACE, CJK, MARK, PUNCT, DECOMPOSES, REORDERS = 1, 2, 4, 8, 16, 32, 64
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
CATEGORIES = "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co".split()


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on}).normalize_str


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


utf8proc = ctypes.CDLL(ctypes.util.find_library("utf8proc") or "libutf8proc.so.2")
utf8proc.utf8proc_get_property.restype = ctypes.POINTER(Property)
utf8proc.utf8proc_unicode_version.restype = ctypes.c_char_p


def decompose(c):
    out, boundary = (ctypes.c_int32 * 8)(), ctypes.c_int(0)
    n = utf8proc.utf8proc_decompose_char(c, out, 8, 1 << 4, ctypes.byref(boundary))
    return "".join(map(chr, out[:n]))


def combining_class(c):
    return utf8proc.utf8proc_get_property(c)[0].combining_class


def ranges(code_points):
    out = []
    for c in code_points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def main():
    clean, cjk, strip, lower = (bert(clean_text=True), bert(handle_chinese_chars=True), bert(strip_accents=True),
                                bert(lowercase=True))
    nfd = normalizers.NFD().normalize_str
    split, words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str, pre_tokenizers.Whitespace().pre_tokenize_str
    classes, lowers, word = {}, [], []
    for c in CODE_POINTS:
        ch, bits = chr(c), 0
        pieces = len(split("a" + ch + "b"))
        if clean("a" + ch + "b") == "ab":
            bits |= CONTROL
        if pieces == 2:
            bits |= SPACE
        if pieces == 3:
            bits |= PUNCT
        if cjk(ch) != ch:
            bits |= CJK
        if nfd(ch) != ch:
            bits |= DECOMPOSES
            assert nfd(ch) == decompose(c), f"U+{c:04X} decomposes otherwise in utf8proc"
            tail = [combining_class(ord(d)) for d in nfd(ch)]
            assert 0 not in tail[[*map(bool, tail), True].index(True):], f"U+{c:04X}: a starter after a mark"
        elif strip("a" + ch) == "a":
            bits |= MARK
        # U+0334 has class 1 and U+0591 class 220: one of the two changes places with any other class.
        if not bits & DECOMPOSES and (nfd(ch + "\u0334") != ch + "\u0334" or nfd("\u0591" + ch) != "\u0591" + ch):
            bits |= REORDERS
            ours = combining_class(c)
            for probe, theirs in (("\u0334", 1), ("\u05B0", 10), ("\u0327", 202), ("\u0591", 220), ("\u0301", 230)):
                assert (nfd(ch + probe) != ch + probe) == (theirs < ours), f"U+{c:04X}: class {ours} in utf8proc"
        classes[c] = bits
        mapped = lower(ch)
        if mapped != chr(utf8proc.utf8proc_tolower(c)):
            if len(mapped) == 1:
                lowers.append((c, ord(mapped) - c))
            else:
                assert (c, mapped) == (0x130, "i\u0307"), f"U+{c:04X} becomes {mapped!r}"
        if (len(words("a" + ch + "b")) == 1) != (CATEGORIES[utf8proc.utf8proc_category(c)] in
                                                 "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl Pc".split()):
            word.append(c)
            assert len(words("a" + ch + "b")) == 1, f"U+{c:04X} is no word character in the package"

    runs, last = [], None
    for c in range(0x110000):
        bits = classes.get(c, 0)
        if bits != last:
            runs.append(f"0x{c:04X}{bits:02X},")
            last = bits
    deltas = []
    for c, delta in lowers:
        if deltas and deltas[-1][1] == c - 1 and deltas[-1][2] == delta:
            deltas[-1][1] = c
        else:
            deltas.append([c, c, delta])

    out = sys.stdout.write
    out(f"/* Made by scripts/make_unicode_tables.py from tokenizers {tokenizers.__version__} and utf8proc's Unicode "
        f"{utf8proc.utf8proc_unicode_version().decode()}.\n"
        " * Do not edit: see there for what each table means, and unicode.h for its use. */\n"
        '#include "tokenizer/unicode.h"\n\n/* clang-format off */\n')

    def table(declaration, items, per_line):
        out(f"const {declaration} = {{\n")
        for i in range(0, len(items), per_line):
            out("    " + " ".join(items[i:i + per_line]) + "\n")
        out("};\n")

    table("uint32_t ink__class_runs[]", runs, 10)
    out("const size_t ink__class_runs_len = sizeof ink__class_runs / sizeof *ink__class_runs;\n\n")
    table("ink__case_run ink__case_runs[]", [f"{{0x{a:04X}, 0x{b:04X}, {d}}}," for a, b, d in deltas], 4)
    out("const size_t ink__case_runs_len = sizeof ink__case_runs / sizeof *ink__case_runs;\n\n")
    table("ink__word_run ink__word_runs[]", [f"{{0x{a:04X}, 0x{b:04X}}}," for a, b in ranges(word)], 4)
    out("const size_t ink__word_runs_len = sizeof ink__word_runs / sizeof *ink__word_runs;\n")


if __name__ == "__main__":
    main()
