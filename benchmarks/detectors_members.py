"""What two more members of the first tier would earn, and what they would cost: compression and excess words.

    python benchmarks/detectors_members.py SOURCES

Compression: how much shorter a text becomes with a zstd dictionary made from machine-written texts than with one made
from human ones (both of families other than the text's own). Excess words: the share of a text's words that became
more frequent in abstracts after 2022 (Kobak et al. 2025; SOURCES/excess_words.csv, those of style). Each is judged
alone and beside the first tier, by families left out whole, on texts normalised and cut to 100 words; sources and
classes weigh the same.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
import zstandard
from sklearn.linear_model import LogisticRegression

from auditor.detectors.training import evaluation, first_tier, labelled
from auditor.detectors.training import second_tier as joint
from auditor.detectors.training.labelled import Labelled
from auditor.text.tokens import tokenise

WORDS = 100
DICTIONARY = 112 << 10
LEVEL = 3
REPLICATES = 200
RESULT = Path(__file__).parent / "results" / "detectors_members.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    asked = parser.parse_args()
    corpus = labelled.read(asked.sources)
    learn = first_tier.sample(corpus, np.random.default_rng(first_tier.SEED))
    target = evaluation.judged(corpus, np.random.default_rng(0)).cut(WORDS)
    present = first_tier.out_of_family(learn, target)[0]
    scores = {"first": evaluation._together(present)}
    scores["compression"], speed = compression(learn, target)
    scores["excess words"] = excess_words(asked.sources / "excess_words.csv", target)
    for name in ("compression", "excess words"):
        scores[f"first + {name}"] = together(np.stack([scores["first"], scores[name]], 1), target)
    rows = list(judged(target, scores))
    found = {"words": WORDS, "documents": len(target.frame), "compression_mb_per_core_second": speed, "rows": rows}
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def compression(learn: Labelled, target: Labelled) -> tuple[np.ndarray, float]:
    """(n,) log of the ratio of both compressed lengths, positive where machine text explains more; MB a core second."""
    known, here = first_tier.folds(learn.frame), first_tier.folds(target.frame)
    texts, own = [t.encode() for t in target.texts()], [t.encode() for t in plain(learn)]
    out, seconds, size = np.zeros(len(texts)), 0.0, 0
    for fold in np.unique(here).tolist():
        packers = []
        for machine in (False, True):
            rows = np.flatnonzero((known != fold) & (learn.machine == machine))
            made = zstandard.train_dictionary(DICTIONARY, [own[row] for row in rows])
            packers.append(zstandard.ZstdCompressor(level=LEVEL, dict_data=made, write_content_size=False))
        start = process_time()
        for row in np.flatnonzero(here == fold):
            human, machine_made = (len(packer.compress(texts[row])) for packer in packers)
            out[row] = np.log(human / machine_made)
            size += len(texts[row])
        seconds += process_time() - start
    return out, round(size / 1e6 / seconds, 1)


def together(x: np.ndarray, target: Labelled) -> np.ndarray:
    """Logits (n,) from two scores (n, 2), with weights that saw nothing of a document's family nor of text without a
    licence."""
    out, here = np.full(len(x), np.nan), first_tier.folds(target.frame)
    known = np.isfinite(x).all(1)
    own, weights = known & target.frame["licensed"].to_numpy(), joint.equal_weights(target.frame)
    for fold in np.unique(here):
        rest = (here != fold) & own
        scale = x[rest].std(0)
        model = LogisticRegression().fit(x[rest] / scale, target.machine[rest], sample_weight=weights[rest])
        mine = (here == fold) & known
        out[mine] = model.decision_function(x[mine] / scale)
    return out


def plain(corpus: Labelled) -> list[str]:
    return corpus.texts().to_frame().select(labelled.normalised(pl.col("text")))["text"].to_list()


def excess_words(listed: Path, target: Labelled) -> np.ndarray:
    """(n,) square root of the share of words that are on the list."""
    words = pl.read_csv(listed).filter(pl.col("type") == "style")["word"].to_list()
    raw = [word.encode() for word in words]
    tokens = tokenise(np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)]))
    keys = np.sort(tokens.hashes)
    hashes, offsets = target.batch.tokens.hashes, target.batch.tokens.offsets
    hit = keys[np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)] == hashes
    total = np.concatenate([[0], np.cumsum(hit)])
    return np.sqrt((total[offsets[1:]] - total[offsets[:-1]]) / np.maximum(np.diff(offsets), 1))


def judged(target: Labelled, scores: dict[str, np.ndarray]):
    """AUROC and true positive rate at 1% false ones by generators, with 95% bootstrap intervals."""
    rng = np.random.default_rng(1)
    base, named = target.frame["base"].to_numpy(), target.frame["named"].to_numpy()
    for scope, mask in {"instruction-tuned": ~base & named, "base models": base | ~target.machine}.items():
        rows = np.flatnonzero(mask)
        weights = joint.equal_weights(target.frame[rows])
        draws = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), REPLICATES) * weights
        for name, values in scores.items():
            found = evaluation.rates(values[rows], target.machine[rows], np.vstack([weights, draws]))
            low, high = np.quantile(found[1:], [0.025, 0.975], axis=0)
            yield {
                "scope": scope,
                "scorer": name,
                "auroc": [round(float(x[0]), 3) for x in (found[0], low, high)],
                "tpr_1": [round(float(x[3]), 3) for x in (found[0], low, high)],
            }


if __name__ == "__main__":
    main()
