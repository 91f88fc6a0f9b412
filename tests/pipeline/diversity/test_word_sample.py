"""Documents drawn by hash: the same ones in any order of batches, and a uniform sample of every scope."""

import numpy as np
import polars as pl
import pytest

from auditor.pipeline.diversity.word_sample import WordSample
from auditor.pipeline.map import word_sample as kept_words
from auditor.pipeline.map.word_sample import EVERY, ceilings, lowest


@pytest.fixture
def documents() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = 5000
    return pl.DataFrame(
        {
            "stable_id": rng.permutation(10 * n)[:n].astype(np.uint64),
            "language": rng.choice(["en", "de", "sw"], n, p=[0.9, 0.095, 0.005]),
            "topic": rng.choice([f"t{i}" for i in range(200)], n),
            "category": pl.Series([None] * n, dtype=pl.String),
        }
    )


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"PER_SPLIT": 300, "PER_STRATUM": 40, "STRATA": 8}.items():
        monkeypatch.setattr(kept_words, name, value)


def test_batches_may_come_in_any_order(documents):
    whole = lowest(documents)
    parts = documents.sample(fraction=1, shuffle=True, seed=1)
    kept = lowest(parts.head(0))
    for start in range(0, parts.height, 700):
        kept = lowest(pl.concat([kept, lowest(parts.slice(start, 700))]))
    assert kept.equals(whole)


def test_a_minority_is_kept_whole_and_large_scopes_by_the_lowest_ids(documents):
    kept = lowest(documents)
    found = ceilings(kept)
    assert kept.filter(pl.col("language") == "sw").height == documents.filter(pl.col("language") == "sw").height
    assert found["language", "sw"] == EVERY
    for key, below in found.items():
        scope = documents if key[0] == "all" else documents.filter(pl.col(key[0]) == key[1])
        inside = kept.join(scope, on="stable_id", how="semi").filter(pl.col("stable_id") <= below)
        assert inside.height == scope.filter(pl.col("stable_id") <= below).height, key


def test_the_sample_of_a_scope_reaches_as_far_as_its_least_complete_split():
    rows = pl.DataFrame(
        {
            "stable_id": np.arange(10, dtype=np.uint64),
            "role": "corpus",
            "language": ["en", "de"] * 5,
            "year": "2020",
            "start": range(0, 50, 5),
            "size": 5,
        }
    )
    found = WordSample(
        rows, np.arange(50, dtype=np.uint64), {("corpus", "all", ""): 3, ("corpus", "language", "de"): 7}
    )
    assert found.of("year", "2020")["stable_id"].to_list() == [0, 1, 2, 3]
    assert found.of("language", "de")["stable_id"].to_list() == [1, 3, 5, 7]
    assert found.tokens(found.of("language", "de")).hashes.tolist()[:6] == [5, 6, 7, 8, 9, 15]
