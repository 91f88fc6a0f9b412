"""Megabytes of text a CPU second of each first-tier detector, beside the tokeniser and scikit-learn's hashing.

Run: python benchmarks/detectors_speed.py [Parquet files with a column `text`]; without files, on made-up English.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import HashingVectorizer

from auditor.detectors import registry
from auditor.detectors.first_tier import Ensemble
from auditor.text.batch import TextBatch

REPEATS = 5
RESULTS = Path(__file__).with_suffix(".json")


def main(files: list[str]) -> None:
    texts = pl.concat([pl.read_parquet(file, columns=["text"])["text"] for file in files]) if files else made_up()
    texts = texts.sample(min(len(texts), 20_000), seed=1)
    batch = TextBatch.of(texts)
    ensemble = Ensemble.load()
    ensemble.score(TextBatch.of(texts[:50]))  # compiled and loaded
    megabytes = len(batch.text) / 1e6
    timed = {"tokens (shared)": lambda: TextBatch.of(texts)}
    timed |= {d.description.name: (lambda d=d: d.score(batch)) for d in registry.usable(tier=0)}
    timed["first tier together"] = lambda: ensemble.score(batch)
    speeds = {name: round(megabytes / best(call), 1) for name, call in timed.items()}
    few = texts[:500].to_list()
    hashing = HashingVectorizer(ngram_range=(1, 2), n_features=1 << 18)
    speeds["scikit-learn HashingVectorizer 1-2-grams"] = round(
        sum(len(t.encode()) for t in few) / 1e6 / best(lambda: hashing.transform(few)), 2
    )
    found = {"documents": len(texts), "bytes_per_document": round(megabytes * 1e6 / len(texts)), "mb_per_cpu_s": speeds}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def best(call) -> float:
    """CPU seconds of the fastest of several runs: other work on the machine only ever adds."""
    out = []
    for _ in range(REPEATS):
        start = process_time()
        call()
        out.append(process_time() - start)
    return min(out)


def made_up() -> pl.Series:
    """Documents of words drawn by their English frequency, with commas and full stops."""
    from wordfreq import top_n_list, word_frequency

    rng = np.random.default_rng(0)
    words = top_n_list("en", 20_000)
    shares = np.array([word_frequency(word, "en") for word in words])
    drawn = rng.choice(words, (10_000, 500), p=shares / shares.sum())
    return pl.Series([". ".join(" ".join(part) for part in np.split(row, 25)) for row in drawn])


if __name__ == "__main__":
    main(sys.argv[1:])
