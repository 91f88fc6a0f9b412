"""A text is compared with the part of the reference that is of its language, or of its topic, where that is enough."""

import numpy as np
import polars as pl
import pytest

from auditor.estimate.diversity.spectrum import Body
from auditor.pipeline.diversity.language_frequencies import general_law, main_language
from auditor.pipeline.diversity.reference import GIVEN, NONE, Reference, of_general_language
from auditor.pipeline.diversity.strata import MatchedReference, main_languages
from auditor.pipeline.diversity.word_sample import WordSample


@pytest.fixture
def gold() -> MatchedReference:
    n, size = 90, 200
    rng = np.random.default_rng(0)
    rows = pl.DataFrame(
        {
            "stable_id": np.arange(n, dtype=np.uint64),
            "role": "human",
            "language": ["en"] * 45 + ["de"] * 45,
            "topic": ["law"] * 30 + ["art"] * 10 + [None] * 50,
            "category": None,
            "unit": np.arange(n) % 32,
            "score_bin": 255,
            "start": np.arange(n) * size,
            "size": size,
        },
        schema_overrides={"category": pl.String},
    )
    drawn = WordSample(rows, rng.zipf(1.3, n * size).astype(np.uint64), {})
    return MatchedReference.of(Reference(Body(pl.DataFrame()), GIVEN, n * size), drawn)


def test_a_reference_of_more_languages_is_cut_to_those_of_the_text(gold):
    german = gold.matching("", "", {"de"})
    assert (german.documents, german.tokens) == (45, 9000)
    assert german.said == "--human-reference, language de (9,000 words)"
    assert gold.matching("", "", {"de", "en"}) is gold.reference
    assert gold.matching("", "", {"fr"}) is gold.reference


def test_a_topic_is_compared_with_its_own_where_that_is_large_enough(gold):
    assert gold.matching("topic", "law", {"en"}).documents == 30
    assert gold.matching("topic", "art", {"en"}).origin.endswith("language en")


def test_the_main_languages_hold_a_twentieth_of_the_words():
    words = pl.DataFrame({"language": ["en", "de", "fr", None], "words": [90.0, 6.0, 4.0, 50.0]})
    assert main_languages(words) == {"en", "de"}


def test_without_a_reference_the_frequencies_of_the_one_language_are_the_last_resort():
    none = Reference(None, NONE, 0)
    found = of_general_language(none, {"en": 950.0, "de": 50.0})
    assert found.law is not None
    assert "wordfreq's en frequencies through 2021" in found.said
    assert of_general_language(none, {"en": 500.0, "de": 500.0}).law is None
    assert main_language({}) is None
    assert general_law("xx") is None
