"""Losses of known size are found, none is found where there is none, and bad references are refused."""

import numpy as np
import polars as pl
import pytest

from auditor.estimate.diversity.lost import Bodies, drawn_groups, lost_diversity, lost_in
from auditor.estimate.diversity.lost_tail import lost_types, stage, tail_retention
from auditor.estimate.diversity.spectrum import Spectrum
from auditor.records import Estimate, Status
from auditor.run_columns import TYPES
from tests.estimate.diversity import simulated_spectra as simulated
from tests.estimate.diversity.test_measure import frame_of

LAW = simulated.zipf_mandelbrot(8_000, 1.1, 2.7)
SIZE = 128_000


def top_p(p: float) -> np.ndarray:
    cut = np.where(np.cumsum(LAW) > p, 0.0, LAW)
    return cut / cut.sum()


def spectra(*laws: np.ndarray, seed: int, rate: float = 1.0, tokens: int = SIZE) -> list[Spectrum]:
    rng = np.random.default_rng(seed)
    keys = simulated.random_keys(LAW, rng)
    return [simulated.drawn(law, tokens, rng, rate=rate, keys=keys) for law in laws]


def coverage_of(estimate: Estimate) -> float:
    return float(estimate.method.split("coverage ")[1].split(",")[0])


@pytest.mark.parametrize("rate", [1.0, 1 / 8])
def test_the_loss_through_a_truncated_model_is_covered(rate):
    mixed = 0.5 * LAW + 0.5 * top_p(0.9)
    covered = {"q0": 0, "q1": 0, "q2": 0}
    for seed in range(16):
        loss = lost_in(Bodies(*spectra(mixed, LAW, seed=seed, rate=rate)))
        for key in covered:
            true = simulated.true_loss(mixed, LAW, key, coverage_of(getattr(loss, key)))
            covered[key] += getattr(loss, key).lower <= true <= getattr(loss, key).upper
    assert min(covered.values()) >= 13, covered


def test_two_samples_of_one_law_show_no_loss():
    inside = {"q0": 0, "q1": 0, "q2": 0, "tail": 0}
    for seed in range(20):
        ours, theirs = spectra(LAW, LAW, seed=100 + seed)
        loss = lost_in(Bodies(ours, theirs))
        for key in ("q0", "q1", "q2"):
            inside[key] += getattr(loss, key).lower <= 0 <= getattr(loss, key).upper
        tail = tail_retention(frame_of(ours), frame_of(theirs))
        inside["tail"] += tail.lower <= 1 <= tail.upper
    assert min(inside.values()) >= 16, inside


@pytest.mark.parametrize("rate", [1.0, 1 / 8])
def test_tail_retention_is_the_tail_s_mass_whatever_the_sizes(rate):
    """Two fifths of the tokens from a model that never writes rare types: about three fifths of the tail is left."""
    values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        keys = simulated.random_keys(LAW, rng)
        shard = simulated.drawn(0.6 * LAW + 0.4 * top_p(0.8), 96_000, rng, rate=rate, keys=keys)
        reference = simulated.drawn(LAW, 384_000, rng, rate=rate, keys=keys)
        values.append(tail_retention(frame_of(shard), frame_of(reference)))
    assert np.mean([e.value for e in values]) == pytest.approx(0.6, abs=0.03)
    assert sum(e.lower <= 0.6 <= e.upper for e in values) >= 4


def test_early_and_late_stages_are_told_apart():
    early = spectra(0.7 * LAW + 0.3 * top_p(0.9), LAW, seed=1)
    sharp = LAW**1.6 / np.sum(LAW**1.6)
    late = spectra(sharp, LAW, seed=2)
    none = spectra(LAW, LAW, seed=104)
    names = []
    for pair in (early, late, none):
        frames = [frame_of(s) for s in pair]
        loss = lost_diversity(*frames).words
        names.append(stage(loss.q0, loss.q2, tail_retention(*frames)).name)
    assert names == ["early", "late", "none"]


def test_parts_sum_to_the_loss_and_name_the_cause():
    rng = np.random.default_rng(3)
    keys = simulated.random_keys(LAW, rng)
    human, machine, copies = (
        simulated.drawn(p, n, rng, keys=keys) for p, n in ((LAW, SIZE), (top_p(0.7), SIZE), (top_p(0.5), 64_000))
    )
    reference = frame_of(simulated.drawn(LAW, SIZE, rng, keys=keys))
    collapsed = pl.concat([frame_of(human, bin=0), frame_of(machine, bin=1)])
    shard = pl.concat([collapsed, frame_of(copies, bin=0)])
    posterior = np.tile([0.0, 1.0, 0.0, 0.0], (3, 1))
    found = lost_diversity(shard, reference, collapsed=collapsed, synthetic=posterior, rng=rng)
    for key in ("q0", "q1", "q2"):
        parts = [
            getattr(getattr(found.words, part), key).value for part in ("from_duplication", "from_synthetic", "rest")
        ]
        assert sum(parts) == pytest.approx(np.log1p(-getattr(found.words, key).value), abs=1e-9)
    for part in ("from_duplication", "from_synthetic"):
        assert getattr(found.words, part).q0.upper < 0
    assert found.words.rest.q0.lower < 0 < found.words.rest.q0.upper


def test_draws_take_the_share_of_groups_that_is_human():
    draws = drawn_groups(np.tile([0.0, 0.25, 0.9, 1.0], (400, 1)), np.random.default_rng(0))
    share = [np.mean([len(draw[b]) for draw in draws]) / 32 for b in range(4)]
    assert share == pytest.approx([1.0, 0.75, 0.1, 0.0], abs=0.005)
    assert all(len(draw[255]) == 32 for draw in draws)


def test_the_types_lost_most_are_named():
    ours, theirs = spectra(np.where(np.arange(LAW.size) == 40, 0.0, LAW), LAW, seed=4)
    keys = simulated.random_keys(LAW, np.random.default_rng(4))
    names = pl.DataFrame({"type": keys[:100], "word": [f"word {i}" for i in range(100)]})
    table = lost_types(frame_of(ours), frame_of(theirs), names=names)
    assert table["word"][0] == "word 40"
    assert table["shard_count"][0] == 0


class TestBadInput:
    reference, shard = (frame_of(s) for s in spectra(LAW, LAW, seed=5, tokens=64_000))

    def test_no_reference_is_not_measured(self):
        assert lost_diversity(self.shard, None).words.q0.reason == "no human reference"
        assert tail_retention(self.shard, None).status == Status.NOT_MEASURED

    def test_no_eligible_text_is_not_measured(self):
        found = lost_diversity(pl.DataFrame(schema=TYPES), self.reference)
        assert found.words.q2.reason == "no eligible text"
        assert found.levels["bigram"].rest.q0.status == Status.NOT_MEASURED

    def test_a_reference_in_another_language_is_refused(self):
        foreign = frame_of(simulated.drawn(LAW, 64_000, np.random.default_rng(99)))
        assert "another language" in lost_diversity(self.shard, foreign).words.q0.reason
        assert tail_retention(self.shard, foreign).status == Status.NOT_MEASURED

    def test_a_tiny_shard_is_inconclusive(self):
        tiny = frame_of(spectra(LAW, seed=5, tokens=6_400)[0])
        found = lost_diversity(tiny, self.reference).words.q0
        assert found.status in (Status.MEASURED, Status.INCONCLUSIVE)
        less = frame_of(spectra(LAW, seed=5, tokens=6_400)[0].of_groups(np.arange(32) < 20))
        assert "too few" in lost_diversity(less, self.reference).words.q0.reason

    def test_a_reference_far_smaller_than_the_shard_is_inconclusive(self):
        large, small = spectra(LAW, LAW, seed=5, tokens=128_000)
        found = lost_diversity(frame_of(large), frame_of(small.of_groups(np.arange(32) < 2))).words.q0
        assert found.status != Status.MEASURED

    def test_one_repeated_document_has_lost_nearly_all(self):
        rng = np.random.default_rng(5)
        keys = simulated.random_keys(LAW, rng)
        at = np.argsort(keys[:300])
        index, group = np.repeat(np.arange(300), 32), np.tile(np.arange(32), 300)
        each = np.full(9600, 20.0)
        sizes = np.full(32, 6000.0), np.full(32, 30.0)
        same = Spectrum(keys[:300][at], np.ones(300, bool), index, group, each, each, *sizes, 1.0)
        found = lost_diversity(frame_of(same), frame_of(simulated.drawn(LAW, 64_000, rng, keys=keys)))
        assert found.words.q0.value > 0.8

    def test_types_that_are_all_unique_are_not_measured(self):
        rng = np.random.default_rng(5)
        keys = np.sort(simulated.random_keys(LAW, rng))
        one, index = np.ones(6400), np.arange(6400)
        sizes = np.full(32, 200.0), np.full(32, 1.0)
        unique = Spectrum(keys[:6400], one < 0, index, index % 32, one, one, *sizes, 1.0)
        reference = simulated.drawn(LAW, 64_000, rng, keys=keys)
        found = lost_diversity(frame_of(unique), frame_of(reference))
        assert found.words.q0.status == Status.NOT_MEASURED


def test_the_loss_comes_with_its_tail_retention():
    ours, theirs = (frame_of(s) for s in spectra(LAW, LAW, seed=6))
    assert lost_diversity(ours, theirs).tail_retention == tail_retention(ours, theirs)


def test_a_part_that_is_too_small_does_not_spoil_the_loss():
    """Nearly all copies, or nearly all machine-written: the loss stands, the part says why it is missing."""
    ours, theirs = (frame_of(s, bin=0) for s in spectra(top_p(0.8), LAW, seed=7))
    little = frame_of(spectra(LAW, seed=7, tokens=6_400)[0], bin=0)
    alone = lost_diversity(ours, theirs).words.q0
    copies = lost_diversity(ours, theirs, collapsed=little)
    assert copies.words.q0 == alone
    assert "without duplicates: too few" in copies.words.from_duplication.q0.reason
    machine = lost_diversity(ours, theirs, synthetic=np.array([[0.99, 0.0, 0.0, 0.0]]), rng=np.random.default_rng(1))
    assert machine.words.q0 == alone
    assert "too few" in machine.words.from_synthetic.q1.reason
