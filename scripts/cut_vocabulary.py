#!/usr/bin/env python3
"""usage: cut_vocabulary.py INKLING TOKENIZER_DIR OUT_DIR COUNT FILE...

Makes OUT_DIR: TOKENIZER_DIR's WordPiece vocabulary, cut down to what texts like FILE... need. It keeps, in their
order, the special tokens, every token that occurs at least COUNT times in the texts, and every single character of
Latin writing and its punctuation, at a word's beginning and inside it: so a word that lost its token still has
pieces. A model of a few million parameters spends most of them on its vocabulary; this is what makes it small.
"""
import json
import os
import subprocess
import sys
from collections import Counter


def is_latin(character):
    """Latin letters with their accents, and the punctuation, signs and currencies that go with them."""
    return ord(character) < 0x250 or 0x2010 <= ord(character) <= 0x2122


def main(inkling, tokenizer, out, count, *files):
    seen = Counter()
    tokenized = subprocess.Popen([inkling, "tokenize", "--quiet", "-m", tokenizer, *files], stdout=subprocess.PIPE)
    for line in tokenized.stdout:
        seen.update(json.loads(line)["tokens"])
    if tokenized.wait() != 0:
        sys.exit(f"{inkling} tokenize failed")

    def is_kept(token):
        piece = token.removeprefix("##")
        return (
            token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
            or seen[token] >= int(count)
            or (len(piece) == 1 and is_latin(piece))
        )

    with open(os.path.join(tokenizer, "vocab.txt"), encoding="utf-8") as f:
        tokens = f.read().split("\n")[:-1]
    kept = [token for token in tokens if is_kept(token)]
    with open(os.path.join(tokenizer, "tokenizer_config.json"), encoding="utf-8") as f:
        lower_case = json.load(f).get("do_lower_case", True)
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": lower_case, "model_max_length": 512}

    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "vocab.txt"), "w", encoding="utf-8") as f:
        f.writelines(token + "\n" for token in kept)
    with open(os.path.join(out, "tokenizer_config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=2)
        f.write("\n")
    print(f"{out}: {len(kept)} of {len(tokens)} tokens")


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
