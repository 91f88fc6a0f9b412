"""Signatures against datasketch, bit for bit, and against a slow twin of the shingles, on any Unicode."""

import numpy as np
import polars as pl
import pytest
from datasketch import MinHash
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.sketch import minhash
from auditor.sketch.minhash import permutations, shingle_set, signatures, signed
from auditor.text.arrow import buffers
from auditor.text.spans import spans
from auditor.text.tokens import Tokens, tokenise

TEXTS = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=4)
PERMUTED = permutations()
MASK = (1 << 64) - 1


def tokens_of(*texts: str) -> Tokens:
    return tokenise(*buffers(pl.Series(texts, dtype=pl.String)))


def naive_shingles(hashes: list[int], width: int) -> list[int]:
    """The 64-bit hash of each shingle, from its definition."""
    found = []
    for i in range(max(len(hashes) - width + 1, min(len(hashes), 1))):
        h = 0
        for token in hashes[i : i + width]:
            h = (h * int(minhash.PRIME) + token) & MASK
        found.append(h)
    return found


def naive_signature(hashes: list[int], width: int, count: int, seed: int) -> np.ndarray:
    sketch = MinHash(num_perm=count, seed=seed, scheme="affine32", hashfunc=lambda h: h)
    sketch.update_batch([h >> 32 for h in naive_shingles(hashes, width)])
    return sketch.hashvalues


@given(TEXTS, st.integers(1, 7), st.sampled_from([(128, 1), (64, 7), (3, 2**32 - 1)]))
@example(
    ["", "word", "one two three four", "one two three four five", "ααα βββ γγγ δδδ εεε ζζζ", "我爱北京天安门"],
    5,
    (128, 1),
)
@example(["spam " * 100, "\x00 \U0002a6d6\u0301 don’t DON'T"], 5, (128, 1))
def test_signatures_are_datasketchs_own_to_the_bit(texts, width, drawn):
    count, seed = drawn
    got = signatures(tokens_of(*texts), permutations(count, seed), width=width)
    assert got.dtype == np.uint32 and got.shape == (len(texts), count)
    for text, row in zip(texts, got, strict=True):
        expected = naive_signature([span.hash for span in spans(text)], width, count, seed)
        assert row.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "size", [minhash.LANE - 1, minhash.LANE, minhash.BLOCK + 3, minhash.BLOCK + 4, 3 * minhash.BLOCK]
)
def test_long_documents_agree_across_blocks_and_lanes(size):
    hashes = np.random.default_rng(size).integers(0, 1 << 64, size, np.uint64)
    tokens = Tokens(hashes, np.array([0, size]), np.array([size]))
    assert signatures(tokens, PERMUTED)[0].tolist() == naive_signature(hashes.tolist(), 5, 128, 1).tolist()
    assert shingle_set(tokens, 0).tolist() == sorted(set(naive_shingles(hashes.tolist(), 5)))


@pytest.mark.parametrize(("count", "seed"), [(128, 1), (256, 42), (1, 0)])
def test_permutations_are_datasketchs(count, seed):
    a, b = MinHash(num_perm=count, seed=seed, scheme="affine32").permutations
    ours = permutations(count, seed)
    assert ours.a.tolist() == a.tolist() and ours.b.tolist() == b.tolist()
    assert ours.as_dict() == {"scheme": "affine32", "permutations": count, "seed": seed}


def test_a_document_without_tokens_has_no_signature_and_datasketch_calls_it_empty():
    rows = signatures(tokens_of("", "  \n", "!?…", "word"), PERMUTED)
    assert signed(rows).tolist() == [False, False, False, True]
    assert MinHash(hashvalues=rows[0], scheme="affine32").is_empty()


def test_a_document_shorter_than_a_shingle_resembles_only_the_same_words_in_the_same_order():
    rows = signatures(
        tokens_of("Page not found", "page NOT found!", "not found page", "page not", "page not found now"), PERMUTED
    )
    assert (rows[0] == rows[1]).all()
    assert [(rows[0] == row).mean() for row in rows[2:]] == [0, 0, 0]


def test_one_repeated_word_is_one_shingle_however_long():
    tokens = tokens_of("spam " * 5, "spam " * 10_000, "spam " * 4)
    rows = signatures(tokens, PERMUTED)
    assert (rows[0] == rows[1]).all() and not (rows[0] == rows[2]).any()
    assert len(shingle_set(tokens, 1)) == 1


def test_the_estimate_is_unbiased_with_the_binomial_error():
    rng = np.random.default_rng(5)
    n, size, shared = 400, 300, 240
    hashes = rng.integers(0, 1 << 64, (n, 2, size), np.uint64)
    hashes[:, 1, :shared] = hashes[:, 0, :shared]
    flat = Tokens(hashes.ravel(), np.arange(0, 2 * n * size + 1, size), np.full(2 * n, size))
    rows = signatures(flat, PERMUTED, width=1).reshape(n, 2, 128)
    estimates = (rows[:, 0] == rows[:, 1]).mean(axis=1)
    true = shared / (2 * size - shared)
    deviation = (true * (1 - true) / 128) ** 0.5
    assert abs(estimates.mean() - true) < 4 * deviation / n**0.5
    assert abs(estimates.std() / deviation - 1) < 0.15
