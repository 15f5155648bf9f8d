#!/usr/bin/env python3
"""Writes the tiny random models under tests/golden/ and what PyTorch computes with them.

    python3 tests/golden/make_golden.py          (needs torch, transformers, tokenizers, safetensors,
                                                  sentence-transformers; nothing is fetched)

Each directory is a Hugging Face directory made by Hugging Face's own classes, with two files more:

  texts.jsonl          {"id": b, "text": ..., "text_pair": ...}: the sequences b that come from a text
  golden.safetensors   what the model computes, float32 on the CPU, attention "eager", every sequence alone
      ids, types       I64 [R]    token ids and segment ids of all sequences, laid end to end
      offsets          I64 [B+1]  sequence b is rows offsets[b] to offsets[b+1]
      rows             I64 [K]    the rows whose last hidden state is kept (all of them in most models)
      hidden           F32 [K,H]  those rows
      mean, max        F32 [B,H]  the mean and the maximum of each sequence's last hidden states
      pooled           F32 [B,H]  BERT's pooler, where the model has one
      logits, probs    F32 [B,C]  where there is a head; probs is softmax, sigmoid or the value itself
      embedding        F32 [B,H]  sentence-transformers' own vector of the whole sequence (its maximum length
                                  is for texts), where modules.json is there

Weights are far larger than at a usual start (about 1.5/sqrt(fan in) instead of 0.02; random layer norms and
biases), so that a mistake anywhere shows in the result.
"""
import json
import os
import shutil
import sys

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel,
                          DistilBertConfig, DistilBertForSequenceClassification, DistilBertModel)
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()
torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# ---------------------------------------------------------------------------------------------- vocabulary

WORDS = """the a and is was not very good bad great movie film hotel service staff room food order refund late
slow fast never again love hate i you it they but price money card please help account""".split()
PIECES = "##s ##ed ##ing ##ly ##er ##est ##un ##able ##tion ##ness ##ment ##ful ##a ##al ##ve".split()
ACCENTS = list("éèüöäñçßøæ") + ["œ", "ï"]
CJK = list("中文你好酒店服务很差房间干净不再来了吃东西快慢送餐，。！？")


def vocabulary(size, cased=False):
    """The first `size` of one list: special tokens, ASCII, continuations, words, accents, Chinese."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    digits = [str(d) for d in range(10)]
    punctuation = [chr(c) for c in range(33, 127) if not chr(c).isalnum()]
    entries = SPECIALS + letters + digits + punctuation + ["##" + x for x in letters + digits]
    entries += WORDS[:14] + PIECES
    if cased:
        entries += [x.upper() for x in letters] + ["##" + x for x in ACCENTS] + ["The", "I", "Very"]
    entries += WORDS[14:] + ACCENTS + CJK
    entries += ["##" + x for x in ACCENTS + CJK] + ["[unused%d]" % i for i in range(64)]
    entries = list(dict.fromkeys(entries))
    assert len(entries) >= size, len(entries)
    return entries[:size]


def fast_tokenizer(entries, cased):
    """The tokenizer that transformers builds from a BERT vocab.txt."""
    t = Tokenizer(models.WordPiece({e: i for i, e in enumerate(entries)}, unk_token="[UNK]",
                                   max_input_chars_per_word=100))
    t.add_special_tokens(SPECIALS)
    t.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True,
                                              strip_accents=None, lowercase=not cased)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    t.decoder = decoders.WordPiece(prefix="##")
    return t


def write_tokenizer(path, entries, cased, files, max_length):
    """files: which of vocab.txt and tokenizer.json to write; tokenizer_config.json is always there."""
    t = fast_tokenizer(entries, cased)
    if "vocab.txt" in files:
        with open(path + "/vocab.txt", "w", encoding="utf-8") as f:
            f.write("".join(e + "\n" for e in entries))
    if "tokenizer.json" in files:
        stored = Tokenizer.from_str(t.to_str())
        if "vocab.txt" in files:  # settings that a reader must ignore, as MiniLM's directory has them
            stored.enable_truncation(8)
            stored.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
        stored.save(path + "/tokenizer.json", pretty=False)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIALS))
    with open(path + "/tokenizer_config.json", "w") as f:
        json.dump({"do_lower_case": not cased, **names, "tokenize_chinese_chars": True, "strip_accents": None,
                   "tokenizer_class": "BertTokenizer", "model_max_length": max_length}, f)
    with open(path + "/special_tokens_map.json", "w") as f:
        json.dump(names, f)
    return t


# -------------------------------------------------------------------------------------------------- models


def randomise(model, seed):
    """Every parameter from one generator, large enough that an error in any of them shows."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            low = name.lower()
            if "layernorm" in low or "layer_norm" in low:
                p.copy_(torch.rand(p.shape, generator=g) + 0.5 if name.endswith("weight")
                        else 0.3 * torch.randn(p.shape, generator=g))
            elif name.endswith("bias"):
                p.copy_(0.2 * torch.randn(p.shape, generator=g))
            elif "embeddings" in name:
                p.copy_(0.5 * torch.randn(p.shape, generator=g))
            else:
                p.copy_(1.5 / p.shape[1] ** 0.5 * torch.randn(p.shape, generator=g))
    return model.eval()


def config(kind, labels=None, problem=None, **sizes):
    c = kind(attn_implementation="eager", problem_type=problem, **sizes)
    if labels:
        c.id2label = dict(enumerate(labels))
        c.label2id = {x: i for i, x in enumerate(labels)}
    return c


TEXTS = [
    "The service was very good, the staff great!",
    "",
    "never again: the room is bad & the food ##ing",
    "Refund of order 48-215 was LATE... please help?",
    "Ünïcödé café: 你好, 酒店很差！ 10€ ½ ok",
    "[MASK] is not a special token here\tnor is\u00a0this\u2028[SEP]",
]
PAIRS = [
    ("the movie was good", "the film is great"),
    ("你好。", "a hotel room, not a card"),
    ("i love it", ""),
    ("", "they hate it"),
    ("please refund the money for the late order", "help"),
]


def sequences(tokenizer, vocab_size, positions, seed, lengths, pairs, types):
    """(ids, types, text record or None) of every golden sequence: first the texts, then random ids."""
    out = []
    for text in [(x, None) for x in TEXTS] + (PAIRS if pairs else []):
        # Brackets in a text are plain text to Inkling: encode with the special tokens unknown, then frame.
        plain = Tokenizer.from_str(tokenizer.to_str())
        plain.encode_special_tokens = True
        e = plain.encode(text[0], text[1])
        if len(e.ids) > positions:
            continue
        record = {"id": len(out), "text": text[0]}
        if text[1] is not None:
            record["text_pair"] = text[1]
        out.append((e.ids, e.type_ids, record))
    g = torch.Generator().manual_seed(seed)
    for n in lengths:
        ids = torch.randint(1, vocab_size, (n,), generator=g).tolist()
        second = [int(types > 1 and i >= (n + 1) // 2) for i in range(n)] if pairs else [0] * n
        out.append((ids, second, None))
    return out


def golden(path, model, seqs, keep, embedder):
    """Runs every sequence alone through model (float32, eval, eager) and writes golden.safetensors."""
    cfg = model.config
    base = model.base_model
    assert base.config._attn_implementation == "eager" and next(model.parameters()).dtype == torch.float32
    hidden, pooled, logits, means, maxes, embeddings = [], [], [], [], [], []
    for ids, types, _ in seqs:
        batch = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
        if cfg.model_type == "bert":
            batch["token_type_ids"] = torch.tensor([types])
        with torch.inference_mode():
            o = base(**batch)
            h = o.last_hidden_state[0]
            hidden.append(h.clone())
            means.append(h.mean(0))
            maxes.append(h.max(0).values)
            if getattr(o, "pooler_output", None) is not None:
                pooled.append(o.pooler_output[0])
            if model is not base:
                logits.append(model(**batch).logits[0])
            if embedder:
                embeddings.append(embedder(dict(batch))[0])
    offsets = [0]
    for ids, _, _ in seqs:
        offsets.append(offsets[-1] + len(ids))
    rows = [r for b in range(len(seqs)) for r in range(offsets[b], offsets[b + 1])
            if keep(r - offsets[b], offsets[b + 1] - offsets[b])]
    out = {
        "ids": torch.tensor([i for s in seqs for i in s[0]]),
        "types": torch.tensor([t for s in seqs for t in s[1]]),
        "offsets": torch.tensor(offsets),
        "rows": torch.tensor(rows),
        "hidden": torch.cat(hidden)[rows],
        "mean": torch.stack(means),
        "max": torch.stack(maxes),
    }
    if pooled:
        out["pooled"] = torch.stack(pooled)
    if embeddings:
        out["embedding"] = torch.stack(embeddings)
    if logits:
        out["logits"] = torch.stack(logits)
        kind = cfg.problem_type or ("regression" if cfg.num_labels == 1 else "single_label_classification")
        out["probs"] = {"regression": lambda x: x.clone(),
                        "single_label_classification": lambda x: x.softmax(-1),
                        "multi_label_classification": torch.sigmoid}[kind](out["logits"])
    for name, t in out.items():
        assert torch.isfinite(t).all(), name
    save_file({k: v.clone().contiguous() for k, v in out.items()}, path + "/golden.safetensors",
              metadata={"format": "pt"})
    with open(path + "/texts.jsonl", "w", encoding="utf-8") as f:
        for _, _, record in seqs:
            if record:
                f.write(json.dumps(record, ensure_ascii=False) + "\n")


# ------------------------------------------------------------------------- sentence-transformers' own files


def write_sentence_files(path, pooling, normalize, max_length, old_names):
    """modules.json, 1_Pooling, 2_Normalize, sentence_bert_config.json as sentence-transformers writes them:
    the form of its release 2 (old_names), or whatever the installed release writes."""
    if not old_names:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Normalize, Pooling, Transformer
        transformer = Transformer(path, max_seq_length=max_length)
        dim = transformer.auto_model.config.hidden_size
        parts = [transformer, Pooling(dim, pooling_mode=pooling)] + ([Normalize()] if normalize else [])
        written = path + ".sentence"
        SentenceTransformer(modules=parts, device="cpu").save(written, create_model_card=False)
        for name in ["modules.json", "1_Pooling", "2_Normalize", "sentence_bert_config.json",
                     "config_sentence_transformers.json"]:
            if os.path.isdir(written + "/" + name):
                shutil.copytree(written + "/" + name, path + "/" + name)
            elif os.path.exists(written + "/" + name):
                shutil.copy(written + "/" + name, path + "/" + name)
        shutil.rmtree(written)
        return
    kinds = ["Transformer", "Pooling"] + (["Normalize"] if normalize else [])
    modules = [{"idx": i, "name": str(i), "path": "" if i == 0 else "%d_%s" % (i, k),
                "type": "sentence_transformers.models." + k} for i, k in enumerate(kinds)]
    with open(path + "/config.json", encoding="utf-8") as f:
        dim = json.load(f)["hidden_size"]
    os.makedirs(path + "/1_Pooling")
    for name, value in [
        ("modules.json", modules),
        ("1_Pooling/config.json", {"word_embedding_dimension": dim, "pooling_mode_cls_token": pooling == "cls",
                                   "pooling_mode_mean_tokens": pooling == "mean",
                                   "pooling_mode_max_tokens": pooling == "max",
                                   "pooling_mode_mean_sqrt_len_tokens": False}),
        ("sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False}),
    ]:
        with open(path + "/" + name, "w") as f:
            json.dump(value, f, indent=2)


def sentence_embedder(path):
    """sentence-transformers' own forward pass over a batch of ids."""
    from sentence_transformers import SentenceTransformer
    st = SentenceTransformer(path, device="cpu", model_kwargs={"attn_implementation": "eager"},
                             local_files_only=True).eval()
    return lambda batch: st.forward(batch)["sentence_embedding"]


# ---------------------------------------------------------------------------------------------------- table

BERT, BERT_CLS = BertModel, BertForSequenceClassification
DISTIL, DISTIL_CLS = DistilBertModel, DistilBertForSequenceClassification
SMALL = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)
LENGTHS = [1, 2, 3, 7, 16, 17, 33]
SENTIMENT = ["negative", "neutral", "positive"]


def everything(position, length):
    return True


def ends_and_some(position, length):
    return length <= 17 or position in (0, 1, length // 3, length // 2, length - 1)


def make(name, seed, cls, vocab, labels=None, problem=None, files=("vocab.txt",), cased=False, pairs=False,
         lengths=LENGTHS, keep=everything, sentence=None, shard=None, dtype=None, extra_ids=0, arguments=None,
         max_length=None, **sizes):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    entries = vocabulary(vocab, cased)
    distil = cls in (DISTIL, DISTIL_CLS)
    sizes.setdefault("max_position_embeddings", 64)
    positions = sizes["max_position_embeddings"]
    c = config(DistilBertConfig if distil else BertConfig, labels, problem, vocab_size=vocab + extra_ids, **sizes)
    model = randomise(cls(c, **(arguments or {})), seed)
    if dtype:
        model = model.to(dtype)
    model.save_pretrained(path, **({"max_shard_size": shard} if shard else {}))
    model = model.float()
    tokenizer = write_tokenizer(path, entries, cased, files, max_length or positions)
    embedder = None
    if sentence:
        write_sentence_files(path, **sentence)
        embedder = sentence_embedder(path)
    seqs = sequences(tokenizer, vocab + extra_ids, positions, seed + 1000, lengths + [positions], pairs,
                     0 if distil else c.type_vocab_size)
    reference = AutoTokenizer.from_pretrained(path)
    for ids, _, record in seqs:
        # transformers takes an empty second text for none at all; the tokenizers library, like Inkling, does not.
        if record and "[" not in record["text"] and record.get("text_pair") != "":
            assert reference(record["text"], record.get("text_pair"))["input_ids"] == ids, (name, record)
    golden(path, model, seqs, keep, embedder)


def make_legacy(name, source):
    """The weights of `source` as Google's and older files name them, with the buffer they carry."""
    path, old = os.path.join(HERE, name), os.path.join(HERE, source)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(old, path)
    tensors = {k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
               for k, v in load_file(old + "/model.safetensors").items()}
    tensors["bert.embeddings.position_ids"] = torch.arange(64).unsqueeze(0)
    save_file(tensors, path + "/model.safetensors", metadata={"format": "pt"})
    again = BERT_CLS.from_pretrained(path).state_dict()
    for k, v in load_file(old + "/model.safetensors").items():
        assert torch.equal(again[k], v), k


def main():
    names = []

    def add(name, *args, **kwargs):
        names.append(name)
        make(name, len(names), *args, **kwargs)

    add("bert-tiny-cls", BERT_CLS, 239, SENTIMENT, "single_label_classification", hidden_size=32,
        num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    add("bert-odd", BERT_CLS, 211, ["refund", "délai", "\"urgent\"", "a\\b", "酒店"], "multi_label_classification",
        files=("tokenizer.json",), cased=True, hidden_size=36, num_hidden_layers=3, num_attention_heads=3,
        intermediate_size=52, max_position_embeddings=70, layer_norm_eps=1e-5, lengths=LENGTHS + [13])
    add("bert-wide-head", BERT_CLS, 140, ["rating"], "regression", hidden_size=64, num_hidden_layers=1,
        num_attention_heads=1, intermediate_size=256, max_position_embeddings=48, layer_norm_eps=1e-2)
    add("bert-d32", BERT_CLS, 128, SENTIMENT[::2], None, hidden_size=64, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=48, max_position_embeddings=512,
        lengths=[1, 2, 15, 16, 17, 31, 33, 64, 100, 511], keep=ends_and_some)
    add("bert-relu", BERT_CLS, 150, SENTIMENT[::2], None, keep=ends_and_some, hidden_act="relu", extra_ids=2, **SMALL)
    add("bert-gelu-new", BERT_CLS, 150, SENTIMENT[::2], None, hidden_act="gelu_new", **SMALL)
    add("bert-gelu-tanh", BERT_CLS, 150, SENTIMENT[::2], None, keep=ends_and_some, hidden_act="gelu_pytorch_tanh", **SMALL)
    add("bert-bare", BERT, 239, files=("vocab.txt", "tokenizer.json"),
        sentence=dict(pooling="mean", normalize=True, max_length=24, old_names=True), **SMALL)
    add("bert-bare-cls", BERT, 150, arguments=dict(add_pooling_layer=False), files=("tokenizer.json",),
        max_length=32, sentence=dict(pooling="cls", normalize=False, max_length=32, old_names=False), **SMALL)
    add("bert-pairs", BERT_CLS, 239, ["entailment", "neutral", "contradiction"], None, pairs=True, max_length=512,
        **SMALL)
    add("bert-f16", BERT_CLS, 150, SENTIMENT[::2], None, keep=ends_and_some, dtype=torch.float16, **SMALL)
    add("bert-bf16", BERT_CLS, 150, SENTIMENT[::2], None, keep=ends_and_some, dtype=torch.bfloat16, **SMALL)
    add("bert-sharded", BERT_CLS, 150, SENTIMENT[::2], None, keep=ends_and_some, shard="30KB", **SMALL)
    add("distilbert-tiny-cls", DISTIL_CLS, 239, SENTIMENT[::2], "single_label_classification", dim=32, n_layers=2,
        n_heads=2, hidden_dim=64)
    add("distilbert-odd", DISTIL_CLS, 171, None, None, files=("tokenizer.json",), dim=36, n_layers=3, n_heads=3,
        hidden_dim=50, sinusoidal_pos_embds=False, max_position_embeddings=40, lengths=LENGTHS + [13],
        num_labels=4)
    add("distilbert-bare", DISTIL, 150, dim=32, n_layers=1, n_heads=2, hidden_dim=64)
    names.append("bert-legacy")
    make_legacy("bert-legacy", "bert-tiny-cls")

    with open(os.path.join(HERE, "models.txt"), "w") as f:
        f.write("".join(n + "\n" for n in sorted(names)))
    for n in sorted(names):
        files = [os.path.join(d, x) for d, _, fs in os.walk(os.path.join(HERE, n)) for x in fs]
        for x in files:
            os.chmod(x, 0o644)
        print("%-20s %7d bytes" % (n, sum(map(os.path.getsize, files))), file=sys.stderr)


if __name__ == "__main__":
    main()
