"""Planted differences between kinds, lengths and domains are recovered; counts stand where scores are."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.first.kinds import SoftKinds
from auditor.detectors.training import calibration
from auditor.detectors.training.calibration import Scored


@pytest.fixture(scope="module")
def planted():
    """Two kinds at -1 and 1 with spreads .5 and 2; domains .4 about their kind; machine text three units above."""
    rng = np.random.default_rng(4)
    rows, scores, places = [], [], []
    for kind in (0, 1):
        for domain in range(30):
            shift = rng.normal(0, 0.4)
            for i in range(60):
                machine = i % 3 == 0
                units = rng.normal(3.0 if machine else shift, 1)
                scores.append((-1, 1)[kind] + (0.5, 2.0)[kind] * units)
                places.append([kind, 1 - kind, 0])
                source = f"s{domain % 6}"
                rows.append((source, f"{source}/{kind}-{domain}", f"{kind}-{domain}", "ai" if machine else "human"))
    frame = pl.DataFrame(rows, schema=["source", "cell", "domain", "label"], orient="row").with_columns(
        language=pl.lit("en"), family="source", licensed=True, base=False, generator=pl.lit("m"), words=pl.lit(200)
    )
    kinds = SoftKinds(("en/a", "en/b"), np.array(places), np.tile([1.0, 0.0, 0.0], (len(rows), 1)))
    return Scored(frame, np.array(scores), kinds)


def test_locations_and_scales_of_kinds_are_recovered(planted):
    table = calibration.kind_table(planted, planted.memberships(), planted.anchors)
    assert table.location.tolist() == pytest.approx([-1, 1], abs=0.25)
    assert np.exp(table.log_scale).tolist() == pytest.approx([0.54, 2.15], rel=0.15)


def test_the_spread_of_domains_about_their_kind_is_recovered(planted):
    medians = calibration.domain_medians(planted, planted.memberships())
    found = calibration.variances(medians, planted.kinds.names)
    assert [found[name] for name in planted.kinds.names] == pytest.approx([0.14, 0.14], abs=0.09)
    spreads = calibration.shift_spreads(medians, calibration.machine_medians(planted.frame, planted.score))
    assert 0.05 < spreads["within"] < 0.5 and spreads["log_scale"] < 0.25


def test_the_length_term_is_what_was_planted():
    rng = np.random.default_rng(0)
    words = rng.choice([120, 195, 335, 640, 1200], 4000)
    units = rng.normal(size=4000) + np.where(words == 120, 0.5, 0.0)
    frame = pl.DataFrame({"words": words, "language": ["en"] * 4000})
    term = calibration.length_term(frame, units, np.ones(4000, bool))
    assert term.location == pytest.approx((0.48, 0, 0, 0, 0), abs=0.12)


def test_cells_count_every_scored_document_once(planted):
    units = planted.score.copy()
    units[:5] = np.nan
    units[5:7] = [-99, 99]
    cells = calibration.cells(planted.frame, units)
    assert sum(cell.documents for cell in cells) == len(units) - 5
    assert all(sum(cell.counts) == cell.documents for cell in cells)
    assert {cell.band for cell in cells} == {200} and len({cell.domain for cell in cells}) == 60
    assert {cell.generator for cell in cells if cell.label == "human"} == {""}
    assert all(c.first >= 0 and c.first + len(c.counts) <= calibration.BINS for c in cells)
