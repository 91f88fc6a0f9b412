"""Measures of style: against a slow count, and the shipped frequency classes against wordfreq's."""

import re
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from auditor.detectors.first import style_measures, stylometry
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

RNG = np.random.default_rng(11)
TEXT = (
    "It rained. “Shall we go?” he asked; nobody - not one of them - answered him! The well-known 3,500 steps "
    "(don't count) took hours: slowly, very slowly, they went up. "
)


def measured(text: str) -> dict[str, float]:
    values = style_measures.measures(TextBatch.of(pl.Series([text])))[0]
    return dict(zip(style_measures.NAMES, values.tolist(), strict=True))


def test_the_shipped_frequency_classes_are_wordfreqs():
    table = np.zeros_like(style_measures.rarity())
    listed = style_measures.listed_rarity()
    table[listed["places"]] = listed["values"]
    assert (table == style_measures.rarity()).all()
    assert len(listed["places"]) > 50_000


def test_rates_are_those_of_a_slow_count():
    text = TEXT * 3
    words = re.findall(r"[A-Za-z0-9]+(?:['’][A-Za-z0-9]+)*", text)
    found = measured(text)
    assert found["word_length"] == pytest.approx(np.mean([len(re.sub("['’]", "", w)) for w in words]), rel=1e-5)
    for name, count in {"commas": 3, "semicolons": 1, "questions": 1, "exclamations": 1, "colons": 1}.items():
        assert found[name] == pytest.approx(np.sqrt(3 * count / len(words)), rel=1e-5), name
    assert found["quotes"] == pytest.approx(np.sqrt(6 / len(words)), rel=1e-5)
    assert found["dashes"] == pytest.approx(np.sqrt(9 / len(words)), rel=1e-5)
    assert found["brackets"] == pytest.approx(np.sqrt(6 / len(words)), rel=1e-5)


def test_sentence_lengths_are_counted_in_words():
    found = measured("One two three. Four five six seven eight. " * 4)
    assert found["sentence_length"] == pytest.approx(np.log(4.0), rel=1e-5)
    assert found["sentence_spread"] == pytest.approx(0.25, rel=1e-5)
    assert found["sentence_change"] == pytest.approx(0.5, rel=1e-5)


def test_only_the_beginning_of_a_long_document_is_read():
    start = TEXT * (style_measures.READ_BYTES // len(TEXT.encode()) + 1)
    assert measured(start + "x, " * 5000) == pytest.approx(measured(start + "y; " * 9000), rel=1e-6)


def test_rarity_counts_every_word_read_once():
    found = measured(TEXT * 20)
    assert sum(found[f"rarity_{k}"] ** 2 for k in range(style_measures.RARITY)) == pytest.approx(1.0, rel=1e-5)


def test_style_measures_words_sentences_and_punctuation():
    text = "Short one. This sentence is a good deal longer, isn't it? “Yes,” said Anna — “it is!”"
    names = dict(
        zip(style_measures.NAMES, style_measures.measures(TextBatch.of(pl.Series([text])))[0].tolist(), strict=True)
    )
    words = 16  # Short one This sentence is a good deal longer isn't it Yes said Anna it is
    assert names["commas"] ** 2 * words == pytest.approx(2, rel=1e-4)
    assert names["quotes"] ** 2 * words == pytest.approx(4, rel=1e-4)
    assert names["questions"] ** 2 * words == pytest.approx(1, rel=1e-4)
    assert names["capitals"] ** 2 * words == pytest.approx(1, rel=1e-4)
    assert names["sentence_length"] == pytest.approx(np.log(16 / 3), rel=1e-4)


@pytest.mark.parametrize(
    "text", ["", "\x00" * 300, "😀" * 500, "a" * 1_000_000, "...\n!" * 99, "“" * 50, "\ud7ff \U0010ffff"]
)
def test_style_of_strange_text_is_finite(text: str):
    assert np.isfinite(style_measures.measures(TextBatch.of(pl.Series([text])))).all()


def test_richness_matches_a_naive_count_but_for_words_that_share_a_place():
    texts = [[f"w{i}" for i in RNG.integers(0, 60, 100)] for _ in range(200)]
    measured = style_measures.measures(TextBatch.of(pl.Series([" ".join(words) for words in texts])))
    columns = [style_measures.NAMES.index(name) for name in ("types", "hapaxes", "repeated_pairs")]
    found = measured[:, columns].astype(float) * 100
    found[:, 2] = measured[:, columns[2]].astype(float) ** 2 * 100
    exact = [
        [len(set(words)), sum(words.count(w) == 1 for w in words), 99 - len(set(pairwise(words)))] for words in texts
    ]
    off = found - np.array(exact)
    assert np.abs(off).max() < 5 and np.abs(off.mean(0)).max() < 1
    assert (np.abs(off[:, 0]) < 0.01).mean() > 0.6  # 60 types in 8,192 places: one in five texts has a pair


def test_a_model_of_style_explains_by_measures_and_refuses_a_wrong_file(tmp_path):
    model = stylometry.load()
    text = "It is important to note that the tapestry of culture, which is vibrant, plays a role. " * 8
    assert {e.what for e in model.explain(text)} <= set(style_measures.NAMES)
    (tmp_path / "stylometry.json").write_text('{"measures": []}')
    with pytest.raises(DetectorError, match="auditor detectors train"):
        stylometry.load(str(tmp_path))
