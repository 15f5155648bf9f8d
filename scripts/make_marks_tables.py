#!/usr/bin/env python3
"""Prints the tables of src/tokenizer/marks.c: where the tokenizers package (its StripAccents, its NFKD and the
grapheme clusters of its Precompiled) and the utf8proc of this machine answer differently.
Needs: pip install tokenizers==0.23.3 sentencepiece protobuf, libutf8proc.so.2."""
import ctypes
import io

import sentencepiece
import tokenizers.normalizers as normalizers
from sentencepiece import sentencepiece_model_pb2

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

# Rules that compose "e" and U+0301 if they are a cluster of their own: shorter than six bytes, or taken apart.
made = io.BytesIO()
sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(["a b c"]), model_writer=made, vocab_size=7, minloglevel=2)
proto = sentencepiece_model_pb2.ModelProto.FromString(made.getvalue())
precompiled = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)


def ends(*cps):
    state, end = ctypes.c_int32(0), True
    for before, after in zip(cps, cps[1:]):
        end = utf8proc.utf8proc_grapheme_break_stateful(before, after, ctypes.byref(state)) & 1
    return bool(end)


joining = {cp for cp in scalars[1:] if not precompiled.normalize_str("e\u0301\u0301" + chr(cp)).startswith("\u00e9")}
prepended = {cp for cp in scalars[1:] if not precompiled.normalize_str(chr(cp) + "e\u0301").endswith("\u00e9")}
print_runs("newer_joining", [cp for cp in scalars[1:] if cp in joining and ends(0x65, 0x301, cp)])
print_runs("no longer joining", [cp for cp in scalars[1:] if cp not in joining and not ends(0x65, 0x301, cp)])
print_runs("newer_prepended", [cp for cp in scalars[1:] if cp in prepended and ends(cp, 0x65)])
print_runs("no_longer_prepended", [cp for cp in scalars[1:] if cp not in prepended and not ends(cp, 0x65)])
