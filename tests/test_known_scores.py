"""Counts of known documents: what is written is read again, and stands where it belongs on the grid."""

import json

import numpy as np

from auditor.detectors.edited import FILE, MODELS
from auditor.known_scores import EditedCell, KindRow, KnownCell, KnownScores
from auditor.run_columns import BINS

CELL = KnownCell("raid", "raid", "news", "en", "ai", "gpt-4", False, 100, 5, 3, (1, 0, 4))
KIND = KindRow("en/news", "en", 0.5, 1.1, 0.2, 40, 3)


def test_counts_stand_from_their_first_bin_on():
    found = CELL.histogram
    assert found.shape == (BINS,) and found.sum() == CELL.documents
    assert np.flatnonzero(found).tolist() == [3, 5]


def test_known_scores_are_read_from_what_a_calibration_file_holds():
    rows = {
        "cells": [{name: getattr(CELL, name) for name in CELL.__slots__}],
        "kinds": [{name: getattr(KIND, name) for name in KIND.__slots__}],
    }
    stored = json.loads(json.dumps({"bins": BINS, "shift": {"within": 0.4}, "intercept": -2.0, **rows}))
    found = KnownScores.from_dict(stored)
    assert (found.bins, found.cells, found.kinds, found.spreads) == (BINS, (CELL,), (KIND,), {"within": 0.4})


def test_the_shipped_cells_of_edited_text_are_written_as_they_were_read():
    stored = json.loads((MODELS / FILE).read_text("utf-8"))["cells"]
    written = [EditedCell.from_dict(row).as_dict() for row in stored]
    assert json.dumps(written) == json.dumps(stored)
