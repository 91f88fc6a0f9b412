"""Pairing: the change between two audits with few shared anchors is found, and more sharply than apart."""

import duckdb
import numpy as np
import pytest

from auditor.config import Config
from auditor.detectors.first_tier import Ensemble
from auditor.estimate.fraction.anchors import AnchorSet, Trust
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.evidence import Evidence
from auditor.estimate.fraction.joint_fit import CORPUS, FRACTIONS, Unpaired, pair
from auditor.pipeline.fraction.evidence import read_evidence, store_evidence
from auditor.store.database import create_tables

DOCUMENTS = 300
NAMES = tuple("pqrst")


def scores(rng, fraction, n=DOCUMENTS):
    made = rng.random(n) < fraction
    return np.where(made, rng.normal(1.5, 1.8, n), rng.normal(-3, 1.5, n))


def evidence(shards, human) -> Evidence:
    counts = ScoreCounts.of(
        np.concatenate(shards), scope_of=np.repeat(np.arange(len(shards)), DOCUMENTS), scopes=NAMES[: len(shards)]
    )
    return Evidence(counts, (AnchorSet("reference", Trust.REFERENCE, human),), (), {"": 1.0}, None)


@pytest.fixture(scope="module")
def ensemble():
    return Ensemble.load(Config().detectors)


@pytest.fixture
def sides():
    rng = np.random.default_rng(3)
    human = ScoreCounts.of(scores(rng, 0, 300))
    a = [scores(rng, fraction) for fraction in (0, 0.05, 0.1, 0.2)]
    b = [*a[:3], scores(rng, 0.5), scores(rng, 0.05)]
    contents = [dict.fromkeys(NAMES[:3], "") | {name: f"{name}{side}" for name in NAMES[3:]} for side in "ab"]
    for side in contents:
        side |= {name: name for name in NAMES[:3]}
    return evidence(a, human), evidence(b, human), tuple(contents)


def test_a_known_change_is_found_and_unchanged_shards_have_none(sides, ensemble):
    a, b, contents = sides
    found = pair(a, b, contents, calibration=ensemble.calibration(), shards=[("p", "p"), ("s", "s")])
    whole = found.change(FRACTIONS[0], CORPUS, 0.95)
    truth = (0 + 0.05 + 0.1 + 0.5 + 0.05) / 5 - (0 + 0.05 + 0.1 + 0.2) / 4
    assert whole.lower < truth < whole.upper
    assert whole.upper - whole.lower < 0.12
    assert found.change(FRACTIONS[0], ("p", "p"), 0.95).upper == 0
    assert found.change(FRACTIONS[0], ("s", "s"), 0.95).lower > 0.1
    assert found.change(FRACTIONS[0], ("nothing", "p"), 0.95) is None


def test_both_directions_agree(sides, ensemble):
    a, b, (first, second) = sides
    forth = pair(a, b, (first, second), calibration=ensemble.calibration()).change(FRACTIONS[0], CORPUS, 0.95)
    back = pair(b, a, (second, first), calibration=ensemble.calibration()).change(FRACTIONS[0], CORPUS, 0.95)
    assert forth.value == pytest.approx(-back.value, abs=0.02)


def test_other_references_share_nothing(sides, ensemble):
    a, b, contents = sides
    other = ScoreCounts.of(scores(np.random.default_rng(9), 0, 300))
    with pytest.raises(Unpaired, match="reference"):
        pair(a, evidence_with(b, other), contents, calibration=ensemble.calibration())


def evidence_with(side, human) -> Evidence:
    return Evidence(side.target, (AnchorSet("reference", Trust.REFERENCE, human),), (), side.cells, None)


def test_evidence_survives_its_table(sides):
    a, _, _ = sides
    weighted = ScoreCounts(("x",), a.target.documents[:1] * 0.3, a.target.tokens[:1] * 0.3, np.zeros(1))
    labels, ai = AnchorSet("labels", Trust.LABELS, weighted), AnchorSet("reference", Trust.REFERENCE, a.target)
    whole = Evidence(a.target, (labels, *a.human), (ai,), {"en 100": 7.0, "": 2.0}, a.target.take([1]))
    connection = duckdb.connect()
    create_tables(connection)
    assert read_evidence(connection) is None
    store_evidence(connection, "id", whole)
    back = read_evidence(connection)
    assert back.cells == whole.cells
    held, kept = (
        [side.target, side.parts, *(anchors.counts for anchors in (*side.human, *side.machine))]
        for side in (back, whole)
    )
    for one, two in zip(held, kept, strict=True):
        assert one.scopes == two.scopes
        assert np.array_equal(one.documents, two.documents)
    assert [s.trust for s in back.human] == [Trust.LABELS, Trust.REFERENCE]
