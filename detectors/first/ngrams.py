"""Two linear models over hashed n-grams, one of words and one of their forms (see wordstream), added up.

Log term frequency, each model's features of unit length; one pair of weight tables per language. One model over both
ranked unseen families worse than the two apart. A document is scored in windows of about WINDOW tokens, and its score
is the mean over windows, so that long and short documents stand on one scale and the table of counts stays in the
cache.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from auditor.detectors.first import wordstream
from auditor.detectors.first.style_measures import READ_BYTES
from auditor.detectors.first.wordstream import read
from auditor.detectors.interface import Description, Evidence, Obstacle
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.tokens import PRIME

MODELS = Path(__file__).parents[1] / "models"
BITS = 18
SHIFT = np.uint64(64 - BITS)
WINDOW = 480
ORDERS = (2, 3)  # longest n-grams of words and of forms
MINIMUM_WORDS = 30
MOST = 255
SPREAD = np.uint64(0xFF51AFD7ED558CCD)  # odd; tokens are mixed already, their combination wants no more
LOG = np.round(np.log1p(np.arange(MOST + 1)) * (1 << 14)).astype(np.int64)  # whole: sums are exact, and soon done


@cache
def card(folder: Path = MODELS) -> dict:
    return json.loads((folder / "ngrams.json").read_text("utf-8"))


def _description(version: str, languages: frozenset[str], revision: str) -> Description:
    return Description(
        "ngrams",
        version,
        "linear model over hashed n-grams of words and forms",
        languages=languages,
        minimum_words=MINIMUM_WORDS,
        cost=20.0,
        revision=revision,
    )


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The detector: weights (L, 2, 2^18) int16, words and forms, in units of scales (L, 2), intercepts (L,) float32.

    One row a language. Sixteen bits move no score by .001, and both tables stay in the cache.
    """

    languages: tuple[str, ...]
    weights: np.ndarray
    scales: np.ndarray
    intercepts: np.ndarray
    description: Description

    @classmethod
    def of(cls, tables: Mapping[str, tuple[np.ndarray, float]], revision: str = "", version: str = "") -> Ngrams:
        """A model of (weights (2, 2^18), intercept) by language."""
        exact = np.stack([w for w, _ in tables.values()]).astype(float)
        scales = np.maximum(np.abs(exact).max(axis=2), 1e-9) / np.iinfo(np.int16).max
        weights = np.round(exact / scales[..., None]).astype(np.int16)
        intercepts = np.array([b for _, b in tables.values()], np.float32)
        return cls(tuple(tables), weights, scales, intercepts, _description(version, frozenset(tables), revision))

    def score(self, batch: TextBatch) -> np.ndarray:
        """(n,) float32, a logit; NaN where too short or in a language without a table (unknown: the first)."""
        table = self.tables(batch)
        table[~self.description.applies(batch)] = -1
        out = np.full(len(batch), np.nan, np.float32)
        model = self.weights, self.scales, self.intercepts
        read_by = wordstream.tables()
        score_documents(batch.text, batch.offsets, wordstream.parts(batch), read_by, table, model, out)
        return out

    def tables(self, batch: TextBatch) -> np.ndarray:
        """(n,) int64: the row of weights for each document."""
        rows = {language: row for row, language in enumerate(self.languages)}
        return batch.languages.fill_null(self.languages[0]).replace_strict(rows, default=-1).to_numpy().astype(np.int64)

    def explain(self, text: str, *, language: str | None = None, most: int = 20) -> list[Evidence]:
        """The n-grams that moved the score most, with their first places and what they added."""
        row = self.languages.index(language or self.languages[0])
        tokens = wordstream.places(text, READ_BYTES)
        moved: dict[tuple[int, int], float] = {}
        for block, name in enumerate(("word", "form")):
            found = self._moved(np.array([getattr(t, name) for t in tokens], np.uint64), block, row)
            for (first, last), weight in found.items():
                place = tokens[first].start, tokens[last].end
                moved[place] = moved.get(place, 0.0) + weight
        order = sorted(moved.items(), key=lambda entry: -abs(entry[1]))
        return [Evidence("ngrams", text[start:end], weight, start, end) for (start, end), weight in order[:most]]

    def _moved(self, tokens: np.ndarray, block: int, row: int) -> dict[tuple[int, int], float]:
        """What each n-gram added to the score, by first and last token of its first place."""
        n, orders = len(tokens), ORDERS[block]
        places, counts = np.empty(n * orders, np.uint32), np.zeros(1 << BITS, np.uint8)
        used = find_grams(tokens, orders, 0, n, places, counts)
        ends = [(t - order, t) for t in range(n) for order in range(min(t + 1, orders))]
        first: dict[int, tuple[int, int]] = {}
        for at, index in zip(ends, places[:used].tolist(), strict=True):
            first.setdefault(index, at)
        values = LOG[counts[list(first)]]
        norm = np.sqrt((values**2).sum()) or 1.0
        moved = self.weights[row, block, list(first)] * self.scales[row, block] * values / norm
        out: dict[tuple[int, int], float] = {}
        for at, weight in zip(first.values(), moved.tolist(), strict=True):
            out[at] = out.get(at, 0.0) + weight
        return out


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
def find_grams(tokens, orders, start, stop, places, counts):
    """Table indices of the n-grams of up to `orders` (2 or 3) tokens (t,) within start to stop -> places, counts.

    An n-gram's hash is that of the one without its first token, multiplied and combined with that token. Places are
    by the token that an n-gram ends at, then by order; counts (2^BITS,) uint8 grow up to MOST. Returns how many.
    """
    used, before, two_before = 0, np.uint64(0), np.uint64(0)
    for t in range(start, stop):
        token = tokens[t]
        used = put(token, places, used, counts)
        if t > start:
            pair = (token * PRIME ^ before) * SPREAD
            used = put(pair, places, used, counts)
            if orders > 2 and t > start + 1:
                used = put((pair * PRIME ^ two_before) * SPREAD, places, used, counts)
        before, two_before = token, before
    return used


@kernel
def put(gram, places, used, counts):
    """One more n-gram, by its hash."""
    place = np.uint32(gram >> SHIFT)
    places[used] = place
    c = counts[place]
    counts[place] = c + np.uint8(c < MOST)
    return used + 1


@kernel
def score_documents(text, offsets, tokens, tables, table, model, out):
    """text (b,), offsets (n+1,), tokens and tables of wordstream, table (n,), model: weights, scales, intercepts.

    -> out (n,)
    """
    weights, scales, intercepts = model
    hashes, bounds, first_token = tokens
    words, forms, nowhere = np.empty(READ_BYTES, np.uint64), np.empty(READ_BYTES, np.uint64), np.empty(0, np.int64)
    counts, places = np.zeros(weights.shape[2], np.uint8), np.empty(2 * WINDOW * max(ORDERS), np.uint32)
    for d in range(offsets.shape[0] - 1):
        row = table[d]
        if row < 0:
            continue
        raw = text[offsets[d] : min(offsets[d + 1], offsets[d] + READ_BYTES)]
        own = slice(first_token[d], first_token[d + 1])
        n = read(raw, hashes[own], bounds[own], tables, words, forms, nowhere, nowhere)
        windows = max(1, (n + WINDOW // 2) // WINDOW)  # a short rest joins the window before it
        total = 0.0
        for k in range(windows):
            first, last = n * k // windows, n * (k + 1) // windows
            used = find_grams(words, ORDERS[0], first, last, places, counts)
            total += scales[row, 0] * score_grams(places, used, counts, weights[row, 0])
            used = find_grams(forms, ORDERS[1], first, last, places, counts)
            total += scales[row, 1] * score_grams(places, used, counts, weights[row, 1])
        out[d] = total / windows + intercepts[row]


@kernel
def score_grams(places, used, counts, weights):
    """Weights (2^BITS,) times the unit vector of log counts of `used` places; counts are 0 afterwards."""
    dot, square = np.int64(0), np.int64(0)
    for j in range(used):  # a place met again has count 0, and adds nothing
        place = places[j]
        value = LOG[counts[place]]
        counts[place] = 0
        dot += np.int64(weights[place]) * value
        square += value * value
    return dot / np.sqrt(square) if square > 0 else 0.0


@kernel
def features(tokens, orders, first, last, indices, values, ends):
    """The same features as compressed sparse rows, for training.

    tokens (t,), first last (n,) -> indices int32, values float32 (as long as all n-grams), ends (n+1,)
    """
    counts = np.zeros(1 << BITS, np.uint8)
    places = np.empty(orders * (np.max(last - first) + 1), np.uint32)
    used = 0
    for d in range(first.shape[0]):
        begin, square = used, 0.0
        found = find_grams(tokens, orders, first[d], last[d], places, counts)
        for j in range(found):
            if counts[places[j]] > 0:
                indices[used], values[used] = places[j], LOG[counts[places[j]]]
                square += values[used] * values[used]
                counts[places[j]] = 0
                used += 1
        for j in range(begin, used):
            values[j] /= np.sqrt(square)
        ends[d + 1] = used


def __getattr__(name: str) -> Description:
    if name != "DESCRIPTION":  # read from the card when asked for, so that training can run without one
        raise AttributeError(name)
    shown = card()
    return _description(shown["version"], frozenset(shown["languages"]), shown["revision"])
