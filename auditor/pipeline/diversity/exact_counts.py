"""Type counts of documents given as tokens: the cells of a spectrum, without sampling."""

from __future__ import annotations

import numpy as np

from auditor.estimate.diversity.spectrum import Body, Cells
from auditor.run_columns import GROUPS, LEVELS, NO_SCORE
from auditor.sketch.types import FixedTypes
from auditor.sketch.types_kernel import BLOCK, key_of
from auditor.text.tokens import Tokens


def count_documents(tokens: Tokens, group: np.ndarray, bin: np.ndarray) -> Body:
    """All types of these documents, counted as in the type samples of the stream (sketch.types).

    Parameters: group (n,) below 32; bin (n,) score bins
    """
    cells = {n: _count(tokens, n, np.asarray(group, np.int64), np.asarray(bin, np.int64)) for n in LEVELS.values()}
    return Body.of_cells(cells)


def _count(tokens: Tokens, n: int, group: np.ndarray, bin: np.ndarray) -> Cells:
    lengths = tokens.words
    grams = np.maximum(lengths - n + 1, 0)
    document = np.repeat(np.arange(len(lengths)), grams)
    position = np.arange(grams.sum()) - np.repeat(np.cumsum(grams) - grams, grams)
    at = tokens.offsets[document] + position
    pieces = np.maximum((lengths + BLOCK // 2) // BLOCK, 1)  # a rest shorter than half a block stays with the last
    block = np.minimum(position // BLOCK, pieces[document] - 1) + (np.cumsum(pieces) - pieces)[document]
    types, kind = np.unique(key_of(*(tokens.hashes[at + i] for i in range(n))), return_inverse=True)
    # One row per type and block, then one per type, group and bin: a block lies in one document, so in one of these.
    _, first, count = np.unique(
        kind * np.int64(block.max(initial=0) + 1) + block, return_index=True, return_counts=True
    )
    place = (group * (NO_SCORE + 1) + bin)[document[first]]
    cell, at_cell = np.unique(kind[first] * np.int64(GROUPS * (NO_SCORE + 1)) + place, return_inverse=True)
    words, blocks = np.zeros((2, NO_SCORE + 1, GROUPS))
    np.add.at(words, (bin, group), grams)
    np.add.at(blocks, (bin, group), np.minimum(pieces, -(-grams // BLOCK)))
    index, rest = np.divmod(cell, GROUPS * (NO_SCORE + 1))
    return Cells(
        types,
        np.isin(types, FixedTypes.shipped().keys[n - 1]),
        index,
        rest // (NO_SCORE + 1),
        rest % (NO_SCORE + 1),
        np.bincount(at_cell, count),
        np.bincount(at_cell).astype(float),
        words,
        blocks,
        1.0,
    )
