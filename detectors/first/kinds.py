"""Kinds of text by their content words: what a document is about and where such texts appear, not who wrote it.

A document's content words (tokens of four bytes or more; pairs of characters in languages without spaces) are places in
a table of 2^18; places known to the language's model have a direction. Their sum, of unit length, is compared with
the centres of the kinds; the three nearest share the document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from auditor.detectors.interface import UNSPACED
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch
from auditor.text.jit import kernel
from auditor.text.tokens import PRIME

MODELS = Path(__file__).parents[1] / "models"
FILE, CARD = "kinds.safetensors", "kinds.json"
READ_BYTES = 4000
BITS = 18
SHIFT = np.uint64(64 - BITS)
SPREAD = np.uint64(0xFF51AFD7ED558CCD)
LEAST_BYTES = 4  # of a content word
NEAREST = 3
HEAT = 0.08  # of the softmax over cosines
MOST = 255
LOG = (1 + np.log(np.maximum(np.arange(MOST + 1), 1))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LanguageKinds:
    """The kinds of one language.

    names (k,); columns (c,) uint32: places of known content words; directions (c, d) int8; centres (k, d) float32
    """

    names: tuple[str, ...]
    columns: np.ndarray
    directions: np.ndarray
    centres: np.ndarray
    pairs: bool  # content words are pairs of neighbouring tokens

    @cached_property
    def table(self) -> np.ndarray:
        """(2^18,) uint16: row of a place's direction, from 1; 0 where it has none."""
        table = np.zeros(1 << BITS, np.uint16)
        table[self.columns] = np.arange(1, len(self.columns) + 1)
        return table


@dataclass(frozen=True, slots=True, eq=False)
class SoftKinds:
    """The kinds that share each of n documents.

    places (n, NEAREST): into `names`, nearest first, -1 where the language has no kinds; weights (n, NEAREST) sum 1
    """

    names: tuple[str, ...]
    places: np.ndarray
    weights: np.ndarray

    def nearest(self) -> pl.Series:
        """(n,) String: the name of the nearest kind, null without one."""
        names = pl.Series("kind", [*self.names, None], dtype=pl.String)
        return names.gather(np.where(self.places[:, 0] < 0, len(self.names), self.places[:, 0])).alias("kind")


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """The content models of all languages; safe to share among threads."""

    languages: Mapping[str, LanguageKinds]

    @classmethod
    def load(cls, folder: Path = MODELS) -> Kinds:
        """The shipped model, or one that `auditor detectors train` left in another folder.

        Raises: DetectorError where there is none
        """
        try:
            stored = load_file(folder / FILE)
            names = json.loads((folder / CARD).read_text("utf-8"))["languages"]
            return cls(
                {
                    language: LanguageKinds(
                        tuple(names[language]),
                        stored[f"{language}_columns"],
                        stored[f"{language}_directions"],
                        stored[f"{language}_centres"],
                        language in UNSPACED,
                    )
                    for language in names
                }
            )
        except (OSError, ValueError, KeyError) as error:
            raise DetectorError(f"{folder}: no kinds of text there ({error}); run auditor detectors train") from None

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds of all languages, LANGUAGE/WORDS, in the order of their columns."""
        return tuple(name for kinds in self.languages.values() for name in kinds.names)

    def assign(self, batch: TextBatch) -> pl.Series:
        """(n,) String: the nearest kind of each document, LANGUAGE/WORDS; null where its language has none."""
        return self.soft(batch).nearest()

    def soft(self, batch: TextBatch) -> SoftKinds:
        """The nearest kinds of each document with their weights."""
        places = np.full((len(batch), NEAREST), -1)
        weights = np.zeros((len(batch), NEAREST))
        codes = batch.languages.to_physical() if batch.languages.dtype == pl.Categorical else batch.languages
        first = 0
        for language, kinds in self.languages.items():
            rows = (codes == language).fill_null(False).arg_true().to_numpy().astype(np.int64)
            if len(rows):
                tokens = batch.tokens.hashes, batch.tokens.bounds, batch.tokens.offsets
                model = kinds.table, kinds.directions, kinds.centres
                own = np.zeros((len(rows), NEAREST), np.int64), np.zeros((len(rows), NEAREST))
                nearest_kinds(tokens, rows, kinds.pairs, model, *own)
                places[rows], weights[rows] = own[0] + first, own[1]
            first += len(kinds.names)
        return SoftKinds(self.names, places, weights)


@kernel
def content_words(hashes, bounds, pairs, places):
    """Places of a document's content words among its tokens (t,) -> places (t,) uint32; returns how many.

    Without a branch on which words are long, for that can't be predicted.
    """
    used, before = np.uint64(0), np.uint64(0)
    for t in range(hashes.shape[0]):
        begin, end = bounds[t, 0], bounds[t, 1]
        if begin > READ_BYTES:
            break
        token = hashes[t]
        if pairs:
            places[used] = ((token * PRIME ^ before) * SPREAD) >> SHIFT
            used += np.uint64(t > 0)
            before = token
        else:
            places[used] = token >> SHIFT
            used += np.uint64(end - begin >= LEAST_BYTES)
    return np.int64(used)


@kernel
def nearest_kinds(tokens, rows, pairs, model, kinds, weights):
    """tokens: hashes bounds offsets of a batch; rows (m,) of it; model: table, directions, centres.

    -> kinds (m, NEAREST) numbers of kinds, weights (m, NEAREST); where there are fewer kinds the first is repeated
    with weight 0
    """
    hashes, bounds, offsets = tokens
    table, directions, centres = model
    count, size = centres.shape
    columns = np.ascontiguousarray(centres.T).astype(np.float64)
    counts, known = np.zeros(directions.shape[0] + 1, np.uint8), np.empty(READ_BYTES + 2, np.int64)
    places, position, cosines = np.empty(READ_BYTES + 2, np.uint32), np.empty(size, np.float32), np.empty(count)
    for d in range(rows.shape[0]):
        own = slice(offsets[rows[d]], offsets[rows[d] + 1])
        found = content_words(hashes[own], bounds[own], pairs, places)
        used = 0
        for j in range(found):
            row = np.int64(table[places[j]])
            known[used] = row
            used += (counts[row] == 0) & (row > 0)
            counts[row] += np.uint8((row > 0) & (counts[row] < MOST))
        position[:] = 0
        for j in range(used):
            row = known[j]
            weight, direction = LOG[counts[row]], directions[row - 1]
            counts[row] = 0
            for i in range(size):
                position[i] += weight * np.float32(direction[i])
        length = 0.0
        for i in range(size):
            length += np.float64(position[i]) * np.float64(position[i])
        length = np.sqrt(length) if length > 0 else 1.0
        cosines[:] = 0.0
        for i in range(size):
            column, along = columns[i], np.float64(position[i])
            for k in range(count):  # all kinds at once: a vector operation, where a sum over i would not be one
                cosines[k] += column[k] * along
        for k in range(count):
            cosines[k] /= length
        total, best = 0.0, 0.0
        for place in range(NEAREST):
            k = int(np.argmax(cosines))
            if place == 0:
                best = cosines[k]
            if place >= count:
                kinds[d, place], weights[d, place] = kinds[d, 0], 0.0
                continue
            kinds[d, place] = k
            weights[d, place] = np.exp((cosines[k] - best) / HEAT)
            total += weights[d, place]
            cosines[k] = -2.0
        for place in range(NEAREST):
            weights[d, place] /= total
