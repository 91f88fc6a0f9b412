"""Makes auditor/sketch/types.parquet: the frequent types that every audit counts exactly (hashes only, no text).

Words: wordfreq's frequency lists through 2021. Bigrams and trigrams: the human documents of the labelled sources with
a stated licence (named in SOURCES), each source with the same weight per language.

    python benchmarks/diversity_types.py ../shared/data
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from auditor.sketch.types import known_words
from auditor.sketch.types_kernel import key_of
from auditor.text.batch import TextBatch

WORD_LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "ru",
    "pl",
    "zh",
    "ja",
    "ar",
    "vi",
    "id",
    "tr",
    "ko",
    "sv",
    "cs",
    "uk",
    "fa",
    "hi",
    "el",
    "he",
    "ro",
    "hu",
    "da",
    "fi",
    "nb",
    "bg",
    "ur",
)
WORDS, WORDS_ENGLISH = 1000, 8000
SOURCES = {
    "biscope": "CC-BY-SA-4.0",
    "fast_detect_gpt": "MIT",
    "glimpse": "MIT",
    "human_dated_gov": "CC0",
    "imbd": "Apache-2.0",
    "l2r": "CC-BY-3.0",
    "outfox": "Apache-2.0",
    "qwen_qa_multi": "MIT",
}
NGRAMS_ENGLISH, NGRAMS = 6000, 400
LEAST_DOCUMENTS = 5
TARGET = Path(__file__).parents[1] / "auditor" / "sketch" / "types.parquet"


def main(folder: str) -> None:
    words = known_words(WORD_LANGUAGES, per_language=WORDS)
    english = known_words(["en"], per_language=WORDS_ENGLISH)
    lists = {1: _interleaved([english["type"].to_numpy(), words["type"].to_numpy()])}
    human = pl.concat(_human(Path(folder) / f"{name}.parquet") for name in SOURCES)
    for n in (2, 3):
        ranked = [_frequent(rows, n, language[0]) for language, rows in human.group_by("language", maintain_order=True)]
        lists[n] = _interleaved(ranked)
    rows = [pl.DataFrame({"level": np.full(len(keys), n, np.uint8), "type": keys}) for n, keys in lists.items()]
    pl.concat(rows).write_parquet(TARGET, compression="zstd", compression_level=9, statistics=False)
    print({n: len(keys) for n, keys in lists.items()}, TARGET.stat().st_size)


def _human(path: Path) -> pl.DataFrame:
    rows = pl.read_parquet(path, columns=["text", "label", "language", "source"]).filter(pl.col("label") == "human")
    return rows.select("text", "language", "source").unique("text", maintain_order=True)


def _frequent(rows: pl.DataFrame, n: int, language: str) -> np.ndarray:
    """Keys of a language's most frequent n-grams by their mean share over sources."""
    shares = []
    for _, own in rows.group_by("source", maintain_order=True):
        tokens = TextBatch.of(own["text"]).tokens
        h = tokens.hashes
        document = np.repeat(np.arange(len(own)), tokens.words)
        keys = key_of(*[h[i : len(h) - n + 1 + i] for i in range(n)])
        inside = document[: len(keys)] == document[n - 1 :]
        counted = pl.DataFrame({"type": keys[inside], "document": document[: len(keys)][inside]})
        share = counted.group_by("type").agg(
            (pl.len() / max(int(inside.sum()), 1)).alias("share"), pl.col("document").n_unique().alias("documents")
        )
        shares.append(share)
    ranked = pl.concat(shares).group_by("type").agg(pl.col("share").sum(), pl.col("documents").sum())
    ranked = ranked.filter(pl.col("documents") >= LEAST_DOCUMENTS).sort("share", "type", descending=[True, False])
    return ranked["type"].head(NGRAMS_ENGLISH if language == "en" else NGRAMS).to_numpy()


def _interleaved(lists: list[np.ndarray]) -> np.ndarray:
    """Frequent types of all lists first (they then share cache lines); each type once."""
    rank = np.concatenate([np.arange(len(keys)) for keys in lists])
    keys = np.concatenate(lists)[np.argsort(rank, kind="stable")]
    _, first = np.unique(keys, return_index=True)
    return keys[np.sort(first)]


if __name__ == "__main__":
    main(sys.argv[1])
