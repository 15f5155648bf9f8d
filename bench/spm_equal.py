#!/usr/bin/env python3
"""Compares Inkling's SentencePiece tokenizers: whole pipelines with transformers' fast tokenizers, bare models with
the sentencepiece package; ids, byte offsets, types.

usage: spm_equal.py --dump PATH --data DIR [--work DIR] [--sizes 8000,32000] [--sample N] [--only NAME...] [--files]
                    [--code-points] [--campaign N] [--seed N] [--train-bytes N]

  --dump PATH      the program made from bench/tokenizer_dump.c
  --data DIR       has corpora/NAME.train.txt.zst, on which models are trained; every text of every *.jsonl and every line
                   of corpora/*.dev.txt.zst is compared
  --work DIR       keeps the trained models here, and takes those that are there
  --sizes A,B      pieces of the unigram and the BPE model of each language
  --sample N       compares N texts drawn by chance instead of all
  --only NAME...   only directories whose name contains one of these
  --files          compares directories with the older files special_tokens_map.json and added_tokens.json, or with settings
                   in tokenizer_config.json, in place of all that
  --code-points    compares every code point in every context that could matter, in place of all that
  --campaign N     compares N random hostile texts for models with each of SentencePiece's options, in place of all that

Of each unigram model the directories of an XLM-RoBERTa, a CamemBERT and an ALBERT are made: with the *.model alone
(transformers builds the tokenizer), with the tokenizer.json that transformers 5 writes, and with one as transformers 4's
converters make them. Of a BPE model that of an XLM-RoBERTa, with the merges that those converters make: transformers 5
opens it as Unigram, which is none of its encodings. A folder with a *.model and nothing else is the bare model.

Bare unigram models tie otherwise in other versions of the SentencePiece library: 0.1.97 to 0.2.0 compare a sum of scores
as a double with one rounded to a float, 0.2.3 compares floats. Where the package and the library that Inkling links differ
in this, lines of equal score differ; they are counted apart, and the exit status does not depend on them.
Needs: transformers 5.23, tokenizers, sentencepiece, protobuf, the zstd command; tokenizer_equal.py beside it. Prints a
line a comparison and exits 1 if anything differed."""
import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import tokenizer_equal as equal
from tokenizer_equal import Record, compare, saved, texts_of

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2, sentencepiece_pb2
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers.convert_slow_tokenizer import generate_merges

FAMILIES = {"xlmr": ("XLMRobertaTokenizer", "sentencepiece.bpe.model"),
            "camembert": ("CamembertTokenizer", "sentencepiece.bpe.model"),
            "albert": ("AlbertTokenizer", "spiece.model")}
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4


# --- Models ----------------------------------------------------------------------------------------------------

def corpus(args, language):
    names = ["wiki_zh"] if language == "zh" else ["wiki_en", "books_en", "gov_blog_en"]
    for name in names:
        path = os.path.join(args.data, "corpora", f"{name}.train.txt.zst")
        reader = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE)
        text = reader.stdout.read(args.train_bytes // len(names)).decode("utf-8", "ignore")
        reader.stdout.close()
        reader.wait()
        yield from (line for line in text.split("\n") if line.strip() and "\0" not in line)


def trained(args, kind, language, size):
    """The path of a model, made if it is not there."""
    path = os.path.join(args.work, f"{kind}-{language}-{size}")
    if not os.path.exists(path + ".model"):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=corpus(args, language), model_prefix=path, vocab_size=size, model_type=kind, num_threads=1,
            character_coverage=0.9995, max_sentence_length=20000, hard_vocab_limit=False, minloglevel=2)
    return path + ".model"


def proto_of(path):
    proto = sentencepiece_model_pb2.ModelProto()
    with open(path, "rb") as file:
        proto.ParseFromString(file.read())
    return proto


def as_albert(proto):
    """The same pieces behind ALBERT's first five."""
    out = sentencepiece_model_pb2.ModelProto()
    out.CopyFrom(proto)
    del out.pieces[:]
    for text, kind in (("<pad>", CONTROL), ("<unk>", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL), ("[MASK]", CONTROL)):
        out.pieces.add(piece=text, score=0, type=kind)
    out.pieces.extend(proto.pieces[3:])
    t = out.trainer_spec
    t.pad_id, t.unk_id, t.bos_id, t.eos_id = 0, 1, -1, -1
    return out


def written(directory, name, proto, config=None, **more):
    """A directory with a model file, a tokenizer_config.json and more JSON files, by their names."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(proto.SerializeToString())
    for key, value in [("tokenizer_config", config)] + list(more.items()):
        if value is not None:
            with open(os.path.join(directory, key + ".json"), "w", encoding="utf-8") as file:
                json.dump(value, file)
    return directory


# --- Whole pipelines -------------------------------------------------------------------------------------------

def older_form(family, proto):
    """As transformers 4's converters (convert_slow_tokenizer.py) make a fast tokenizer of a model."""
    pieces = [(p.piece, p.score) for p in proto.pieces]
    zero = lambda *texts: [(text, 0.0) for text in texts]  # noqa: E731
    if family == "xlmr":
        vocab, unk = zero("<s>", "<pad>", "</s>", "<unk>") + pieces[3:] + zero("<mask>"), 3
    elif family == "camembert":
        vocab = zero("<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>") + [("<unk>NOTUSED", -100)] + pieces[1:] + zero("<mask>")
        unk = 3
    else:
        digit = lambda t: len(t) > 1 and t[-1] == "," and t[-2].isdigit()  # noqa: E731
        vocab, unk = [(t, s - 100 if digit(t) else s) for t, s in pieces], 1
    if proto.trainer_spec.model_type == 2:
        ids = {text: i for i, (text, _) in enumerate(vocab)}
        model = models.BPE(ids, generate_merges(ids, vocab), unk_token="<unk>", fuse_unk=True)
    else:
        model = models.Unigram(vocab, unk_id=unk, byte_fallback=False)
    t = Tokenizer(model)
    charsmap = proto.normalizer_spec.precompiled_charsmap
    steps = [normalizers.Precompiled(charsmap)] if charsmap else []
    if family == "albert":
        steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
                 normalizers.Lowercase()] + steps + [normalizers.Replace(Regex(" {2,}"), " ")]
    else:
        steps += [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "\u2581")]
    t.normalizer = normalizers.Sequence(steps)
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    specials = ["[CLS]", "[SEP]", "<unk>", "<pad>"] if family == "albert" else ["<s>", "</s>", "<unk>", "<pad>"]
    mask = "[MASK]" if family == "albert" else "<mask>"
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in specials]
                         + [AddedToken(mask, lstrip=True, normalized=False, special=True)])
    names = [(s, t.token_to_id(s)) for s in specials[:2]]
    if family == "albert":
        t.post_processor = processors.TemplateProcessing(single="[CLS]:0 $A:0 [SEP]:0",
                                                         pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=names)
    else:
        t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
                                                         special_tokens=names)
    return t


def plain_lines(args, directory, records):
    """Inkling's answers as `tokenizer_dump --plain` writes them, in a file."""
    answers = tempfile.TemporaryFile()
    with tempfile.TemporaryFile() as given:
        for r in records:
            text = equal.to_bytes(r.text)
            given.write(b"%d -1 %d 0\n" % (len(text), r.parse_special) + text)
        given.seek(0)
        subprocess.run([args.dump, directory, "--plain"], stdin=given, stdout=answers, check=True)
    answers.seek(0)
    return answers


def compare_each(args, tokenizer, directories, records):
    """Many texts in several directories, by name, of one tokenizer. Whole answers are compared as text, to be quick."""
    answers = {name: plain_lines(args, directory, records) for name, directory in directories.items()}
    differing = dict.fromkeys(answers, 0)
    for record in records:
        tokenizer.encode_special_tokens = not record.parse_special
        e = tokenizer.encode(record.text)
        offsets, starts = e.offsets, equal.as_string(record.text)[1]
        if starts is not None:
            offsets = [(b, t) if special else (starts[b], starts[t]) for (b, t), special in zip(offsets, e.special_tokens_mask)]
        want = f"{e.ids} {offsets} {e.type_ids}\n".encode()
        for name, lines in answers.items():
            got = lines.readline()
            if got != want:
                differing[name] += 1
                if differing[name] <= 3:
                    print(f"  {record!r:.400}\n    package {want!r:.600}\n    inkling {got!r:.600}")
    for name, n in differing.items():
        answers[name].close()
        equal.failures += n
        print(f"{name}: {len(records)} texts, {n} differ", flush=True)


def backend(directory):
    """What transformers makes of a directory."""
    return transformers.AutoTokenizer.from_pretrained(directory)._tokenizer


def pipelines(args, records):
    for language, size in itertools.product(("en", "zh"), args.sizes):
        proto = proto_of(trained(args, "unigram", language, size))
        for family, (class_name, file_name) in FAMILIES.items():
            name = f"{family}-{language}-{size}"
            if not wanted(args, name):
                continue
            own = as_albert(proto) if family == "albert" else proto
            directory = written(os.path.join(args.work, name), file_name, own, {"tokenizer_class": class_name})
            t = backend(directory)
            compare_each(args, t, {name: directory, name + " as transformers 5 writes it":
                                   saved(t, os.path.join(args.work, name + "-json"))}, records)
            t = older_form(family, own)
            compare_each(args, t, {name + " as transformers 4 writes it":
                                   saved(t, os.path.join(args.work, name + "-older"))}, records)
        name = f"xlmr-bpe-{language}-{size}"
        if wanted(args, name):
            proto = proto_of(trained(args, "bpe", language, size))
            directory = written(os.path.join(args.work, name), FAMILIES["xlmr"][1], proto,
                                {"tokenizer_class": "XLMRobertaTokenizer"})
            older, t = older_form("xlmr", proto), backend(directory)
            t.model = older.model
            compare_each(args, t, {name + ", merging": directory, name + " as a tokenizer.json":
                                   saved(t, os.path.join(args.work, name + "-json"))}, records)
            compare_each(args, older, {name + " as transformers 4 writes it":
                                       saved(older, os.path.join(args.work, name + "-older"))}, records)


# --- Bare models -----------------------------------------------------------------------------------------------

def path_score(proto, text, ids):
    """The sum of scores, exactly as far as doubles go, and how many unknown characters there are."""
    scores = [p.score for p in proto.pieces]
    return sum(scores[i] for i in ids if i != 0), sum(i == 0 for i in ids)


def compare_bare(args, name, directory, path, records):
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    proto = proto_of(path)
    tied = differing = 0
    for record, ours in zip(records, equal.ours(args, directory, records), strict=True):
        text, starts = equal.as_string(record.text)
        made = sentencepiece_pb2.SentencePieceText()
        made.ParseFromString(processor.encode(text, out_type="serialized_proto"))
        ids = [p.id for p in made.pieces]
        if starts is None or isinstance(record.text, str):
            offsets = [[p.begin, p.end] for p in made.pieces]
        else:  # ill-formed bytes have become characters
            place = dict(zip(itertools.accumulate((len(c.encode()) for c in text), initial=0), starts))
            offsets = [[place[p.begin], place[p.end]] for p in made.pieces]
        if ours.get("ids") == ids and ours.get("offsets") == offsets:
            continue
        if proto.trainer_spec.model_type == 1 and "ids" in ours:
            (a, m), (b, n) = path_score(proto, text, ids), path_score(proto, text, ours["ids"])
            if m == n and abs(a - b) <= 1e-6 * abs(a):
                tied += 1
                continue
        differing += 1
        if differing <= 3:
            print(f"  {record!r:.400}\n    package {str(ids):.400} {str(offsets):.400}\n    inkling {str(ours):.800}")
    equal.failures += differing
    note = f", {tied} more are ties of scores" if tied else ""
    print(f"{name}: {len(records)} texts, {differing} differ{note}", flush=True)


def bare(args, records):
    for kind, language, size in itertools.product(("unigram", "bpe"), ("en", "zh"), args.sizes):
        name = f"bare-{kind}-{language}-{size}"
        if wanted(args, name):
            path = trained(args, kind, language, size)
            directory = written(os.path.join(args.work, name), "spiece.model", proto_of(path))
            compare_bare(args, name, directory, path, records)


def wanted(args, name):
    return not args.only or any(only in name for only in args.only)


# --- The files beside a model ----------------------------------------------------------------------------------

def files(args):
    flags = lambda **on: {**dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True), **on}  # noqa: E731
    plain = trained(args, "unigram", "en", args.sizes[0])
    sentences = ["the thing <mask> the ing<mask>  caf\u00e9 <y> <x>", " the", "", "<s>the</s> <y>in [MASK]x", "  a\n\n the  <pad>"]
    # Where special tokens are plain text, Inkling never gives their ids; transformers' Unigram has them as pieces.
    records = [Record(s, p, True) for s in sentences for p in (None, "the <y>")]
    for family, (class_name, file_name) in FAMILIES.items():
        proto = proto_of(plain)
        if family == "albert":
            proto = as_albert(proto)
        mask = "[MASK]" if family == "albert" else "<mask>"
        n = backend(written(os.path.join(args.work, f"files_{family}"), file_name, proto,
                            {"tokenizer_class": class_name})).get_vocab_size(with_added_tokens=True)
        mask_id = 4 if family == "albert" else n - 1
        shown = {"content": mask, "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
        cases = [
            ({}, {}), ({"add_prefix_space": False}, {}), ({"model_max_length": 512}, {}), ({"mask_token": mask}, {}),
            ({"mask_token": {"__type": "AddedToken", **shown}}, {}),
            ({"mask_token": {"__type": "AddedToken", **shown, "lstrip": False}}, {}),
            ({}, {"special_tokens_map": {"mask_token": shown}}), ({}, {"special_tokens_map": {"mask_token": mask}}),
            ({"mask_token": mask}, {"special_tokens_map": {"mask_token": {**shown, "lstrip": False, "rstrip": True}}}),
            ({}, {"special_tokens_map": {"unk_token": "<unk>", "pad_token": "<pad>", "mask_token": {**shown, "normalized": True}}}),
            ({}, {"added_tokens": {"<y>": n}}), ({}, {"added_tokens": {"<y>": n, "<x>": n + 1}}), ({}, {"added_tokens": {mask: mask_id}}),
            ({}, {"added_tokens": {"<x>": n, "the": None}}),
            ({"additional_special_tokens": ["<x>"]}, {}), ({"extra_special_tokens": ["<x>", "<y>"]}, {}),
            # Not "additional_special_tokens" of special_tokens_map.json alone, which transformers 5.23 loses beside a model.
            ({}, {"special_tokens_map": {"additional_special_tokens": [{**shown, "content": "<x>"}]}, "added_tokens": {"<x>": n}}),
            ({"added_tokens_decoder": {str(mask_id): {"content": mask, **flags(lstrip=True)},
                                       str(n): {"content": "<y>", **flags(special=False, normalized=True)}}}, {}),
            ({"added_tokens_decoder": {str(n): {"content": "<x>", **flags(rstrip=True)}}}, {"added_tokens": {"<y>": n}}),
            ({"cls_token": "<x>"}, {}), ({"pad_token": "<p>"}, {}),
            ({"do_lower_case": False, "keep_accents": True}, {}), ({"do_lower_case": False}, {}),
        ]
        for number, (config, more) in enumerate(cases):
            if family == "albert" and "cls_token" in config:
                continue  # transformers fails
            if "the" in more.get("added_tokens", {}):
                more["added_tokens"]["the"] = backend(os.path.join(args.work, f"files_{family}")).token_to_id("the")
            directory = os.path.join(args.work, f"files_{family}_{number}")
            shutil.rmtree(directory, ignore_errors=True)
            written(directory, file_name, proto, {"tokenizer_class": class_name, **config}, **more)
            compare(args, f"{family}: {config} {more}", backend(directory), directory, records)


# --- Random texts ----------------------------------------------------------------------------------------------

PIECES = [" ", "  ", "\u3000", "\u2581", "\t", "\n", "the", " of", "ing", "...", ".", "00", "0", "--", ",", "\u5b57", "\u5317\u4eac",
          "\ufb01", "\uff11", "\u3300", "e\u0301", "\u0301", "\u0130", "\u1e9b\u0323", "\U0001f468\u200d\U0001f469", "\uac00", "\u1100\u1161",
          "<s>", "</s>", "<unk>", "<mask>", "<0x41>", "\ufffd", "\x01", "\u200b", "\u00ad", "abc", "ABC", "\u00df", "``", "''"]


def hostile(rng, pool):
    parts = []
    for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 20, 60, 300])):
        r = rng.random()
        parts.append(rng.choice(pool) if r < 0.3 else rng.choice(PIECES) if r < 0.7 else
                     rng.choice("abcdefgh .") if r < 0.95 else rng.choice("0. -\u0301\u5b57") * rng.randrange(1, 60))
    text = "".join(parts)
    if rng.random() < 0.15:
        raw = bytearray(text.encode())
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(raw) + 1)
            raw[at:at + rng.randrange(2)] = rng.choice([b"\x80", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xe4\xbd", b"\xf0\x9f\x98"])
        return bytes(raw)
    return text


def campaign(args):
    rng = random.Random(args.seed)
    lines = list(itertools.islice(corpus(args, "en"), 3000)) + list(itertools.islice(corpus(args, "zh"), 1000))
    options = [{}, {"byte_fallback": True}, {"normalization_rule_name": "nmt_nfkc_cf"}, {"normalization_rule_name": "identity"},
               {"remove_extra_whitespaces": False}, {"add_dummy_prefix": False}, {"treat_whitespace_as_suffix": True},
               {"user_defined_symbols": ["<m>", "abc", "..", "\u5b57"]}, {"control_symbols": ["<ctl>", "<unused>"]},
               {"split_by_whitespace": False}, {"split_digits": True},
               {"byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "identity"}]
    for kind, option in itertools.product(("unigram", "bpe"), options):
        name = f"{kind} {option}"
        path = os.path.join(args.work, "campaign")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=path, vocab_size=3000, model_type=kind, num_threads=1,
            hard_vocab_limit=False, minloglevel=2, character_coverage=0.98, max_sentence_length=20000, **option)
        proto = proto_of(path + ".model")
        pool = equal.alphabet(rng)
        records = [Record(hostile(rng, pool)) for _ in range(args.campaign)]
        for folder in ("campaign-bare", "campaign-dir", "campaign-older"):
            shutil.rmtree(os.path.join(args.work, folder), ignore_errors=True)
        directory = written(os.path.join(args.work, "campaign-bare"), "spiece.model", proto)
        compare_bare(args, "bare " + name, directory, path + ".model", records)
        if kind == "bpe":
            continue
        records = [Record(r.text, hostile(rng, pool) if rng.random() < 0.3 else None, True, rng.random() < 0.2,
                          rng.choice([0, 0, 0, rng.randrange(5, 100)])) for r in records]
        for family, (class_name, file_name) in FAMILIES.items():
            own = as_albert(proto) if family == "albert" else proto
            directory = written(os.path.join(args.work, "campaign-dir"), file_name, own, {"tokenizer_class": class_name})
            compare(args, f"{family} {name}", backend(directory), directory, records)
            shutil.rmtree(directory)
            t = older_form(family, own)
            compare(args, f"{family} {name} as transformers 4 writes it", t, saved(t, os.path.join(args.work, "campaign-older")), records)


# --- Every code point ------------------------------------------------------------------------------------------

CONTEXTS = ["{}", "a{}b", " {} ", "{0}{0}", "e\u0301{}", "{}e\u0301", "e{}\u0301", "e\u0301{}\u0301", "\u30ab{}\u3099x", "\u5b57{}\u0345",
            "\u1100{}\u11a8", "\u0915\u094d{}", "\u00e9{}\u0327", "\U0001f468{}\U0001f469", "\r{}\n", "'{}'"]


def code_points(args):
    """A piece for each code point, behind a normalizer with SentencePiece's largest rules."""
    proto = proto_of(trained(args, "unigram", "en", args.sizes[0]))
    for family, older in itertools.product(("xlmr", "albert"), (False, True)):
        own = as_albert(proto) if family == "albert" else proto
        t = older_form(family, own) if older else backend(
            written(os.path.join(args.work, "points"), FAMILIES[family][1], own, {"tokenizer_class": FAMILIES[family][0]}))
        shutil.rmtree(os.path.join(args.work, "points"), ignore_errors=True)
        root = json.loads(t.to_str())
        front = root["model"]["vocab"][:5 if family == "albert" else 4] + [["<mask>", 0.0]] * (family != "albert")
        pieces = [[c, -10 - 1e-6 * i] for i, c in enumerate(equal.CODE_POINTS)]
        root["model"]["vocab"] = front + pieces
        for token in root["added_tokens"]:
            token["id"] = next(i for i, (text, _) in enumerate(front) if text == token["content"])
        os.makedirs(os.path.join(args.work, "points"))
        with open(os.path.join(args.work, "points", "tokenizer.json"), "w") as file:
            json.dump(root, file)
        for context in CONTEXTS[:4] if older else CONTEXTS:
            texts = [context.format(c) for c in equal.CODE_POINTS]
            compare(args, f"{family}{', older form' if older else ''}, every code point as {context!a}", None,
                    os.path.join(args.work, "points"), [Record("\n?\n".join(texts[i:i + 16])) for i in range(0, len(texts), 16)])
        shutil.rmtree(os.path.join(args.work, "points"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dump", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work")
    parser.add_argument("--sizes", default="8000,32000", type=lambda s: [int(n) for n in s.split(",")])
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--code-points", action="store_true")
    parser.add_argument("--campaign", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--train-bytes", type=int, default=18_000_000)
    args = parser.parse_args()
    args.inkling = None
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as work:
        args.work = args.work or work
        os.makedirs(args.work, exist_ok=True)
        if args.files:
            files(args)
        if args.campaign:
            campaign(args)
        if args.code_points:
            code_points(args)
        if not args.files and not args.campaign and not args.code_points:
            texts = texts_of(args.data)
            if args.sample:
                texts = random.Random(args.seed).sample(texts, args.sample)
            print(f"{len(texts)} different texts, {sum(len(t.encode()) for t in texts)} bytes", flush=True)
            records = [Record(t, parse_special=i % 2 == 0) for i, t in enumerate(texts)]
            bare(args, records)
            pipelines(args, records)
    print("all equal" if not equal.failures else f"{equal.failures} texts differ")
    return 1 if equal.failures else 0


if __name__ == "__main__":
    sys.exit(main())
