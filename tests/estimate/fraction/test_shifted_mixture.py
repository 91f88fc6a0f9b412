"""The joint posterior recovers fractions and shifts, and covers them, where every shard is another kind of text."""

from dataclasses import replace

import numpy as np
import pytest

from auditor.estimate.fraction.atom_sampler import State
from auditor.estimate.fraction.counts import BINS, CENTRES, ScoreCounts
from auditor.estimate.fraction.shifted_mixture import draw_atoms, fit_shifted, smooth
from auditor.statistics.intervals import shortest_interval
from tests.estimate.fraction.worlds import atoms, calibration, human_scores, mixed

FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5)


@pytest.fixture
def rng():
    return np.random.default_rng(20221101)


def shifted_corpus(rng, sd=0.4, n=800):
    shifts = rng.normal(0, sd, len(FRACTIONS))
    shards = {f"{a}": mixed(a, n, rng, shift) for a, shift in zip(FRACTIONS, shifts, strict=True)}
    return shards, shifts


def drawn(own, anchors, prior, rng, **options):
    posterior = fit_shifted(own, anchors, prior, rng, **{"draws": 80, "warm_up": 50} | options)
    return posterior, list(draw_atoms(posterior, [own], rng))


def test_fractions_are_covered_where_every_shard_is_shifted_by_itself(rng):
    hits, widths, errors = [], [], []
    for _ in range(12):
        shards, _ = shifted_corpus(rng)
        own = atoms(shards, kinds={name: f"en/{name}" for name in shards}, variance=0.1)["en"]
        human = ScoreCounts.of(human_scores(800, rng)).histogram[0].astype(float)
        _, draws = drawn(own, human, calibration(rng).prior("en"), rng)
        for i, truth in enumerate(FRACTIONS):
            lower, upper = shortest_interval(np.array([d.fraction[i] for d in draws]))
            hits.append(lower - 0.005 <= truth <= upper + 0.005)
            widths.append(upper - lower)
            errors.append(abs(np.median([d.fraction[i] for d in draws]) - truth))
    assert np.mean(hits) >= 0.9
    assert np.median(widths) < 0.25
    assert np.mean(errors) < 0.05


def test_a_shift_that_no_density_common_to_all_could_explain_is_no_machine_text(rng):
    shards = {f"{i}": human_scores(1000, rng, shift) for i, shift in enumerate((-0.8, -0.3, 0.0, 0.4, 0.9))}
    own = atoms(shards, kinds={name: f"en/{name}" for name in shards}, variance=0.1)["en"]
    human = ScoreCounts.of(human_scores(800, rng)).histogram[0].astype(float)
    _, draws = drawn(own, human, calibration(rng, within=0.4).prior("en"), rng)
    lower = [shortest_interval(np.array([d.fraction[i] for d in draws]))[0] for i in range(len(shards))]
    assert max(lower) < 0.01
    found = np.mean([d.shift for d in draws], axis=0)  # the common density may be shifted too
    assert found - found.mean() == pytest.approx(np.array([-0.8, -0.3, 0.0, 0.4, 0.9]) - 0.04, abs=0.2)


def test_shards_that_are_alike_teach_a_small_spread_and_get_narrow_intervals(rng):
    human = ScoreCounts.of(human_scores(3000, rng)).histogram[0].astype(float)
    prior = calibration(rng).prior("en")
    alike = atoms({f"{i}": mixed(0.02, 3000, rng) for i in range(10)})["en"]
    unlike = atoms({f"{i}": mixed(0.02, 3000, rng, rng.normal(0, 0.5)) for i in range(10)})["en"]
    (one, first), (other, second) = drawn(alike, human, prior, rng), drawn(unlike, human, prior, rng)
    assert one.spread.mean() < 0.7 < other.spread.mean()
    width = [
        np.subtract(*shortest_interval(np.array([d.fraction[0] for d in draws]))[::-1]) for draws in (first, second)
    ]
    assert width[0] < width[1]


def test_documents_known_to_be_human_fix_the_shift_of_their_shard(rng):
    scores = mixed(0.2, 1000, rng, 0.9)
    own = atoms({"only": scores}, variance=0.2, uncovered=1.0)["en"]
    dated = ScoreCounts.of(human_scores(400, rng, 0.9)).histogram.astype(float)
    told = replace(
        own, counts=own.counts + ScoreCounts.of(human_scores(0, rng), scopes=["only"]), known_human=dated * 0
    )
    more = ScoreCounts(("only",), own.counts.documents.copy(), own.counts.tokens, own.counts.unscored)
    more.documents[0, 0] += dated[0].astype(np.int64)
    told = replace(own, counts=more, known_human=dated)
    human = ScoreCounts.of(human_scores(300, rng)).histogram[0].astype(float)
    prior = calibration(rng).prior("en")
    (_, blind), (_, seeing) = drawn(own, human, prior, rng), drawn(told, human, prior, rng)
    assert np.median([d.shift[0] for d in seeing]) == pytest.approx(0.9, abs=0.25)
    off = [abs(np.median([d.shift[0] for d in draws]) - 0.9) for draws in (seeing, blind)]
    assert off[0] < off[1]
    assert np.median([d.fraction[0] for d in seeing]) == pytest.approx(0.2, abs=0.1)


def test_sixty_labels_move_a_shard_to_the_labelled_share(rng):
    scores = mixed(0.0, 600, rng, 1.6)  # human text of a kind that nothing covers and that scores high
    own = atoms({"odd": scores}, variance=0.05, uncovered=1.0)["en"]
    said = ScoreCounts.of(scores[:60]).histogram.astype(float)
    told = replace(own, labelled_human=said)
    human = ScoreCounts.of(human_scores(500, rng)).histogram[0].astype(float)
    prior = calibration(rng).prior("en")
    (_, blind), (_, seeing) = drawn(own, human, prior, rng), drawn(told, human, prior, rng)
    before, after = (np.mean([d.fraction[0] for d in draws]) for draws in (blind, seeing))
    assert after < 0.08 and after <= before + 0.01
    assert shortest_interval(np.array([d.fraction[0] for d in seeing]))[0] < 0.005


def test_the_same_seed_gives_the_same_draws(rng):
    own = atoms({"a": mixed(0.2, 500, rng)})["en"]
    prior = calibration(rng).prior("en")
    first, again = (
        fit_shifted(own, np.zeros(BINS), prior, np.random.default_rng(4), draws=10, warm_up=5) for _ in range(2)
    )
    assert (first.human == again.human).all() and (first.machine == again.machine).all()


def test_smoothing_keeps_the_mass_and_the_middle():
    density = np.exp(-0.5 * CENTRES**2)
    density /= density.sum()
    out = smooth(density)
    assert out.sum() == pytest.approx(1)
    assert (out * CENTRES).sum() == pytest.approx(0, abs=1e-6)
    assert (out * CENTRES**2).sum() == pytest.approx(1 + 0.22**2, abs=0.02)


def test_a_state_has_the_priors_weights_unless_it_names_others():
    assert State(np.zeros(BINS), np.zeros(BINS), np.zeros(1)).weights is None
