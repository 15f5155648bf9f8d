#!/usr/bin/env python3
"""Prints the tables of src/tokenizer/marks.c: where the tokenizers package (its StripAccents and NFKD) and the
utf8proc of this machine answer differently. Needs: pip install tokenizers==0.23.3, libutf8proc.so.2."""
import ctypes
import tokenizers.normalizers as normalizers

utf8proc = ctypes.CDLL("libutf8proc.so.2")
MARKS = (6, 7, 8)  # UTF8PROC_CATEGORY_MN, MC, ME
DECOMPOSE_COMPAT = 1 << 4 | 1 << 2


def decomposed(cp):
    parts, boundary = (ctypes.c_int32 * 64)(), ctypes.c_int(0)
    n = utf8proc.utf8proc_decompose_char(cp, parts, 64, DECOMPOSE_COMPAT, ctypes.byref(boundary))
    return "".join(map(chr, parts[:n]))


def print_runs(name, cps):
    runs = []
    for cp in cps:
        if runs and runs[-1][1] == cp - 1:
            runs[-1][1] = cp
        else:
            runs.append([cp, cp])
    print(name, ", ".join("{0x%X, 0x%X}" % tuple(run) for run in runs))


nfkd, strip = normalizers.NFKD(), normalizers.StripAccents()
scalars = [cp for cp in range(0x110000) if not 0xD800 <= cp < 0xE000]
print_runs("changed_marks", [cp for cp in scalars if (utf8proc.utf8proc_category(cp) in MARKS)
                             != (strip.normalize_str("a" + chr(cp)) == "a")])
print_runs("newer_decompositions", [cp for cp in scalars if decomposed(cp) != nfkd.normalize_str(chr(cp))])
