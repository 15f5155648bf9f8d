#!/usr/bin/env python3
"""Makes tests/tokenizer/spm/: a tiny unigram model trained on the sentences below, the three families'
directories around it, and what transformers' fast tokenizers make of texts.txt, ids and byte offsets.
usage: make_spm_golden.py (from anywhere). Needs: pip install transformers==5.23 sentencepiece."""
import json
import os
import shutil
import tempfile

import sentencepiece
import transformers

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
         "<s> x </s><unk>", "unhappily rereading", "\ufffd \u0958 \ufdfa \uac01", "\x01a\x7f"]
ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}
FAMILIES = [("xlmr", "XLMRobertaTokenizer", "sentencepiece.bpe.model", {}),
            ("camembert", "CamembertTokenizer", "sentencepiece.bpe.model", {}),
            ("albert", "AlbertTokenizer", "spiece.model", ALBERT)]


def byte_offsets(text, spans):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[b], at[e]] for b, e in spans]


# Rules of their own, for the precompiled ones of SentencePiece have 240 KB: what becomes of a few characters.
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u3000": " ", "\u200b": " ", "\u00ad": "", "\ufb01": "fi", "\uff11": "1",
         "\uff12": "2", "e\u0301": "\u00e9", "\u3300": "\u30a2\u30d1\u30fc\u30c8", "\x01": "", "\u0958": "\u0915\u093c"}

with tempfile.TemporaryDirectory() as work:
    rules = os.path.join(work, "rules.tsv")
    with open(rules, "w", encoding="utf-8") as f:
        for key, value in sorted(RULES.items()):
            f.write("%s\t%s\n" % (" ".join("%X" % ord(c) for c in key), " ".join("%X" % ord(c) for c in value)))
    for name, class_name, file_name, more in FAMILIES:
        folder = os.path.join(HERE, name)
        os.makedirs(folder, exist_ok=True)
        prefix = os.path.join(work, name)
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES * 20), model_prefix=prefix, vocab_size=180, model_type="unigram",
            hard_vocab_limit=False, normalization_rule_tsv=rules, num_threads=1, minloglevel=2, **more)
        shutil.copy(prefix + ".model", os.path.join(folder, file_name))
        with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as f:
            json.dump({"tokenizer_class": class_name, "model_max_length": 512}, f)
        tokenizer = getattr(transformers, class_name).from_pretrained(folder)
        os.makedirs(folder + "-json", exist_ok=True)
        tokenizer.backend_tokenizer.save(os.path.join(folder + "-json", "tokenizer.json"), pretty=False)
        with open(os.path.join(HERE, name + ".jsonl"), "w", encoding="utf-8") as f:
            for i, text in enumerate(TEXTS):
                pair = TEXTS[i - 1] if i % 3 == 2 else None
                made = tokenizer(text, pair, return_offsets_mapping=True, return_token_type_ids=True)
                n = len(made["input_ids"])
                spans = made["offset_mapping"]
                ids = made.sequence_ids(0)
                a, b = byte_offsets(text, [s if ids[k] != 1 else (0, 0) for k, s in enumerate(spans)]), None
                if pair is not None:
                    b = byte_offsets(pair, [s if ids[k] == 1 else (0, 0) for k, s in enumerate(spans)])
                offsets = [b[k] if ids[k] == 1 else a[k] for k in range(n)]
                f.write(json.dumps({"text": text, "pair": pair, "ids": made["input_ids"],
                                    "types": made["token_type_ids"], "offsets": offsets}) + "\n")
