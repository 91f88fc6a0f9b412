"""Collapse simulated on the spectrum of a run or a file, or on a Zipf spectrum."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """SimulationSettings of SimulationOptions; None: not given."""

    generations: int | None = None
    share: float | None = None
    regime: str | None = None
    decoding: str | None = None
    decoding_value: float | None = None
    replicates: int | None = None

    def over(self, others: SimulationSettings) -> SimulationSettings:
        """These settings, and those of `others` where they are not given."""
        pairs = ((getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        return SimulationSettings(*(other if own is None else own for own, other in pairs))


DEFAULTS = SimulationSettings(10, 0.1, "replace_fresh", "none", 1.0, 20)


def run_simulation(
    spectrum: str | None,
    *,
    zipf: int | None,
    tokens: float | None,
    settings: SimulationSettings,
    seed: int,
    html: Path | None,
) -> tuple[pl.DataFrame, str]:
    """Simulate collapse on a run's spectrum, a file of frequency,types, or a Zipf spectrum.

    Parameters: settings, what is not given is taken from the run, else from DEFAULTS
    Returns: the rows, and in words what was simulated
    Raises: ConfigError where not exactly one spectrum is named, or a setting is impossible
    """
    if (spectrum is None) == (zipf is None):
        raise ConfigError("name one spectrum: a run's folder, a CSV of frequency,types, or --zipf TYPES")
    measured = _measured(Path(spectrum)) if spectrum and Path(spectrum).is_dir() else SimulationSettings()
    settings = settings.over(measured).over(DEFAULTS)
    try:
        if zipf is not None:
            source, words, own = zipf_source(zipf), f"Zipf, {zipf:,} types", 100.0 * zipf
        else:
            assert spectrum is not None
            counts = _spectrum_of(Path(spectrum))
            source, words, own = estimate_frequencies(counts), f"the spectrum of {spectrum}", counts.tokens
        options = SimulationOptions(own if tokens is None else tokens, **asdict(settings))
        frame = simulate(source, options, streams.rng(seed, "simulation"))
    except ValueError as error:
        raise ConfigError(f"this cannot be simulated: {error}") from None
    if html is not None:
        from auditor.reports.model.over_time import Simulation
        from auditor.reports.render.pages import render_simulation

        found = {"source": words, "settings": asdict(settings), "rows": frame.to_dicts()}
        write_text(html, render_simulation(Simulation.model_validate(found)))
    return frame, f"{words}; {options.share:.0%} human, {options.regime}, decoding {_decoding(options)}"


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


def _decoding(options: SimulationOptions) -> str:
    kind = str(options.decoding)
    return kind if kind == "none" else f"{kind} {options.decoding_value:.3g}"


def _measured(run: Path) -> SimulationSettings:
    """The human share, the decoding ratio and the horizon that the run's recommendation rests on.

    Where the report is missing or has another shape, none of them is given.
    """
    try:
        report = read_report(run)
        fraction = report["corpus"]["synthetic_fraction_tokens"]["value"]
        ratios = [row["value"] for row in report["reservoir"]["assumptions"]["decoding_ratio"].values()]
        found = SimulationSettings(generations=report["reservoir"]["horizon"])
    except (AuditError, KeyError, TypeError):
        return SimulationSettings()
    if fraction is not None:
        found = replace(found, share=min(max(1 - fraction, 0.0), 1.0))
    if ratios and 0 < min(ratios) < 1:
        found = replace(found, decoding="ratio", decoding_value=min(ratios))
    return found
