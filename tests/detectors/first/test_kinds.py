"""Kinds of text: the kernel against a naive twin, one name for one kind, the same answer for every batch."""

from collections import Counter
from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest

from auditor.detectors.first import kinds
from auditor.detectors.first.kinds import Kinds, LanguageKinds
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.spans import spans

SHIPPED = Kinds.load()
RECIPE = (
    "Preheat the oven to 180 degrees. Mix flour, butter and sugar in a bowl, add two eggs and a pinch of salt. "
    "Bake the cake for forty minutes until golden, then let it cool before serving with cream. "
) * 3
COURT = (
    "The appellant argued that the district court erred in granting summary judgment. We affirm the judgment of the "
    "court below, holding that the plaintiff lacked standing under the statute. The petition is denied. "
) * 3
GERMAN = "Die Zutaten in einer Schüssel mischen, den Teig kneten und im Ofen backen. " * 6
CHINESE = "把面粉和鸡蛋放进碗里搅拌均匀，然后放入烤箱烤四十分钟。" * 8


def batch(*texts: str, languages: list[str | None]) -> TextBatch:
    return TextBatch.of(pl.Series(texts, dtype=pl.String), pl.Series(languages, dtype=pl.String))


def naive(text: str, model: LanguageKinds) -> list[tuple[int, float]]:
    tokens = [s.hash for s in spans(text[: kinds.READ_BYTES]) if len(s.word.encode()) >= kinds.LEAST_BYTES]
    counts = Counter(int(model.table[h >> 46]) for h in tokens)
    position = sum(
        (1 + log(min(n, 255))) * model.directions[row - 1].astype(float) for row, n in counts.items() if row > 0
    )
    position = position / sqrt((position**2).sum())
    cosines = model.centres.astype(float) @ position
    nearest = np.argsort(-cosines, kind="stable")[: kinds.NEAREST]
    weights = [exp((cosines[k] - cosines[nearest[0]]) / kinds.HEAT) for k in nearest]
    return [(int(k), w / sum(weights)) for k, w in zip(nearest, weights, strict=True)]


@pytest.mark.parametrize("text", [RECIPE, COURT, RECIPE + COURT])
def test_the_kernel_finds_the_same_kinds_as_the_naive_twin(text: str):
    found = SHIPPED.soft(batch(text, languages=["en"]))
    own = naive(text, SHIPPED.languages["en"])
    first = SHIPPED.names.index(SHIPPED.languages["en"].names[0])
    assert (found.places[0] - first).tolist() == [k for k, _ in own]
    assert found.weights[0].tolist() == pytest.approx([w for _, w in own], abs=1e-4)


def test_texts_of_different_kinds_differ_and_names_say_the_language():
    found = SHIPPED.assign(batch(RECIPE, COURT, GERMAN, CHINESE, languages=["en", "en", "de", "zh"])).to_list()
    assert found[0] != found[1]
    assert [name.split("/")[0] for name in found] == ["en", "en", "de", "zh"]


def test_an_unknown_language_has_no_kind():
    found = SHIPPED.soft(batch(RECIPE, RECIPE, languages=[None, "xx"]))
    assert found.nearest().to_list() == [None, None] and (found.places == -1).all() and (found.weights == 0).all()


def test_a_kind_does_not_depend_on_the_rest_of_the_batch():
    texts, languages = [RECIPE, COURT, GERMAN, CHINESE, "", "a b c"], ["en", "en", "de", "zh", "en", "en"]
    together = SHIPPED.assign(batch(*texts, languages=languages)).to_list()
    assert [SHIPPED.assign(batch(t, languages=[s]))[0] for t, s in zip(texts, languages, strict=True)] == together


@pytest.mark.parametrize("text", ["", "\x00" * 300, "😀" * 500, "a" * 100_000, "word " * 50_000])
def test_strange_text_has_weights_that_sum_to_one(text: str):
    for language in ("en", "zh"):
        assert SHIPPED.soft(batch(text, languages=[language])).weights.sum() == pytest.approx(1)


def test_names_are_unique_and_every_language_has_some():
    assert len(set(SHIPPED.names)) == len(SHIPPED.names)
    assert len(SHIPPED.languages["en"].names) == 40 and {"de", "fr", "es", "it", "pt", "ru", "zh", "ja"} <= set(
        SHIPPED.languages
    )


def test_a_folder_without_a_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DetectorError, match="auditor detectors train"):
        Kinds.load(tmp_path)
