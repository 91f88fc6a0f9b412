"""`auditor simulate`: what it refuses, and that every regime and decoding runs on every kind of spectrum."""

import itertools

import numpy as np
import pytest

from auditor.collapse.options import Regime
from auditor.collapse.simulate.options import Decoding
from auditor.errors import ConfigError
from auditor.pipeline.finished.simulate import SimulationSettings, run_simulation

SETTINGS = {
    "generations": 3,
    "share": 0.1,
    "regime": "replace_fresh",
    "decoding": "none",
    "decoding_value": 0.8,
    "replicates": 3,
}


def simulated(spectrum=None, *, zipf=None, tokens=None, **settings):
    return run_simulation(
        spectrum, zipf=zipf, tokens=tokens, settings=SimulationSettings(**(SETTINGS | settings)), seed=0, html=None
    )[0]


@pytest.mark.parametrize(("regime", "decoding"), list(itertools.product(Regime, Decoding)))
def test_every_regime_and_decoding_runs_on_zipf_and_on_a_file(regime, decoding, tmp_path):
    (tmp_path / "s.csv").write_text(
        "frequency,types\n" + "".join(f"{count},{2000 // count}\n" for count in range(1, 50))
    )
    for frame in (
        simulated(str(tmp_path / "s.csv"), regime=regime, decoding=decoding),
        simulated(zipf=5000, regime=regime, decoding=decoding),
    ):
        numbers = frame.select("value", "lower", "upper").to_numpy()
        assert np.isfinite(numbers).all() and (numbers >= 0).all()
        assert frame["generation"].n_unique() == 4


def test_a_run_is_simulated_on_its_human_spectrum(audited):
    frame, words = run_simulation(
        str(audited), zipf=None, tokens=None, settings=SimulationSettings(**SETTINGS), seed=0, html=None
    )
    assert str(audited) in words and frame.filter(quantity="types")["value"][0] > 1000


def test_what_is_not_named_comes_from_the_run(audited, report):
    nothing = SimulationSettings(replicates=3)
    frame, words = run_simulation(str(audited), zipf=None, tokens=None, settings=nothing, seed=0, html=None)
    fraction = report["corpus"]["synthetic_fraction_tokens"]["value"]
    assert frame["generation"].max() == report["reservoir"]["horizon"]
    assert (f"{1 - fraction:.0%} human" if fraction is not None else "10% human") in words
    named, _ = run_simulation(
        str(audited), zipf=None, tokens=None, settings=SimulationSettings(**SETTINGS), seed=0, html=None
    )
    assert named["generation"].max() == SETTINGS["generations"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"zipf": 0},
        {"zipf": -5},
        {"zipf": 10**13},
        {"zipf": 10, "tokens": 0.0},
        {"zipf": 10, "tokens": np.nan},
        {"zipf": 10, "generations": 0},
        {"zipf": 10, "share": 2.0},
        {"zipf": 10, "replicates": 1},
        {"zipf": 10, "decoding": "temperature", "decoding_value": 0.001},
        {"zipf": 10, "decoding": "temperature", "decoding_value": np.inf},
        {"zipf": 10, "decoding": "loud"},
    ],
)
def test_an_impossible_simulation_is_refused_in_words(wrong):
    with pytest.raises(ConfigError):
        simulated(**wrong)


@pytest.mark.parametrize("rows", ["", "-1,5\n", "1,nan\n", "1,1e300\n", "0,1\n", "1,0\n"])
def test_a_file_that_is_no_spectrum_is_refused_in_words(rows, tmp_path):
    (tmp_path / "s.csv").write_text("frequency,types\n" + rows)
    with pytest.raises(ConfigError):
        simulated(str(tmp_path / "s.csv"))
