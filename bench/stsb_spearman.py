#!/usr/bin/env python3
"""Are Inkling's sentence vectors sentence-transformers' own?

    bench/stsb_spearman.py MODEL_DIR STSB.jsonl [--inkling build/inkling]

MODEL_DIR is a sentence-transformers directory (all-MiniLM-L6-v2, say); STSB.jsonl has lines
{"text_a": ..., "text_b": ..., "score": 0 to 5}. Embeds every sentence with `inkling embed` and with
sentence-transformers in float32, each text alone, and compares the two vectors of every sentence, then the rank
correlation (Spearman) of cosine and human score that each side gives.

Needs numpy, scipy, torch, sentence-transformers. Exit status 1 if a cosine is under the bar or the Spearman
values differ in the fourth digit.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
BAR = 0.999999


def inkling_vectors(command, model, texts):
    import numpy as np
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/in.jsonl", "w", encoding="utf-8") as f:
            f.writelines(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in texts)
        # Hugging Face reads special tokens in the text, so Inkling is told to.
        subprocess.run([command, "embed", "-m", model, "--parse-special", "-o", d + "/x.npy", d + "/in.jsonl"],
                       check=True)
        return np.load(d + "/x.npy").astype(np.float64)


def reference_vectors(model, texts):
    import numpy as np
    from sentence_transformers import SentenceTransformer
    st = SentenceTransformer(model, device="cpu", local_files_only=True).float().eval()
    return np.stack([st.encode(t, show_progress_bar=False) for t in texts]).astype(np.float64)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("data")
    p.add_argument("--inkling", default="build/inkling")
    a = p.parse_args()
    import numpy as np
    from scipy.stats import spearmanr

    with open(a.data, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    texts = list(dict.fromkeys(r[k] for r in rows for k in ("text_a", "text_b")))
    place = {t: i for i, t in enumerate(texts)}
    ours, theirs = inkling_vectors(a.inkling, a.model, texts), reference_vectors(a.model, texts)
    if ours.shape != theirs.shape:
        sys.exit("shapes differ: inkling %s, sentence-transformers %s" % (ours.shape, theirs.shape))

    def cosine(x, y):
        return (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)

    same = cosine(ours, theirs)
    left, right = [place[r["text_a"]] for r in rows], [place[r["text_b"]] for r in rows]
    score = [r["score"] for r in rows]
    rho = [spearmanr(cosine(v[left], v[right]), score)[0] for v in (ours, theirs)]
    worst = int(same.argmin())
    print("%d sentences, %d pairs" % (len(texts), len(rows)))
    print("lowest cosine between the two vectors of a sentence: %.9f  (bar %.6f)  %r" % (same[worst], BAR,
                                                                                     texts[worst][:60]))
    print("largest difference of a component:                   %.3g" % np.abs(ours - theirs).max())
    print("Spearman: inkling %.4f, sentence-transformers %.4f" % tuple(rho))
    sys.exit(not (same[worst] >= BAR and "%.4f" % rho[0] == "%.4f" % rho[1]))


main()
