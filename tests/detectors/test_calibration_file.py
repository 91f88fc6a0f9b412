"""first_tier.json is read once, whole, or not at all."""

import json

import numpy as np
import pytest

from auditor.detectors.calibration_file import FILE, FirstTierCalibration, read_first_tier
from auditor.detectors.first_tier import MODELS
from auditor.errors import DetectorError

STORED = json.loads((MODELS / FILE).read_text("utf-8"))


def test_the_shipped_file_is_read_whole():
    found = read_first_tier(MODELS)
    assert (found.intercept, found.slope, found.phrases) == tuple(STORED[n] for n in ("intercept", "slope", "phrases"))
    assert {name: len(own) for name, own in found.combinations.items()} == {
        name: len(own) for name, own in STORED["combinations"].items()
    }
    assert len(found.known.cells) == len(STORED["cells"]) and found.revision == STORED["revision"]


def test_a_kind_without_a_row_keeps_its_scores():
    table = FirstTierCalibration.from_dict(STORED).table(("en/never-seen", STORED["kinds"][0]["kind"]))
    assert table.location[0] == 0 and table.log_scale[0] == 0
    assert table.location[1] == STORED["kinds"][0]["location"]
    assert np.exp(table.log_scale[1]) == pytest.approx(STORED["kinds"][0]["scale"])


def test_a_folder_without_the_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DetectorError, match=r"first_tier\.json"):
        read_first_tier(tmp_path)
