"""A linear model over hashed word n-grams: log term frequency, unit length, one table of weights per language.

A document is scored in windows of at most WINDOW words, and its score is the mean over windows, so that long and
short documents stand on one scale and one pass needs no more than a table of counts that stays in the cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.spans import spans
from auditor.text.tokens import PRIME, mix

MODELS = Path(__file__).parent / "models"
BITS = 18
SHIFT = np.uint64(64 - BITS)
WINDOW = 400
ORDERS = 2
MINIMUM_WORDS = 30
MOST = 255
LOG = np.log1p(np.arange(MOST + 1))


@cache
def card(folder: Path = MODELS) -> dict:
    return json.loads((folder / "ngrams.json").read_text("utf-8"))


def _description(version: str, languages: frozenset[str], revision: str) -> Description:
    return Description(
        "ngrams",
        version,
        "linear model over hashed word n-grams",
        languages=languages,
        minimum_words=MINIMUM_WORDS,
        cost=9.0,
        revision=revision,
    )


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The detector: weights (L, 2^18) float32, intercepts (L,) float32, one row a language."""

    languages: tuple[str, ...]
    weights: np.ndarray
    intercepts: np.ndarray
    description: Description

    @classmethod
    def of(cls, tables: Mapping[str, tuple[np.ndarray, float]], revision: str = "", version: str = "") -> Ngrams:
        """A model of (weights (2^18,), intercept) by language."""
        weights = np.stack([w for w, _ in tables.values()]).astype(np.float32)
        intercepts = np.array([b for _, b in tables.values()], np.float32)
        return cls(tuple(tables), weights, intercepts, _description(version, frozenset(tables), revision))

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32, a logit; NaN where too short or in a language without a table (unknown: the first)."""
        table = self.tables(batch)
        table[~self.description.applies(batch)] = -1
        out = np.full(len(batch), np.nan, np.float32)
        score_windows(batch.tokens.hashes, batch.tokens.offsets, table, self.weights, self.intercepts, out)
        return out

    def tables(self, batch: TextBatch) -> np.ndarray:
        """(n,) int64: the row of weights for each document."""
        rows = {language: row for row, language in enumerate(self.languages)}
        return batch.languages.fill_null(self.languages[0]).replace_strict(rows, default=-1).to_numpy().astype(np.int64)

    def explain(self, text: str, *, language: str | None = None, most: int = 20) -> list[Evidence]:
        """The n-grams that moved the score most, with their first places and what they added."""
        row = self.languages.index(language or self.languages[0])
        tokens = spans(text)
        hashes = np.array([token.hash for token in tokens], np.uint64)
        seen: dict[int, list] = {}
        for t in range(len(tokens)):
            for order in range(min(ORDERS, t + 1)):
                index = int(gram(hashes, t, order))
                entry = seen.setdefault(index, [0, tokens[t - order].start, tokens[t].end])
                entry[0] += 1
        norm = np.sqrt(sum(np.log1p(count) ** 2 for count, *_ in seen.values())) or 1.0
        moved = [
            (float(self.weights[row, index] * np.log1p(count) / norm), start, end)
            for index, (count, start, end) in seen.items()
        ]
        moved.sort(key=lambda entry: -abs(entry[0]))
        return [Evidence("ngrams", text[start:end], weight, start, end) for weight, start, end in moved[:most]]


def obstacle() -> Obstacle | None:
    if (MODELS / "ngrams.safetensors").is_file():
        return None
    return Obstacle("its weights are missing", "auditor detectors train --data DIR")


def load(path: str | None = None) -> Ngrams:
    """The shipped model, or one that `auditor detectors train` left in another folder."""
    folder = Path(path) if path else MODELS
    try:
        stored, shown = load_file(folder / "ngrams.safetensors"), card(folder)
        tables = {name: (stored[name], stored["intercepts"][i]) for i, name in enumerate(shown["languages"])}
    except (OSError, ValueError, KeyError) as error:
        raise DetectorError(f"{folder}: no n-gram model there ({error}); run auditor detectors train") from None
    return Ngrams.of(tables, shown["revision"], shown["version"])


@kernel
def gram(hashes, t, order):
    """Table index of the n-gram of order+1 tokens that ends at token t; hashes (t,) uint64."""
    h = hashes[t]
    for back in range(1, order + 1):
        h = mix(h * PRIME ^ hashes[t - back])
    return np.int64(h >> SHIFT)


@kernel
def score_windows(hashes, offsets, table, weights, intercepts, out):
    """hashes (t,), offsets (n+1,), table (n,), weights (L, 2^BITS), intercepts (L,) -> out (n,), where table >= 0."""
    counts = np.zeros(weights.shape[1], np.uint8)
    places = np.empty(2 * WINDOW * ORDERS, np.int64)
    for d in range(offsets.shape[0] - 1):
        if table[d] < 0:
            continue
        first, last, w = offsets[d], offsets[d + 1], weights[table[d]]
        windows = max(1, (last - first + WINDOW // 2) // WINDOW)  # a short rest joins the window before it
        total = 0.0
        for k in range(windows):
            start = first + (last - first) * k // windows
            stop = first + (last - first) * (k + 1) // windows
            used = 0
            for order in range(ORDERS):
                for t in range(start + order, stop):
                    places[used + t - start - order] = gram(hashes, t, order)
                used += max(stop - start - order, 0)
            for j in range(used):
                c = counts[places[j]]
                counts[places[j]] = c + np.uint8(c < MOST)
            dot, square = 0.0, 0.0
            for j in range(used):  # a place met again has count 0, and adds nothing
                value = LOG[counts[places[j]]]
                counts[places[j]] = 0
                dot += w[places[j]] * value
                square += value * value
            total += dot / np.sqrt(square) if square > 0 else 0.0
        out[d] = total / windows + intercepts[table[d]]


@kernel
def features(hashes, first, last, indices, values, ends):
    """The same features as compressed sparse rows, for training.

    hashes (t,), first last (n,) -> indices int32, values float32 (as long as all n-grams), ends (n+1,)
    """
    counts = np.zeros(1 << BITS, np.uint8)
    used = 0
    for d in range(first.shape[0]):
        begin = used
        for t in range(first[d], last[d]):
            for order in range(min(ORDERS, t - first[d] + 1)):
                g = gram(hashes, t, order)
                if counts[g] == 0:
                    indices[used] = g
                    used += 1
                counts[g] = min(counts[g] + 1, MOST)
        square = 0.0
        for j in range(begin, used):
            value = np.log1p(counts[indices[j]])
            values[j] = value
            square += value * value
            counts[indices[j]] = 0
        for j in range(begin, used):
            values[j] /= np.sqrt(square)
        ends[d + 1] = used


def __getattr__(name: str) -> Description:
    if name != "DESCRIPTION":  # read from the card when asked for, so that training can run without one
        raise AttributeError(name)
    shown = card()
    return _description(shown["version"], frozenset(shown["languages"]), shown["revision"])
