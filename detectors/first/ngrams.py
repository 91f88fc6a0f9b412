"""Four linear models over hashed n-grams in one pass: two heads, each over words and over their forms.

The head `recent` learned what distinguishes current models from people, `earlier` what distinguished those of 2022 to
2025; a document's score is the larger of the two, smoothed (see two_heads). Features are log term frequencies, of unit
length for words and for forms (see wordstream). Each head's weights are eight bits, and both are packed into one
number, so that one look-up and one multiplication serve both. A document is scored in windows of about WINDOW tokens,
and its score is the mean over windows, so that long and short documents are on one scale and the table of counts stays
in the cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from auditor.detectors.first import wordstream
from auditor.detectors.first.ngram_kernels import (
    BITS,
    COARSE_LOG,
    ORDERS,
    count_grams,
    find_grams,
    pack,
    quantised,
    score_documents,
    unpack,
)
from auditor.detectors.first.style_measures import READ_BYTES
from auditor.detectors.first.two_heads import HEADS, shares_of, soft_maximum
from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.errors import DetectorError
from auditor.records import Json
from auditor.text.batch import TextBatch

MODELS = Path(__file__).parents[1] / "models"
MINIMUM_WORDS = 30
MINIMUM_CHARACTERS = 100  # of languages without spaces between words


@cache
def card(folder: Path = MODELS) -> Json:
    """ngrams.json: version, revision, the heads by language, and the sources that the weights were learned from."""
    return json.loads((folder / "ngrams.json").read_text("utf-8"))


def _description(version: str, languages: frozenset[str], revision: str) -> Description:
    return Description(
        "ngrams",
        version,
        "two linear models over hashed n-grams of words and forms",
        languages=languages,
        minimum_words=MINIMUM_WORDS,
        minimum_characters=MINIMUM_CHARACTERS,
        cost=20.0,
        revision=revision,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ngrams:
    """The detector: packed weights (tables, 2, 2^18) int16 of words and forms, in units of scales (tables, 2, heads).

    languages: the table of each; centres, spreads (languages, heads): what a head gives human text of the language
    """

    languages: Mapping[str, int]
    weights: np.ndarray
    scales: np.ndarray
    centres: np.ndarray
    spreads: np.ndarray
    description: Description

    @classmethod
    def of(
        cls,
        tables: np.ndarray,
        languages: Mapping[str, int],
        centres: np.ndarray | None = None,
        spreads: np.ndarray | None = None,
        revision: str = "",
        version: str = "",
    ) -> Ngrams:
        """A model of weights (tables, heads, 2, 2^18) of any type; without centres and spreads scores are raw."""
        small, scales = quantised(tables)
        shape = len(languages), HEADS
        return cls(
            dict(languages),
            pack(small),
            scales,
            np.zeros(shape) if centres is None else centres,
            np.ones(shape) if spreads is None else spreads,
            _description(version, frozenset(languages), revision),
        )

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32 in human units, see `heads`; NaN where too short or in a language without a table."""
        return soft_maximum(self.heads(batch)).astype(np.float32)

    def heads(self, batch: TextBatch) -> np.ndarray:
        """(n, heads) float64 in units of human text of the language: 0 its median, 1 half the 16-84% distance.

        Documents of unknown language are treated as the first language.
        """
        language = self._places(batch)
        language[~self.description.applies(batch)] = -1
        table = np.array([*self.languages.values(), -1])[language]
        out = np.full((len(batch), HEADS), np.nan)
        model = self.weights, self.scales
        score_documents(batch.text, batch.offsets, wordstream.parts(batch), wordstream.tables(), table, model, out)
        return (out - self.centres[language]) / self.spreads[language]

    def _places(self, batch: TextBatch) -> np.ndarray:
        """(n,) int64: the place of each document's language, -1 where there is none."""
        places = {language: place for place, language in enumerate(self.languages)}
        known = batch.languages.fill_null(next(iter(self.languages)))
        return known.replace_strict(places, default=-1, return_dtype=pl.Int64).to_numpy().copy()

    def explain(
        self, text: str, *, language: str | None = None, most: int = 20, weights: tuple[float, float] | None = None
    ) -> list[Evidence]:
        """The n-grams that moved the score most, with their first places and what they added.

        weights: of the two heads, in units of the score; without any those of `soft_maximum` at this text
        """
        name = language or next(iter(self.languages))
        table, place = self.languages[name], list(self.languages).index(name)
        shares = weights or tuple(shares_of(self.heads(TextBatch.of(pl.Series([text]), pl.Series([name])))[0]))
        factor = np.array(shares) / self.spreads[place]
        tokens = wordstream.places(text, READ_BYTES)
        moved: dict[tuple[int, int], float] = {}
        for block, stream in enumerate(("word", "form")):
            own = np.array([getattr(t, stream) for t in tokens], np.uint64)
            for (first, last), weight in self._moved(own, block, table, factor).items():
                at = tokens[first].start, tokens[last].end
                moved[at] = moved.get(at, 0.0) + weight
        order = sorted(moved.items(), key=lambda entry: -abs(entry[1]))
        return [Evidence("ngrams", text[start:end], weight, start, end) for (start, end), weight in order[:most]]

    def _moved(self, tokens: np.ndarray, block: int, table: int, factor: np.ndarray) -> dict[tuple[int, int], float]:
        """What each n-gram added to the score, by first and last token of its first place."""
        n, orders = len(tokens), ORDERS[block]
        places, counts = np.empty(n * orders, np.uint32), np.zeros(1 << BITS, np.uint8)
        used = find_grams(tokens, orders, 0, n, places)
        count_grams(places[:used], counts)
        ends = [(t - order, t) for t in range(n) for order in range(min(t + 1, orders))]
        first: dict[int, tuple[int, int]] = {}
        for at, index in zip(ends, places[:used].tolist(), strict=True):
            first.setdefault(index, at)
        values = COARSE_LOG[counts[list(first)]]
        norm = np.sqrt((values**2).sum()) or 1.0
        weights = unpack(self.weights[table, block, list(first)]) @ (self.scales[table, block] * factor)
        out: dict[tuple[int, int], float] = {}
        for at, weight in zip(first.values(), (weights * values / norm).tolist(), strict=True):
            out[at] = out.get(at, 0.0) + weight
        return out


def obstacle() -> Obstacle | None:
    """Why the detector cannot be used here; None if its weights are installed."""
    if (MODELS / "ngrams.safetensors").is_file():
        return None
    return Obstacle("its weights are missing", "auditor detectors train --data DIR")


def load(path: str | None = None) -> Ngrams:
    """The shipped model, or one that `auditor detectors train` left in another folder."""
    folder = Path(path) if path else MODELS
    try:
        stored, shown = load_file(folder / "ngrams.safetensors"), card(folder)
        languages = {language["language"]: language["table"] for language in shown["heads"]}
        model = Ngrams(
            languages,
            pack(stored["weights"]),
            stored["scales"].astype(np.float64),
            np.array([language["centre"] for language in shown["heads"]]),
            np.array([language["spread"] for language in shown["heads"]]),
            _description(shown["version"], frozenset(languages), shown["revision"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise DetectorError(f"{folder}: no n-gram model there ({error}); run auditor detectors train") from None
    return model


def __getattr__(name: str) -> Description:
    if name != "DESCRIPTION":  # read from the card on demand, so that training can run without one
        raise AttributeError(name)
    shown = card()
    languages = frozenset(language["language"] for language in shown["heads"])
    return _description(shown["version"], languages, shown["revision"])
