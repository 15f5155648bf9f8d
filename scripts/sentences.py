#!/usr/bin/env python3
"""usage: sentences.py FILE.jsonl... >sentences.txt

Prints the sentences of labelled texts ({"text": ...}) one a line, each once: unlabelled text for
`inkling finetune --teacher`. A sentence ends where . ! or ? is followed by a space or a line ends; of 3 to 60 words.
"""
import json
import re
import sys


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.splitlines()[0])
    seen = set()
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            for line in f:
                for sentence in re.split(r"(?<=[.!?])[\"')]*\s+|\n+", json.loads(line)["text"]):
                    sentence = " ".join(sentence.split())
                    if 3 <= len(sentence.split()) <= 60 and sentence not in seen:
                        seen.add(sentence)
                        print(sentence)


if __name__ == "__main__":
    main()
