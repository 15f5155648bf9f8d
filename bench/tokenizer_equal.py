#!/usr/bin/env python3
"""Compares Inkling's tokenizer with Hugging Face's `tokenizers` package: ids, byte offsets, types.

usage: tokenizer_equal.py (--dump PATH | --inkling PATH) [--data DIR] [--model DIR] [--code-points] [--campaign N]
                          [--seed N] [--vocab-files]

  --dump PATH      the program made from bench/tokenizer_dump.c
  --inkling PATH   the `inkling` command; knows no types and no pairs, so it is asked for single texts only
  --data DIR       compares every text of every *.jsonl (text, text_a, text_b, question, context, tokens) and every
                   line of corpora/*.dev.txt.zst in DIR, with DIR/tokenizer_conformance's vocabularies and its
                   expected_*.jsonl
  --model DIR      the same texts with the tokenizer.json of this directory
  --code-points    compares every code point in every context that could matter, one vocabulary entry for each
  --campaign N     compares N random hostile texts for each of 48 option sets (and pairs, cut to many lengths)
  --vocab-files    compares directories with vocab.txt with what transformers' BertTokenizer makes of them

Needs the `tokenizers` package (and `transformers` for --vocab-files, `zstd` for --data). Prints a line a
comparison and exits 1 if anything differed.
"""
import argparse
import codecs
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

CODE_POINTS = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c <= 0xDFFF]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
failures = 0


# --- Texts as bytes: what the package sees of them, and where its characters lie -------------------------------

def as_string(raw):
    """Text of raw, ill-formed sequences as U+FFFD, and for each character the byte it begins at, plus the end."""
    if isinstance(raw, str):
        if raw.isascii():
            return raw, None
        return raw, list(itertools.accumulate((len(c.encode()) for c in raw), initial=0))
    bad = {}

    def note(error):
        bad[error.start] = error.end
        return "\ufffd", error.end

    codecs.register_error("note", note)
    text = raw.decode("utf-8", "note")
    starts, at = [0], 0
    for c in text:
        at = bad.pop(at) if c == "\ufffd" and at in bad else at + len(c.encode())
        starts.append(at)
    return text, starts


class Record:
    def __init__(self, text, pair=None, parse_special=False, no_specials=False, max_length=0):
        self.text, self.pair = text, pair
        self.parse_special, self.no_specials, self.max_length = parse_special, no_specials, max_length

    def __repr__(self):
        return f"{self.text!r} pair={self.pair!r} special={self.parse_special} bare={self.no_specials} max={self.max_length}"


def reference(tokenizer, records):
    """Each record with the package's (ids, byte offsets, types) for it, or None where it panics."""
    tokenizer.no_padding()
    truncation = None
    for r in records:
        tokenizer.encode_special_tokens = not r.parse_special
        if r.max_length != truncation:
            tokenizer.enable_truncation(r.max_length) if r.max_length else tokenizer.no_truncation()
            truncation = r.max_length
        text, starts = as_string(r.text)
        pair, pair_starts = (None, None) if r.pair is None else as_string(r.pair)
        try:
            e = tokenizer.encode(text, pair, add_special_tokens=not r.no_specials)
        except BaseException as error:
            if "Panic" not in type(error).__name__:
                raise
            yield r, None
            continue
        offsets = []
        for sequence, (begin, end) in zip(e.sequence_ids, e.offsets):
            at = pair_starts if sequence == 1 else starts
            offsets.append([begin, end] if at is None or sequence is None else [at[begin], at[end]])
        yield r, (e.ids, offsets, e.type_ids)


# --- Inkling's side ----------------------------------------------------------------------------------------------

def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def run(command, parts):
    """The command's answers to what the parts make, a JSON value a line, one after the other."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answers:
        given.writelines(parts)
        given.seek(0)
        done = subprocess.run(command, stdin=given, stdout=answers)
        if done.returncode:
            sys.exit(f"{' '.join(command)} exited {done.returncode}")
        answers.seek(0)
        for line in answers:
            yield json.loads(line)


def ours(args, directory, records):
    """Inkling's answers, in the order of the records."""
    if args.dump:
        def part(r):
            text, pair = to_bytes(r.text), b"" if r.pair is None else to_bytes(r.pair)
            return b"%d %d %d %d\n" % (len(text), -1 if r.pair is None else len(pair),
                                       r.parse_special + 2 * r.no_specials, r.max_length) + text + pair
        yield from run([args.dump, directory], map(part, records))
        return

    def run_inkling(parse_special):
        lines = (json.dumps({"text": r.text}).encode() + b"\n" for r in records if r.parse_special == parse_special)
        command = [args.inkling, "tokenize", "-m", directory, "--format", "jsonl"]
        return run(command + ["--parse-special"] * parse_special + ["-"], lines)

    answers = [run_inkling(False), run_inkling(True)]
    for r in records:
        yield next(answers[r.parse_special], {})


def compare(args, name, tokenizer, directory, records):
    """Prints how many records differ, and the first few of them."""
    global failures
    if os.path.exists(os.path.join(directory, "tokenizer.json")):  # what the package makes of the same file
        tokenizer = Tokenizer.from_file(os.path.join(directory, "tokenizer.json"))
    if args.inkling:
        records = [r for r in records if isinstance(r.text, str) and r.pair is None and not r.no_specials
                   and not r.max_length]
    differing = skipped = 0
    answers = ours(args, directory, records)
    for record, w in reference(tokenizer, records):
        g = next(answers, {})
        if w is None:
            skipped += 1
        elif (g.get("ids"), g.get("offsets"), g.get("types", w[2])) != w:
            differing += 1
            if differing <= 3:
                print(f"  {repr(record):.400}\n    package {str(w):.600}\n    inkling {str(g):.600}")
    if next(answers, None) is not None:
        sys.exit(f"{name}: more answers than records")
    failures += differing
    note = f", {skipped} on which the package panics" if skipped else ""
    print(f"{name}: {len(records)} texts, {differing} differ{note}", flush=True)


# --- Making tokenizers -------------------------------------------------------------------------------------------

def make(vocab, clean=True, cjk=True, strip=None, lower=True, max_chars=100, prefix="##", added=(), bert_processing=False,
         normalizer=True):
    t = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=max_chars,
                                   continuing_subword_prefix=prefix))
    if normalizer:
        t.normalizer = normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=cjk, strip_accents=strip,
                                                  lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = ("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])
    t.post_processor = processors.BertProcessing(sep, cls) if bert_processing else processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep])
    t.add_special_tokens([s for s in SPECIALS if s in vocab])
    if added:
        t.add_tokens(list(added))
    return t


def saved(tokenizer, directory):
    os.makedirs(directory, exist_ok=True)
    tokenizer.save(os.path.join(directory, "tokenizer.json"))
    return directory


def read_vocab(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return {line: i for i, line in enumerate(file.read().split("\n")[:-1])}


# --- The comparisons ---------------------------------------------------------------------------------------------

def texts_of(data):
    texts = []
    for root, _, files in sorted(os.walk(data)):
        for file in sorted(files):
            path = os.path.join(root, file)
            if file.endswith(".jsonl"):
                with open(path, encoding="utf-8") as lines:
                    for line in lines:
                        r = json.loads(line)
                        texts += [r[k] for k in ("text", "text_a", "text_b", "question", "context") if k in r]
                        if "tokens" in r:
                            texts.append(" ".join(r["tokens"]))
            elif file.endswith(".dev.txt.zst"):
                plain = subprocess.run(["zstd", "-dcq", path], check=True, stdout=subprocess.PIPE).stdout
                texts += plain.decode().split("\n")
    return list(dict.fromkeys(texts))


def conformance(args, work):
    folder = os.path.join(args.data, "tokenizer_conformance")
    for name, vocab, lower in (("en_uncased", "en_uncased", True), ("zh", "zh", True), ("zh_cased", "zh", False)):
        t = make(read_vocab(os.path.join(folder, f"vocab_{vocab}.txt")), lower=lower)
        directory = saved(t, os.path.join(work, "conformance_" + name))
        with open(os.path.join(folder, f"expected_{name}.jsonl"), encoding="utf-8") as lines:
            wanted = [json.loads(line) for line in lines]
        compare(args, f"conformance {name}", t, directory, [Record(w["text"], parse_special=True) for w in wanted])
        differing = 0
        for w, g in zip(wanted, ours(args, directory, [Record(w["text"], parse_special=True) for w in wanted])):
            starts = as_string(w["text"])[1]
            offsets = [[b, e] if starts is None else [starts[b], starts[e]] for b, e in w["offsets"]]
            differing += g["ids"] != w["ids"] or g["offsets"] != offsets or g.get("tokens", w["tokens"]) != w["tokens"]
        global failures
        failures += differing
        print(f"expected_{name}.jsonl: {len(wanted)} texts, {differing} differ", flush=True)


def data_sets(args, work):
    texts = texts_of(args.data)
    print(f"{len(texts)} different texts, {sum(len(t.encode()) for t in texts)} bytes", flush=True)
    records = [Record(t) for t in texts]
    folder = os.path.join(args.data, "tokenizer_conformance")
    for vocab, lower in itertools.product(("en_uncased", "zh"), (True, False)):
        t = make(read_vocab(os.path.join(folder, f"vocab_{vocab}.txt")), lower=lower)
        name = f"{vocab} {'uncased' if lower else 'cased'}"
        compare(args, name, t, saved(t, os.path.join(work, name.replace(" ", "_"))), records)
    conformance(args, work)
    if args.model:
        t = Tokenizer.from_file(os.path.join(args.model, "tokenizer.json"))
        compare(args, os.path.basename(args.model.rstrip("/")), t, args.model, records)


CONTEXTS = ["{}", "a{}b", "a?{}b", "e{}{}", "e\u0301{}\u0327x", "\u302e{}\u0334", "\ud55c{}\uae00", "\U0001d15e{}\u0316\u302a", "\u5b57{}\u0345"]


def code_points(args, work):
    vocab = {s: i for i, s in enumerate(SPECIALS)}
    for prefix in ("", "##"):
        for c in CODE_POINTS:
            vocab.setdefault(prefix + c, len(vocab))
    for options in (dict(), dict(lower=False), dict(strip=False), dict(lower=False, strip=True), dict(clean=False),
                    dict(clean=False, lower=False, strip=True), dict(cjk=False), dict(normalizer=False)):
        t = make(vocab, **options)
        directory = saved(t, os.path.join(work, "code_points"))
        texts = []
        for context in CONTEXTS:
            for i in range(0, len(CODE_POINTS), 512):
                texts.append("|".join(context.format(c, c) for c in CODE_POINTS[i:i + 512]))
        compare(args, f"every code point in {len(CONTEXTS)} contexts, {options}", t, directory, [Record(s) for s in texts])


# What random texts are made of; each entry is one draw.
def alphabet(rng):
    nfd = normalizers.NFD().normalize_str
    cased = [c for c in CODE_POINTS if c.lower() != c]
    decomposing = [c for c in CODE_POINTS if nfd(c) != c]
    marks = [chr(c) for r in ((0x300, 0x370), (0x483, 0x488), (0x591, 0x5C8), (0x64B, 0x660), (0x93C, 0x94E),
                              (0xF71, 0xF88), (0x1AB0, 0x1AF0), (0x302A, 0x3030), (0x20D0, 0x20F1), (0x1D165, 0x1D173),
                              (0xA8E0, 0xA8F2), (0x1DC0, 0x1E00), (0xFE00, 0xFE10)) for c in range(*r)]
    ranges = [(0x1100, 0x1200), (0xAC00, 0xD7A4), (0x3400, 0x9FFF), (0x20000, 0x2CEB0), (0xF900, 0xFB00),
              (0x2F800, 0x2FA20), (0xE000, 0xF8FF), (0xF0000, 0x10FFFE), (0x1F000, 0x1FAFF), (0x3040, 0x3100),
              (0x400, 0x530), (0x590, 0x700), (0x900, 0xE00), (0x80, 0x250), (0x2000, 0x2070), (0x10000, 0x11FFF)]
    pool = list("abcdefghijklmnopqrstuvwxyzABCDEIZ019 .,!?-_[]#$'\t\n\r\x0b\x0c\x85\x00\x7f\xa0\xad")
    pool += ["\u200d", "\u200b", "\u2028", "\u2029", "\u3000", "\u1680", "\u180e", "\ufeff", "\ufffd", "\u0130", "\u1e9e", "\u03a3",
             "\u0345", "\u0344", "\u0f73", "\u0f75", "\u0f81", "\u1fef", "\u037e", "\u2126", "\u212b", "\U0001d15e", "\U0001d160",
             "\u302e", "\u302f", "\U00011938", "\u0dda", "\u302a"]
    pool += rng.sample(cased, 60) + rng.sample(decomposing, 120) + rng.sample(marks, 120)
    pool += [chr(rng.randrange(*rng.choice(ranges))) for _ in range(150)] + rng.sample(CODE_POINTS, 60)
    return pool


ADDED = ["[MASK]", "[SEP]", "[CLS]", "[X]", "[x]", "foo", "Foo", "fo", "o b", " x", "y ", "\u00e9t\u00e9", "E\u0301", "\u5b57",
         "\u5b57\u5b57", "a", "ab", "abc", "[", "]", " ", "  ", "\u03a3\u03c2", "\u1100\u1161", "\uac00", "c\t", "#", "##b", "ae\u0301"]


def campaign(args, work):
    rng = random.Random(args.seed)
    options = list(itertools.product((True, False), (True, False), (None, True, False), (True, False), (False, True)))
    for number, (clean, cjk, strip, lower, with_added) in enumerate(options):
        pool = alphabet(rng)
        variants = {f(c) for c in pool for f in (str, str.lower, normalizers.NFD().normalize_str,
                                                 lambda c: normalizers.NFD().normalize_str(c).lower())}
        letters = sorted({c for v in variants for c in v if c != "\0"})
        vocab = {s: i for i, s in enumerate(SPECIALS)}
        prefix = rng.choice(["##", "##", "##", "", "\u2581", "#"])
        for c in letters:
            if rng.random() < 0.95:
                vocab.setdefault(c, len(vocab))
            if rng.random() < 0.9:
                vocab.setdefault(prefix + c, len(vocab))
        for _ in range(1500):
            word = "".join(rng.choice(letters if rng.random() < 0.3 else "abcdefgh\u0301\u0327") for _ in range(rng.randrange(2, 6)))
            vocab.setdefault(rng.choice([prefix, ""]) + word, len(vocab))
        added = []
        if with_added:
            for content in rng.sample(ADDED, rng.randrange(1, 9)):
                flag = lambda p: rng.random() < p  # noqa: E731
                added.append(AddedToken(content, single_word=flag(0.3), lstrip=flag(0.3), rstrip=flag(0.3),
                                        normalized=flag(0.5), special=flag(0.4)))
        max_chars = rng.choice([100, 100, 100, 7, 1, 0, 1000])
        normalize = lambda s: normalizers.BertNormalizer(clean, cjk, strip, lower).normalize_str(s)  # noqa: E731
        # The package leaves it to chance which of two tokens with the same normalised text it finds.
        seen, distinct = set(), []
        for a in added:
            key = normalize(a.content) if a.normalized else (a.content,)
            if key and key not in seen:
                seen.add(key)
                distinct.append(a)
        t = make(vocab, clean, cjk, strip, lower, max_chars, prefix, distinct, bert_processing=rng.random() < 0.3)
        directory = saved(t, os.path.join(work, f"campaign{number}"))

        def text():
            kind = rng.random()
            if kind < 0.02:
                return rng.choice(["", " ", "\n", "\ufffd", "\u0301", rng.choice(pool) * rng.choice([99, 100, 101, 300])])
            parts = []
            for _ in range(rng.choice([1, 2, 3, 5, 8, 20, 60])):
                r = rng.random()
                if r < 0.55:
                    parts.append(rng.choice(pool))
                elif r < 0.75:
                    parts.append(rng.choice("abcdefgh ABC "))
                elif r < 0.87:
                    parts.append(rng.choice(ADDED + SPECIALS if with_added else SPECIALS))
                elif r < 0.9:
                    parts.append(rng.choice("abcdefgh\u0301") * rng.randrange(1, 120))
                elif r < 0.95:
                    parts.append(" " * rng.randrange(4))
                else:
                    parts.append("".join(rng.choice(pool) for _ in range(rng.randrange(9))))
            s = "".join(parts)
            if rng.random() < 0.15:  # ill-formed UTF-8: cut, spoilt or surrogate bytes
                raw = bytearray(s.encode())
                for _ in range(rng.randrange(1, 4)):
                    at = rng.randrange(len(raw) + 1)
                    raw[at:at + rng.randrange(2)] = rng.choice([b"\x80", b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80",
                                                               b"\xe4\xbd", b"\xf0\x9f\x98", b"\xfe", b""])
                return bytes(raw)
            return s

        records = []
        for _ in range(args.campaign):
            pair = text() if rng.random() < 0.3 else None
            bare = rng.random() < 0.2
            least = 0 if bare else 3 if pair is not None else 2
            length = rng.choice([0, 0, 0, rng.randrange(max(least, 2), 21), rng.randrange(21, 200)])
            records.append(Record(text(), pair, rng.random() < 0.5, bare, length))
        flags = ",".join(f"{a.content!r}:" + "".join(n for n, on in zip("wlrns", (a.single_word, a.lstrip, a.rstrip, a.normalized, a.special)) if on) for a in distinct)
        compare(args, f"campaign clean={clean} cjk={cjk} strip={strip} lower={lower} chars={max_chars} prefix={prefix!r} [{flags}]",
                t, directory, records)


def vocab_files(args, work):
    from transformers import BertTokenizer
    flags = lambda **on: {**dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True), **on}  # noqa: E731
    tokens = SPECIALS + ["hello", "World", "world", "##x", "caf\u00e9", "cafe", "x", "y", "<", ">", "##world", "\u5b57"]
    vocabularies = {"plain": "\n".join(tokens) + "\n", "crlf": "\r\n".join(tokens), "blanks": " \n".join(tokens) + "\n\u2028\n\t\n",
                    "twice": "\n".join(tokens + ["hello", "y", "last"])}
    configs = [None, {}, {"do_lower_case": False}, {"strip_accents": False}, {"do_lower_case": False, "strip_accents": True},
               {"tokenize_chinese_chars": False}, {"unk_token": "world", "mask_token": {"__type": "AddedToken", "content": "<x>", **flags(lstrip=True, special=False)}},
               {"added_tokens_decoder": {"4": {"content": "[MASK]", **flags(lstrip=True)}, "17": {"content": "<y>", **flags(special=False, normalized=True)}}},
               {"added_tokens_decoder": {"17": {"content": "<S>", **flags(rstrip=True)}}, "cls_token": "<S>"},
               {"additional_special_tokens": ["<x>", "[SEP]", "<y>"]}, {"extra_special_tokens": ["<x>", {"__type": "AddedToken", "content": "World", **flags()}]},
               {"bos_token": "<x>", "mask_token": "[M]"}, {"map": {"mask_token": {"content": "<x>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}, "unk_token": "hello"}, "added": {"<y>": 17}}]
    sentences = ["hello WORLD caf\u00e9 [MASK] <x> <y> <S> <s> \u5b57\u5b57 helloworldx [M]", "[CLS]World [SEP] x y  <y>", "", "worldx [MASK]"]
    for name, text in vocabularies.items():
        for number, config in enumerate(configs):
            directory = os.path.join(work, f"vocab_{name}_{number}")
            os.makedirs(directory)
            with open(os.path.join(directory, "vocab.txt"), "wb") as file:
                file.write(text.encode())
            config = None if config is None else dict(config)
            for key, file in (("map", "special_tokens_map.json"), ("added", "added_tokens.json")):
                if config and key in config:
                    with open(os.path.join(directory, file), "w") as out:
                        json.dump(config.pop(key), out)
            if config is not None:
                with open(os.path.join(directory, "tokenizer_config.json"), "w") as out:
                    json.dump(config, out)
            if name in ("blanks", "twice") and ("17" in json.dumps(config) or number == len(configs) - 1):
                continue  # 17 is taken there
            if name in ("blanks", "twice") and any(k in (config or {}) for k in ("additional_special_tokens", "extra_special_tokens", "bos_token", "unk_token")):
                continue  # the package gives a new token the id of another one
            t = BertTokenizer.from_pretrained(directory)._tokenizer
            records = [Record(s, p, special) for s in sentences for p in (None, "hello <y>") for special in (False, True)]
            compare(args, f"vocab.txt {name}, {config}", t, directory, records)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    side = parser.add_mutually_exclusive_group(required=True)
    side.add_argument("--dump")
    side.add_argument("--inkling")
    parser.add_argument("--data")
    parser.add_argument("--model")
    parser.add_argument("--code-points", action="store_true")
    parser.add_argument("--campaign", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocab-files", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if args.vocab_files:
            vocab_files(args, work)
        if args.campaign:
            campaign(args, work)
        if args.code_points:
            code_points(args, work)
        if args.data:
            data_sets(args, work)
    print("all equal" if not failures else f"{failures} texts differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
