"""Collapse simulated on a run's spectrum, on a file's or on a Zipf spectrum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from auditor import streams
from auditor.collapse.simulate.options import SimulationOptions
from auditor.collapse.simulate.simulation import simulate
from auditor.collapse.simulate.source import zipf as zipf_source
from auditor.collapse.spectrum import Spectrum, estimate_frequencies
from auditor.errors import AuditError, ConfigError
from auditor.manifest import write_text
from auditor.pipeline.diversity.reference import human_spectrum
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.reservoir.recommend import frequencies
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.run import load_run

DEFAULTS: dict[str, Any] = {
    "generations": 10,
    "share": 0.1,
    "regime": "replace_fresh",
    "decoding": "none",
    "decoding_value": 1.0,
    "replicates": 20,
}


def run_simulation(
    spectrum: str | None,
    *,
    zipf: int | None,
    tokens: float | None,
    settings: dict[str, Any],
    seed: int,
    html: Path | None,
) -> tuple[pl.DataFrame, str]:
    """Collapse on a run's spectrum, a file of frequency,types, or a Zipf spectrum; the rows and what they are of.

    Parameters: settings, of SimulationOptions; what is None is taken from the run, else from DEFAULTS
    Raises: ConfigError where not exactly one spectrum is named, or a setting is impossible
    """
    if (spectrum is None) == (zipf is None):
        raise ConfigError("name one spectrum: a run's folder, a CSV of frequency,types, or --zipf TYPES")
    settings = (
        DEFAULTS
        | (_measured(Path(spectrum)) if spectrum and Path(spectrum).is_dir() else {})
        | {name: value for name, value in settings.items() if value is not None}
    )
    try:
        if zipf is not None:
            source, words, own = zipf_source(zipf), f"Zipf, {zipf:,} types", 100.0 * zipf
        else:
            assert spectrum is not None
            counts = _spectrum_of(Path(spectrum))
            source, words, own = estimate_frequencies(counts), f"the spectrum of {spectrum}", counts.tokens
        options = SimulationOptions(tokens=own if tokens is None else tokens, **settings)
        frame = simulate(source, options, streams.rng(seed, "simulation"))
    except ValueError as error:
        raise ConfigError(f"this cannot be simulated: {error}") from None
    if html is not None:
        from auditor.reports.model.over_time import Simulation
        from auditor.reports.render.pages import render_simulation

        found = {"source": words, "settings": settings, "rows": frame.to_dicts()}
        write_text(html, render_simulation(Simulation.model_validate(found)))
    return frame, f"{words}; {settings['share']:.0%} human, {settings['regime']}, decoding {_decoding(settings)}"


def _spectrum_of(path: Path) -> Spectrum:
    if path.is_dir():
        plan = load_run(path).plan
        found = frequencies(human_spectrum(Spectra(path, plan)))
        if found is None:
            raise ConfigError(f"{path} has no words to make a spectrum of")
        return found
    try:
        frame = pl.read_csv(path, schema={"frequency": pl.Float64, "types": pl.Float64})
        return Spectrum(frame["frequency"].to_numpy(), frame["types"].to_numpy())
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise ConfigError(f"{path} is neither a run nor a CSV of frequency,types ({error})") from None


def _decoding(settings: dict[str, Any]) -> str:
    kind = str(settings["decoding"])
    return kind if kind == "none" else f"{kind} {settings['decoding_value']:.3g}"


def _measured(run: Path) -> dict[str, Any]:
    """The human share, the decoding ratio and the horizon that the run's recommendation rests on.

    A report that is missing or of another shape says nothing: the defaults stand in.
    """
    try:
        report = read_report(run)
        fraction = report["corpus"]["synthetic_fraction_tokens"]["value"]
        ratios = [row["value"] for row in report["reservoir"]["assumptions"]["decoding_ratio"].values()]
        out: dict[str, Any] = {"generations": report["reservoir"]["horizon"]}
    except (AuditError, KeyError, TypeError):
        return {}
    if fraction is not None:
        out["share"] = min(max(1 - fraction, 0.0), 1.0)
    if ratios and 0 < min(ratios) < 1:
        out |= {"decoding": "ratio", "decoding_value": min(ratios)}
    return out
