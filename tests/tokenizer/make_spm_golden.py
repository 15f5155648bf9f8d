#!/usr/bin/env python3
"""Makes tests/tokenizer/spm/: tiny models trained on the sentences below and what the packages make of the texts, ids,
types and byte offsets. usage: make_spm_golden.py (from anywhere).

NAME.jsonl                   is for the directory NAME and, of the first three, for NAME-json as well
xlmr, camembert, albert      a unigram *.model, and what transformers 5 makes of it
xlmr-json, ...               the tokenizer.json that it writes
xlmr-older, albert-older     the tokenizer.json that transformers 4's converters make
xlmr-files                   with special_tokens_map.json and added_tokens.json
bpe                          a BPE *.model of an XLM-RoBERTa, by its merges; bpe-older, bpe-bytes: as tokenizer.json
unigram-bytes                a tokenizer.json with byte_fallback
bare-NAME                    a *.model and nothing else, and what the sentencepiece package makes of it

Needs: pip install transformers==5.23 sentencepiece protobuf; bench/spm_equal.py."""
import json
import os
import shutil
import sys
import tempfile

import sentencepiece
import transformers
from sentencepiece import sentencepiece_pb2
from tokenizers import Tokenizer, models

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
from spm_equal import older_form, proto_of  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spm")
SENTENCES = """the cat sat on the mat and the dog sat on the log
a small model reads a small text, and reads it again
the café in the old town was closed on monday 9, 10 and 1000 people stood outside
we thought the service was very good and the staff were friendly
numbers such as 00 000 0000 and 9, 19, 29, are here
北京 是 中国 的 首都 我 喜欢 北京
he said "this is fine" and she said 'that is not'
reading writing thinking walking talking eating sleeping
unhappy unkind unable undo unfair unlikely""".split("\n")
TEXTS = ["", " ", "the cat sat", "  two  spaces \t tab\n", "Caf\u00e9 cafe\u0301 \u0130", "\ufb01ne \uff11\uff12 \u3300",
         "000 0000 00000", "9, 19, ``q'' ''", "北京是首都 龘", "\u200b\u200bx\u00ad y", "a\u0300\u0345\u0334b \u1e9b\u0323",
         "\r\n a\r\n\r\nb", "\u2581\u2581a \u2581", "\U0001f1eb\U0001f1f7\U0001f468\u200d\U0001f469", "<mask> [MASK]<mask>",
         "<s> x </s><unk>", "<reads>dog reads", "e\u0301\u1ae7 \U000113d1e\u0301 a\u00eb\u1ae7", "unhappily rereading", "\ufffd \u0958 \ufdfa \uac01", "\x01a\x7f"]
ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
FAMILIES = [("xlmr", "XLMRobertaTokenizer", "sentencepiece.bpe.model", {}),
            ("camembert", "CamembertTokenizer", "sentencepiece.bpe.model", {}),
            ("albert", "AlbertTokenizer", "spiece.model", ALBERT)]


def byte_offsets(text):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return at


# Rules of their own, for the precompiled ones of SentencePiece have 240 KB: what becomes of a few characters.
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u3000": " ", "\u200b": " ", "\u00ad": "", "\ufb01": "fi", "\uff11": "1",
         "\uff12": "2", "e\u0301": "\u00e9", "\u3300": "\u30a2\u30d1\u30fc\u30c8", "\x01": "", "\u0958": "\u0915\u093c"}

def train(prefix, kind="unigram", vocab_size=180, **more):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20), model_prefix=prefix, vocab_size=vocab_size, model_type=kind,
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **more)
    proto = proto_of(prefix + ".model")  # without the paths that differ from run to run
    proto.trainer_spec.ClearField("model_prefix")
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    with open(prefix + ".model", "wb") as f:
        f.write(proto.SerializeToString(deterministic=True))
    return prefix + ".model"


def lines(name, texts):
    with open(os.path.join(HERE, name + ".jsonl"), "w", encoding="utf-8") as f:
        for text, pair, ids, types, offsets in texts:
            f.write(json.dumps({"text": text, "pair": pair, "ids": ids, "types": types, "offsets": offsets}) + "\n")


def encoded(tokenizer):
    """What a tokenizer of the tokenizers package makes of the texts, every third with another one."""
    for i, text in enumerate(TEXTS):
        pair = TEXTS[i - 1] if i % 3 == 2 else None
        e = tokenizer.encode(text, pair)
        a, b = byte_offsets(text), byte_offsets(pair or "")
        offsets = [[0, 0] if side is None else [(b if side else a)[at] for at in span]
                   for span, side in zip(e.offsets, e.sequence_ids)]
        yield text, pair, e.ids, e.type_ids, offsets


def bare(model_file):
    processor = sentencepiece.SentencePieceProcessor(model_file=model_file)
    for text in TEXTS:
        made = sentencepiece_pb2.SentencePieceText.FromString(processor.encode(text, out_type="serialized_proto"))
        yield text, None, [p.id for p in made.pieces], [0] * len(made.pieces), [[p.begin, p.end] for p in made.pieces]


def folder(name, model=None, file_name="spiece.model", tokenizer=None, **files):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    if model:
        shutil.copy(model, os.path.join(path, file_name))
    if tokenizer:
        tokenizer.save(os.path.join(path, "tokenizer.json"), pretty=False)
    for key, value in files.items():
        with open(os.path.join(path, key + ".json"), "w", encoding="utf-8") as f:
            json.dump(value, f)
    return path


def byte_merges(path):
    """A model with byte_fallback as a BPE tokenizer.json: XLM-RoBERTa's pipeline over the model's own ids."""
    t = older_form("xlmr", proto_of(path))
    root = json.loads(t.to_str())
    vocab = root["model"]["vocab"]
    root["model"] = json.loads(Tokenizer(models.BPE(vocab, [tuple(m) for m in root["model"]["merges"]], unk_token="<unk>",
                                                    fuse_unk=False, byte_fallback=True)).to_str())["model"]
    return Tokenizer.from_str(json.dumps(root))


def byte_unigram(path):
    t = older_form("xlmr", proto_of(path))
    root = json.loads(t.to_str())
    root["model"]["byte_fallback"] = True
    root["normalizer"] = None
    root["pre_tokenizer"] = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
    return Tokenizer.from_str(json.dumps(root))


with tempfile.TemporaryDirectory() as work:
    rules = os.path.join(work, "rules.tsv")
    with open(rules, "w", encoding="utf-8") as f:
        for key, value in sorted(RULES.items()):
            f.write("%s\t%s\n" % (" ".join("%X" % ord(c) for c in key), " ".join("%X" % ord(c) for c in value)))
    for name, class_name, file_name, more in FAMILIES:
        model = train(os.path.join(work, name), normalization_rule_tsv=rules, **more)
        path = folder(name, model, file_name, tokenizer_config={"tokenizer_class": class_name, "model_max_length": 512})
        t = getattr(transformers, class_name).from_pretrained(path).backend_tokenizer
        folder(name + "-json", tokenizer=t)
        lines(name, encoded(t))
        if name != "camembert":
            t = older_form(name, proto_of(model))
            folder(name + "-older", tokenizer=t)
            lines(name + "-older", encoded(t))
    plain = os.path.join(work, "xlmr.model")
    n = len(proto_of(plain).pieces) + 2
    path = folder("xlmr-files", plain, "sentencepiece.bpe.model", tokenizer_config={"tokenizer_class": "XLMRobertaTokenizer"},
                  special_tokens_map={"mask_token": {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False,
                                                     "single_word": False}}, added_tokens={"reads": n, "dog": n + 1})
    lines("xlmr-files", encoded(transformers.XLMRobertaTokenizer.from_pretrained(path).backend_tokenizer))

    model = train(os.path.join(work, "bpe"), "bpe", normalization_rule_tsv=rules)
    path = folder("bpe", model, "sentencepiece.bpe.model", tokenizer_config={"tokenizer_class": "XLMRobertaTokenizer"})
    older, t = older_form("xlmr", proto_of(model)), transformers.XLMRobertaTokenizer.from_pretrained(path).backend_tokenizer
    t.model = older.model
    lines("bpe", encoded(t))
    folder("bpe-older", tokenizer=older)
    lines("bpe-older", encoded(older))
    folder("bare-bpe", model)
    lines("bare-bpe", bare(model))
    folder("bare-unigram", plain)
    lines("bare-unigram", bare(plain))
    for name, kind, more in (("bpe-bytes", "bpe", {}), ("unigram-bytes", "unigram", {})):
        model = train(os.path.join(work, name), kind, byte_fallback=True, normalization_rule_name="identity", vocab_size=400)
        t = byte_merges(model) if kind == "bpe" else byte_unigram(model)
        folder(name, tokenizer=t)
        lines(name, encoded(t))
        folder("bare-" + name, model)
        lines("bare-" + name, bare(model))
    model = train(os.path.join(work, "spaces"), "bpe", normalization_rule_tsv=rules, remove_extra_whitespaces=False,
                  add_dummy_prefix=False, user_defined_symbols=["9,", "cat"], control_symbols=["[MASK]"])
    folder("bare-spaces", model)
    lines("bare-spaces", bare(model))
