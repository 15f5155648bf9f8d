#!/usr/bin/env python3
"""What counting words alone is worth: naive Bayes and a linear model, on the splits a model's card speaks of.

    bench/word_counts.py DIR... [--label oos]

Each DIR holds train.jsonl and dev.jsonl ({"text", "label"}). A text is its lower-cased words and pairs of
neighbouring words; of writing without spaces (Chinese) its characters and pairs of them. Naive Bayes is multinomial
over counts, the linear model a support vector machine (C 0.5) over tf-idf with 1 + log counts, both as scikit-learn has
them, untuned. Prints a line a set: accuracy on dev, and with --label that label's recall and the accuracy on all the
others. Needs scikit-learn.
"""
import argparse
import json
import os


def read(path):
    with open(path, encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    return [r["text"] for r in records], [r["label"] for r in records]


def spaceless(texts):
    return sum(t.count(" ") for t in texts) < sum(map(len, texts)) / 40


def main():
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", nargs="+", metavar="DIR")
    parser.add_argument("--label", help="a label to report apart, such as that of what is out of scope")
    args = parser.parse_args()
    for folder in args.dirs:
        train, labels = read(os.path.join(folder, "train.jsonl"))
        dev, truth = read(os.path.join(folder, "dev.jsonl"))
        units = {"analyzer": "char"} if spaceless(train) else {"token_pattern": r"\w+|[^\w\s]"}
        units["ngram_range"] = (1, 2)
        models = {"naive Bayes": make_pipeline(CountVectorizer(**units), MultinomialNB()),
                  "linear": make_pipeline(TfidfVectorizer(sublinear_tf=True, **units), LinearSVC(C=0.5))}
        for name, model in models.items():
            right = [g == t for g, t in zip(model.fit(train, labels).predict(dev), truth)]
            line = f"{os.path.basename(folder.rstrip('/'))}\t{name}\taccuracy {sum(right) / len(right):.4f}"
            if args.label in labels:
                apart = [r for r, t in zip(right, truth) if t == args.label]
                rest = [r for r, t in zip(right, truth) if t != args.label]
                line += f"\trecall of {args.label} {sum(apart) / len(apart):.4f}, others {sum(rest) / len(rest):.4f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
