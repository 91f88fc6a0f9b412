"""The n-gram model: kernels against naive twins, windows, languages, and what an explanation adds up to."""

from collections import Counter
from itertools import pairwise
from math import log1p, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.detectors.first import ngram_kernels as kernels
from auditor.detectors.first import ngrams, wordstream
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

RNG = np.random.default_rng(5)
CENTRES, SPREADS = np.array([[0.25, -0.5]]), np.array([[2.0, 0.5]])
MODEL = ngrams.Ngrams.of(RNG.normal(size=(1, 2, 2, 1 << kernels.BITS)), {"en": 0}, CENTRES, SPREADS)
MASK = (1 << 64) - 1


def batch(*texts: str, languages: list[str | None] | None = None) -> TextBatch:
    known = None if languages is None else pl.Series(languages, dtype=pl.String)
    return TextBatch.of(pl.Series(texts, dtype=pl.String), known)


def naive_places(tokens: list[int], orders: int) -> list[int]:
    found = []
    for order in range(orders):
        for t in range(order, len(tokens)):
            h = tokens[t]
            for back in range(1, order + 1):
                h = ((h * int(kernels.PRIME) & MASK) ^ tokens[t - back]) * int(kernels.SPREAD) & MASK
            found.append(h >> (64 - kernels.BITS))
    return found


def naive_window(tokens: list[int], block: int, head: int) -> float:
    counts = {p: min(c, kernels.MOST) for p, c in Counter(naive_places(tokens, kernels.ORDERS[block])).items()}
    norm = sqrt(sum(round(log1p(c) * 64) ** 2 for c in counts.values()))
    weights = kernels.unpack(MODEL.weights[0, block])[:, head] * MODEL.scales[0, block, head]
    return sum(float(weights[g]) * round(log1p(c) * 64) for g, c in counts.items()) / norm


def naive_heads(text: str) -> list[float]:
    tokens = wordstream.places(text, ngrams.READ_BYTES)
    k = max(1, (len(tokens) + kernels.WINDOW // 2) // kernels.WINDOW)
    cuts = [len(tokens) * i // k for i in range(k + 1)]
    blocks = [[token.word for token in tokens], [token.form for token in tokens]]
    raw = [
        sum(naive_window(own[a:b], n, head) for n, own in enumerate(blocks) for a, b in pairwise(cuts)) / k
        for head in range(2)
    ]
    return [(x - c) / s for x, c, s in zip(raw, CENTRES[0], SPREADS[0], strict=True)]


@settings(max_examples=15)
@given(st.integers(ngrams.MINIMUM_WORDS, 1500), st.integers(1, 60))
def test_the_kernel_scores_like_the_naive_twin(words: int, vocabulary: int):
    marked = np.random.default_rng(words)
    listed = [f"w{'abc'[i % 3]}{'xyz'[i % 7 % 3]}{',' * (i % 5 == 0)}" if i % 2 else "the" for i in range(vocabulary)]
    text = " ".join(listed[i] for i in marked.integers(0, vocabulary, words))
    assert MODEL.heads(batch(text))[0].tolist() == pytest.approx(naive_heads(text), abs=1e-6)


def test_training_features_give_the_same_score_as_the_scoring_kernel():
    text = batch(" ".join(f"w{'abcdefg'[i % 7]}, the" for i in range(70)))
    read = wordstream.streams(text, np.array([0]))
    total = np.zeros(2)
    for block, tokens in enumerate((read.words, read.forms)):
        room = len(tokens) * kernels.ORDERS[block]
        indices, values, ends = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(2, np.int64)
        kernels.features(tokens, kernels.ORDERS[block], read.offsets[:1], read.offsets[1:], indices, values, ends)
        weights = kernels.unpack(MODEL.weights[0, block][indices[: ends[1]]]) * MODEL.scales[0, block]
        total += values[: ends[1]] @ weights
    expected = (total - CENTRES[0]) / SPREADS[0]
    assert MODEL.heads(text)[0].tolist() == pytest.approx(expected.tolist(), abs=0.02)  # logs in steps of 1/64


@pytest.mark.parametrize("extreme", [-127, -1, 0, 1, 127])
def test_packing_keeps_both_heads_weights(extreme: int):
    small = np.zeros((1, 2, 2, 1 << kernels.BITS), np.int8)
    small[0, :, 0, :5] = [[extreme] * 5, [-127, -1, 0, 1, 127]]
    back = kernels.unpack(kernels.pack(small)[0, 0, :5])
    assert back.tolist() == [[extreme, other] for other in (-127, -1, 0, 1, 127)]


def test_eight_bits_move_no_score_much():
    exact = RNG.normal(size=(1, 2, 2, 1 << kernels.BITS))
    small, scales = kernels.quantised(exact)
    restored = small * scales.swapaxes(1, 2)[..., None]
    assert np.abs(restored - exact).max() <= scales.max() / 2 + 1e-9


def test_a_score_does_not_depend_on_the_rest_of_the_batch():
    texts = [" ".join(f"{seed}x{i % 23}" for i in range(40 + 200 * seed)) for seed in range(5)]
    alone = np.concatenate([MODEL.score(batch(text)) for text in texts])
    assert MODEL.score(batch(*texts)).tolist() == alone.tolist()
    assert MODEL.score(batch(*reversed(texts))).tolist() == alone[::-1].tolist()


def test_short_and_foreign_documents_have_no_score_and_unknown_ones_are_taken_as_the_first_language():
    long = "word " * 50
    scores = MODEL.score(batch("too short", long, long, long, languages=["en", "en", "fi", None]))
    assert np.isnan(scores).tolist() == [True, False, True, False]


def test_texts_without_spaces_are_long_enough_by_characters():
    model = ngrams.Ngrams.of(RNG.normal(size=(1, 2, 2, 1 << kernels.BITS)), {"zh": 0})
    scores = model.score(batch("天" * 99, "天" * 100, languages=["zh", "zh"]))
    assert np.isnan(scores).tolist() == [True, False]


@pytest.mark.parametrize("text", ["", "\x00" * 300, "😀" * 500, "a" * 1_000_000, "\ufffd\n" * 99, "x y " * 100_000])
def test_strange_text_gives_a_score_or_nan(text: str):
    score = MODEL.score(batch(text))[0]
    assert np.isnan(score) or np.isfinite(score)


def test_case_quotes_and_line_breaks_do_not_move_the_score():
    words = [f'word{"abcdefghijk"[i % 11]}\'s "so"' for i in range(60)]
    curly = "\n\n".join(words).upper().replace("'", "’").replace('"', "“")
    scores = MODEL.score(batch(" ".join(words), curly))
    assert scores[0] == scores[1]


def test_the_explanation_adds_up_to_the_score():
    text = " ".join(f"w{'abcdefghijk'[i % 11]}," for i in range(100))
    found = MODEL.explain(text, most=10_000)
    found_with = MODEL.explain(text, most=10_000, weights=(0.0, 1.0))
    raw = MODEL.heads(batch(text))[0] + CENTRES[0] / SPREADS[0]
    assert sum(e.weight for e in found_with) == pytest.approx(raw[1], abs=1e-6)
    assert all(text[e.start : e.end] == e.what for e in found)


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DetectorError, match="auditor detectors train"):
        ngrams.load(str(tmp_path))
