"""The n-gram model: kernels against naive twins, windows, languages, and what an explanation adds up to."""

from collections import Counter
from itertools import pairwise
from math import log1p, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.detectors import ngrams
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.spans import spans
from auditor.text.tokens import mix

RNG = np.random.default_rng(5)
MODEL = ngrams.Ngrams.of({"en": (RNG.normal(size=1 << ngrams.BITS), 0.25)})
MASK = (1 << 64) - 1


def batch(*texts: str, languages: list[str | None] | None = None) -> TextBatch:
    known = None if languages is None else pl.Series(languages, dtype=pl.String)
    return TextBatch.of(pl.Series(texts, dtype=pl.String), known)


def naive_window(hashes: list[int]) -> float:
    places = [h >> (64 - ngrams.BITS) for h in hashes]
    places += [mix(np.uint64((b * int(ngrams.PRIME) & MASK) ^ a)) >> (64 - ngrams.BITS) for a, b in pairwise(hashes)]
    counts = {place: min(count, ngrams.MOST) for place, count in Counter(places).items()}
    norm = sqrt(sum(log1p(c) ** 2 for c in counts.values()))
    return sum(float(MODEL.weights[0, g]) * log1p(c) for g, c in counts.items()) / norm


def naive_score(text: str) -> float:
    hashes = [span.hash for span in spans(text)]
    k = max(1, (len(hashes) + ngrams.WINDOW // 2) // ngrams.WINDOW)
    cuts = [len(hashes) * i // k for i in range(k + 1)]
    return sum(naive_window(hashes[a:b]) for a, b in pairwise(cuts)) / k + 0.25


@settings(max_examples=15)
@given(st.integers(ngrams.MINIMUM_WORDS, 1500), st.integers(1, 60))
def test_the_kernel_scores_like_the_naive_twin(words: int, vocabulary: int):
    text = " ".join(f"w{i}" for i in np.random.default_rng(words).integers(0, vocabulary, words))
    assert MODEL.score(batch(text))[0] == pytest.approx(naive_score(text), abs=1e-3)


def test_training_features_give_the_same_score_as_the_scoring_kernel():
    text = batch(" ".join(f"w{i % 37}" for i in range(150)))
    indices, values = np.empty(300, np.int32), np.empty(300, np.float32)
    ends = np.zeros(2, np.int64)
    ngrams.features(text.tokens.hashes, np.array([0]), np.array([150]), indices, values, ends)
    dot = values[: ends[1]] @ MODEL.weights[0][indices[: ends[1]]] + 0.25
    assert MODEL.score(text)[0] == pytest.approx(dot, abs=1e-4)


def test_a_score_does_not_depend_on_the_rest_of_the_batch():
    texts = [" ".join(f"{seed}x{i % 23}" for i in range(40 + 200 * seed)) for seed in range(5)]
    alone = np.concatenate([MODEL.score(batch(text)) for text in texts])
    assert MODEL.score(batch(*texts)).tolist() == alone.tolist()
    assert MODEL.score(batch(*reversed(texts))).tolist() == alone[::-1].tolist()


def test_short_and_foreign_documents_have_no_score_and_unknown_ones_are_taken_as_the_first_language():
    long = "word " * 50
    scores = MODEL.score(batch("too short", long, long, long, languages=["en", "en", "fi", None]))
    assert np.isnan(scores).tolist() == [True, False, True, False]


@pytest.mark.parametrize("text", ["", "\x00" * 300, "😀" * 500, "a" * 1_000_000, "\ufffd\n" * 99, "x y " * 100_000])
def test_strange_text_gives_a_score_or_nan(text: str):
    score = MODEL.score(batch(text))[0]
    assert np.isnan(score) or np.isfinite(score)


def test_case_punctuation_and_line_breaks_do_not_move_the_score():
    words = [f"word{i % 19}" for i in range(60)]
    scores = MODEL.score(batch(" ".join(words), ",\n\n".join(words).upper()))
    assert scores[0] == scores[1]


def test_the_explanation_adds_up_to_the_score():
    text = " ".join(f"w{i % 29}" for i in range(100))
    found = MODEL.explain(text, most=10_000)
    assert sum(e.weight for e in found) + 0.25 == pytest.approx(float(MODEL.score(batch(text))[0]), abs=1e-3)
    assert all(text[e.start : e.end] == e.what for e in found)


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DetectorError, match="auditor detectors train"):
        ngrams.load(str(tmp_path))
