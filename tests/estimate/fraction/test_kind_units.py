"""Human units: the bundled calibration where nothing else is known, the audit's own human text where it is."""

import numpy as np
import polars as pl
import pytest

from auditor.estimate.fraction.anchors import Trust
from auditor.estimate.fraction.kind_units import ANCHOR_STATISTICS, kind_units


def statistics(*rows):
    return pl.DataFrame(rows, schema=ANCHOR_STATISTICS, orient="row")


def test_a_kind_without_anchors_keeps_the_bundled_place_and_its_uncertainty():
    units = kind_units(["en/a", "en/b"], np.array([0.04, np.nan]), [])
    assert units.shift.tolist() == [0, 0] and units.scale.tolist() == [1, 1]
    assert units.variance[0] < units.variance[1]
    assert units.covered.tolist() == [0, 0]


def test_many_anchors_decide_and_few_are_pulled_to_the_bundled_place():
    many = statistics(("en/a", 4000.0, -0.3, 0.7, 1.7), ("en/b", 3.0, 0.1, 0.7, 1.3))
    units = kind_units(["en/a", "en/b"], np.array([0.1, 0.1]), [(Trust.REFERENCE, many)])
    assert units.shift[0] == pytest.approx(0.7, abs=0.1)
    assert 0 < units.shift[1] < 0.5
    assert units.variance[0] < units.variance[1]
    assert units.covered.tolist() == [1.0, 0.15]
    assert [Trust(t) for t in units.best_trust] == [Trust.REFERENCE, Trust.REFERENCE]


def test_two_sets_are_weighed_by_how_much_they_are_trusted():
    reference, dated = statistics(("en/a", 500.0, -1, 0.0, 1)), statistics(("en/a", 500.0, 0, 1.0, 2))
    units = kind_units(["en/a"], np.array([10.0]), [(Trust.REFERENCE, reference), (Trust.DATED, dated)])
    assert 0.4 < units.shift[0] < 0.6
    assert units.anchors[0] == 1000


def test_machine_text_among_a_tenth_of_the_anchors_hardly_moves_a_kind(rng):
    clean = rng.normal(0, 1, 900)
    dirty = np.concatenate([clean, rng.normal(4, 1, 100)])
    rows = [statistics(("en/a", float(len(x)), *np.quantile(x, [0.16, 0.5, 0.84]))) for x in (clean, dirty)]
    first, second = (kind_units(["en/a"], np.array([0.3]), [(Trust.REFERENCE, row)]) for row in rows)
    assert abs(first.shift[0] - second.shift[0]) < 0.2


def test_the_frame_names_the_trust_of_each_kind():
    frame = kind_units(["en/a"], np.array([0.1]), [(Trust.DATED, statistics(("en/a", 50.0, -1, 0.2, 1)))]).frame()
    assert frame["trust"].to_list() == ["dated"] and frame["anchors"].to_list() == [50]


@pytest.fixture
def rng():
    return np.random.default_rng(5)
