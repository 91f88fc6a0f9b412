"""Error, coverage and width of the synthetic fraction, on source families and generators never seen.

python benchmarks/prevalence_tier0.py --sources LABELLED --scores tier0.parquet
python benchmarks/prevalence.py --scores tier0.parquet --detector tier0 [--repeats 3] [--study NAME ...]
python benchmarks/prevalence_scores.py --sources LABELLED --scores linear.parquet
python benchmarks/prevalence.py --scores linear.parquet --detector linear

Every corpus holds two shards of each fraction. Scores are drawn from densities fitted to the scores of real documents
(a kernel of a quarter of their sd: semi-synthetic), but in the study "real", which draws documents without replacement.
A cell is (source family, generator group, domain): neither the detector nor the priors have seen its family or group.
Rows are kept in benchmarks/results/prevalence.parquet; docs/prevalence.md is written from them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from prevalence_peers import PEERS, cramer_rao
from prevalence_report import DETECTORS, write_report

from auditor.estimate.fraction.anchors import Anchors, AnchorSet
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.domain_shift import DETECTABLE, DensityPrior, Trust, learn_prior, separability
from auditor.estimate.fraction.prevalence import PrevalenceOptions, estimate_prevalence

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "benchmarks" / "results" / "prevalence.parquet"
FRACTIONS = (0.0, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
FEWEST, KERNEL = 100, 0.25


@dataclass(frozen=True)
class Study:
    """One block of the table: shard size, human anchors, and what is special about it."""

    documents: int
    anchors: int
    alone: bool = False
    matched: bool = True
    detectable: bool = True
    real: bool = False
    repeats: float = 1.0


STUDIES = {
    "50,000 documents": Study(50_000, 7_000),
    "5,000 documents": Study(5_000, 7_000),
    "500 documents": Study(500, 7_000),
    "single shard of 5,000": Study(5_000, 7_000, alone=True, repeats=0.5),
    "real documents, shards of 100": Study(100, 0, real=True),
    "no matched anchors, 5,000 documents": Study(5_000, 0, matched=False, repeats=0.5),
    "100 anchors, 5,000 documents": Study(5_000, 100, repeats=0.5),
    "400 anchors, 5,000 documents": Study(5_000, 400, repeats=0.5),
    "1,600 anchors, 5,000 documents": Study(5_000, 1_600, repeats=0.5),
    "undetectable generators, 5,000 documents": Study(5_000, 7_000, detectable=False, repeats=0.5),
}


@dataclass(frozen=True)
class Cell:
    held: str
    group: str
    domain: str
    human: np.ndarray
    machine: np.ndarray
    area: float


def cells_of(scores: pl.DataFrame) -> list[Cell]:
    out = []
    for key, rows in sorted(scores.filter(role="target").group_by(["held", "held_group", "domain"])):
        human = rows.filter(label="human")["score"].to_numpy().astype(float)
        machine = rows.filter(label="ai")["score"].to_numpy().astype(float)
        if min(len(human), len(machine)) >= FEWEST:
            out.append(Cell(*key, human, machine, separability(human, machine)))
    return out


def prior_of(calibration: pl.DataFrame) -> DensityPrior:
    """Priors from the families and generators that were not kept aside."""
    tables = []
    for _, rows in sorted(calibration.group_by(["family", "domain"])):
        machine = rows.filter(label="ai")
        parts = [part["score"].to_numpy().astype(float) for _, part in sorted(machine.group_by(["group"]))]
        tables.append((rows.filter(label="human")["score"].to_numpy().astype(float), parts))
    return learn_prior(tables)


def drawn(scores: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """n scores from the density fitted to these."""
    return rng.choice(scores, n) + KERNEL * scores.std() * rng.standard_normal(n)


def corpus_of(
    cell: Cell, study: Study, fractions: tuple[float, ...], rng: np.random.Generator
) -> tuple[ScoreCounts, np.ndarray]:
    """Shards of known fractions, and the scores of their human anchors."""
    machine = [round(a * study.documents) for a in fractions]
    if study.real:
        human, ai = rng.permutation(cell.human), rng.permutation(cell.machine)
        at = np.cumsum([0] + [study.documents - k for k in machine])
        into = np.cumsum([0, *machine])
        parts = [np.r_[human[at[i] : at[i + 1]], ai[into[i] : into[i + 1]]] for i in range(len(machine))]
        anchors = human[at[-1] :]
    else:
        parts = [
            np.r_[drawn(cell.human, study.documents - k, rng), drawn(cell.machine, k, rng)]
            if k
            else drawn(cell.human, study.documents, rng)
            for k in machine
        ]
        anchors = drawn(cell.human, study.anchors, rng)
    scope = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    names = [str(i) for i in range(len(parts))]
    return ScoreCounts.of(np.concatenate(parts), scope_of=scope, scopes=names), anchors


def fine(scores: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # half a document in every bin: an empty one would tell all, and the floor would be 0
    density = ScoreCounts.of(drawn(scores, 200_000, rng)).histogram[0] + 0.5
    return density / density.sum()


def measure(
    name: str, study: Study, cell: Cell, calibration: pl.DataFrame, prior: DensityPrior, rng: np.random.Generator
) -> list[dict]:
    """Rows of one corpus (or of seven corpora of one shard): the estimate and its peers for every shard."""
    foreign = {label: calibration.filter(label=label)["score"].to_numpy() for label in ("human", "ai")}
    foreign_machine = ScoreCounts.of(foreign["ai"]).histogram[0].astype(float)
    true_human, true_machine = fine(cell.human, rng), fine(cell.machine, rng)
    sets = [(a,) for a in FRACTIONS] if study.alone else [FRACTIONS * (1 if study.real else 2)]
    out = []
    for fractions in sets:
        target, scores = corpus_of(cell, study, fractions, rng)
        trust = Trust.REFERENCE if study.matched else Trust.BUNDLED
        human = ScoreCounts.of(scores if study.matched else foreign["human"])
        anchors = Anchors((AnchorSet("anchors", trust, human),), (), prior)
        started = time.perf_counter()
        found = estimate_prevalence(target, anchors, rng, options=PrevalenceOptions(draws=200))
        seconds = time.perf_counter() - started
        for i, (a, e) in enumerate(zip(fractions, found.shards.documents, strict=True)):
            row = {"study": name, "held": cell.held, "group": cell.group, "domain": cell.domain, "area": cell.area}
            row |= {"fraction": a, "value": e.value, "lower": e.lower, "upper": e.upper, "status": str(e.status)}
            floor = cramer_rao(a, study.documents, max(int(human.sizes[0]), 1), true_human, true_machine)
            row |= {"floor": floor, "seconds": seconds}
            sides = (found.fit.runs(x) for x in (target.histogram[i], human.histogram[0], foreign_machine))
            seen, human_runs, machine_runs = (x.astype(float) for x in sides)
            peers = {peer: f(seen, human_runs, machine_runs) for peer, f in PEERS.items()}
            out.append(row | peers)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--detector", choices=list(DETECTORS), required=True, help="whose scores these are")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--study", action="append", choices=list(STUDIES))
    parser.add_argument("--rows", type=Path, default=KEPT, help="where the rows are kept")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "prevalence.md")
    options = parser.parse_args()
    scores = pl.read_parquet(options.scores).filter(pl.col("label") != "mixed")
    cells = cells_of(scores)
    priors: dict[tuple[str, str], tuple[pl.DataFrame, DensityPrior]] = {}
    for name in options.study or STUDIES:
        study = STUDIES[name]
        rows: list[dict] = []
        for place, cell in enumerate(cells):
            key = cell.held, cell.group
            if key not in priors:
                table = scores.filter(role="calibration", held=cell.held, held_group=cell.group)
                priors[key] = table, prior_of(table)
            if (cell.area >= DETECTABLE) != study.detectable or (study.real and len(cell.human) < 850):
                continue
            for repeat in range(max(1, round(options.repeats * study.repeats))):
                # one stream for each corpus: another version of the estimator sees the same documents
                rng = np.random.default_rng([20221101, place, repeat])
                rows += measure(name, study, cell, *priors[key], rng)
        fresh = pl.DataFrame(rows).with_columns(detector=pl.lit(options.detector))
        if options.rows.exists():
            kept = pl.read_parquet(options.rows)
            kept = kept.filter((pl.col("study") != name) | (pl.col("detector") != options.detector))
            fresh = pl.concat([kept, fresh], how="diagonal_relaxed")
        options.rows.parent.mkdir(exist_ok=True)
        fresh.write_parquet(options.rows)
        write_report(fresh, list(STUDIES), options.report)
        print(name, len(rows), "shards", flush=True)


if __name__ == "__main__":
    main()
