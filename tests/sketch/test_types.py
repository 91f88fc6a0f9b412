"""Type samples against a dictionary that counts everything, and their merging."""

from collections import Counter, defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.run_columns import TYPES
from auditor.sketch.types import FixedTypes, TypeSample, known_words, merge, subtract
from auditor.sketch.types_kernel import BLOCK, key_of
from auditor.text.tokens import Tokens, token_hash


def tokens_of(documents: list[list[int]]) -> Tokens:
    offsets = np.cumsum([0, *map(len, documents)])
    hashes = np.array([w * 0x9E3779B97F4A7C15 % 2**64 for d in documents for w in d], np.uint64)
    return Tokens(hashes, offsets, np.diff(offsets))


def corpus(seed: int, documents: int = 60, vocabulary: int = 400) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [(rng.zipf(1.3, rng.integers(0, 700)) % vocabulary + 1).tolist() for _ in range(documents)]


def sample_of(documents, group, bin, *, cap=2**17, fixed=None, eligible=None) -> pl.DataFrame:
    sample = TypeSample(cap=cap, fixed=fixed or FixedTypes.none())
    eligible = np.ones(len(documents), bool) if eligible is None else eligible
    sample.add(tokens_of(documents), group, bin, eligible)
    return sample.frame()


def naive(documents, group, bin) -> tuple[Counter, dict]:
    """Occurrences per (level, type, bin, group), and the set of blocks each stands in; type None: all types."""
    counts, blocks = Counter(), defaultdict(set)
    for d, words in enumerate(documents):
        hashes = tokens_of([words]).hashes
        last = max((len(words) + BLOCK // 2) // BLOCK, 1) - 1
        for n in (1, 2, 3):
            for i in range(len(words) - n + 1):
                for key in (int(key_of(*[hashes[i + j : i + j + 1] for j in range(n)])[0]), None):
                    cell = n, key, int(bin[d]), int(group[d])
                    counts[cell] += 1
                    blocks[cell].add((d, min(i // BLOCK, last)))
    return counts, blocks


def as_counts(frame: pl.DataFrame) -> dict:
    rows = frame.select("level", "type", "bin", "group", "count", "blocks").rows()
    return {row[:4]: row[4:] for row in rows}


@pytest.fixture(scope="module")
def small():
    documents = corpus(1, 25)
    rng = np.random.default_rng(2)
    group = rng.integers(0, 32, 25).astype(np.uint8)
    return documents, group, rng.choice([0, 3, 255], 25).astype(np.uint8)


def test_the_kernel_counts_what_a_dictionary_counts(small):
    counts, blocks = naive(*small)
    assert as_counts(sample_of(*small)) == {cell: (n, len(blocks[cell])) for cell, n in counts.items()}


def test_fixed_and_sampled_types_together_are_the_same_counts(small):
    frame = sample_of(*small)
    chosen = [
        frame.filter((pl.col("level") == n) & pl.col("type").is_not_null())["type"].unique()[:40] for n in (1, 2, 3)
    ]
    split = sample_of(*small, fixed=FixedTypes(tuple(c.to_numpy() for c in chosen)))
    assert as_counts(split) == as_counts(frame)
    fixed = split.filter(pl.col("fixed") & pl.col("type").is_not_null())
    assert set(fixed["type"]) == {key for keys in chosen for key in keys}


def test_a_full_table_keeps_the_lowest_keys_with_exact_counts(small):
    whole, capped = sample_of(*small), sample_of(*small, cap=500)
    for n in (1, 2, 3):
        threshold = capped.filter(pl.col("level") == n)["threshold"][0]
        expected = whole.filter((pl.col("level") == n) & (pl.col("fixed") | (pl.col("type") <= threshold)))
        found = capped.filter(pl.col("level") == n)
        assert found.drop("threshold").equals(expected.drop("threshold"))
        assert found.filter(~pl.col("fixed")).height <= 500
        above = whole.filter((pl.col("level") == n) & (pl.col("type") <= 2 * threshold + 1)).height
        assert threshold == 2**64 - 1 or above > 500, "the threshold fell further than it had to"


@given(st.permutations(range(4)), st.integers(1, 3), st.sampled_from([None, 300]))
def test_merging_in_any_order_and_grouping_gives_the_same_bytes(order, cut, cap):
    documents = corpus(5, 24, 200)
    group, bin = np.arange(24, dtype=np.uint8) % 32, np.full(24, 255, np.uint8)
    parts = [sample_of(documents[i::4], group[i::4], bin[i::4], cap=800 + 400 * i) for i in range(4)]
    at_once = merge(parts, cap=cap)
    shuffled = [parts[i] for i in order]
    grouped = merge([merge(shuffled[:cut], cap=cap), merge(shuffled[cut:], cap=cap)], cap=cap)
    assert grouped.equals(at_once)
    assert merge([grouped], cap=cap).equals(at_once)
    assert at_once.schema == pl.Schema(TYPES)


def test_batches_or_one_pass_make_no_difference(small):
    documents, group, bin = small
    sample = TypeSample(cap=600, fixed=FixedTypes.none())
    for d in range(len(documents)):
        sample.add(tokens_of([documents[d]]), group[d : d + 1], bin[d : d + 1], np.ones(1, bool))
    assert sample.frame().equals(sample_of(documents, group, bin, cap=600))


def test_taking_duplicates_off_leaves_the_sample_of_the_others(small):
    documents, group, bin = small
    duplicate = np.arange(len(documents)) % 3 == 0
    whole = sample_of(documents, group, bin, cap=3000)
    part = sample_of(documents, group, bin, cap=400, eligible=duplicate)
    rest = sample_of(documents, group, bin, eligible=~duplicate)
    low = part.group_by("level").agg(pl.col("threshold").min().alias("low"))
    expected = rest.join(low, on="level").filter(pl.col("fixed") | (pl.col("type") <= pl.col("low")))
    found = subtract(whole, part)
    assert as_counts(found) == as_counts(expected)


def test_documents_that_are_not_eligible_count_nowhere(small):
    assert sample_of(*small, eligible=np.zeros(len(small[0]), bool)).is_empty()


def test_the_shipped_list_knows_frequent_words_and_bigrams():
    words, bigrams, _ = FixedTypes.shipped().keys
    the, of = (np.array([token_hash(w)], np.uint64) for w in ("the", "of"))
    assert key_of(the)[0] in words
    assert key_of(of, the)[0] in bigrams
    assert key_of(the, of)[0] not in bigrams


def test_names_are_found_by_key():
    named = known_words(["en"], per_language=50)
    key = key_of(np.array([token_hash("the")], np.uint64))[0]
    assert named.filter(pl.col("type") == key)["word"].to_list() == ["the"]


def test_samples_of_any_threshold_are_absorbed_one_after_another():
    rng = np.random.default_rng(0)
    for types in (20_000, 50):  # the first lowers the threshold, the second keeps all
        samples = [TypeSample(cap=1000, fixed=FixedTypes.none()) for _ in range(2)]
        for sample in samples:
            tokens = Tokens(rng.integers(0, types, 9000).astype(np.uint64), np.array([0, 9000]), np.zeros(1, np.int64))
            sample.add(tokens, np.zeros(1, np.uint8), np.zeros(1, np.uint8), np.ones(1, bool))
        samples[0].absorb(samples[1])
        assert samples[0].frame().filter(level=1, fixed=False).height <= 1000
