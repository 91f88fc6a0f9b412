"""The synthetic fraction on patchwork corpora, beside quantifiers that pool the reference.

python benchmarks/prevalence.py --scores SCORES.parquet --out benchmarks/results/prevalence.csv [--corpora 15]

SCORES.parquet holds labelled documents with out-of-family scores (auditor detectors train --data LABELLED --scores
SCORES.parquet writes it): every document's score is of a model that saw nothing of its source family.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, Trust
from auditor.estimate.fraction.atoms import Atoms, atoms_of
from auditor.estimate.fraction.bundled import Calibration
from auditor.estimate.fraction.counts import ScoreCounts
from auditor.estimate.fraction.kind_units import ANCHOR_STATISTICS, REST, kind_units
from auditor.estimate.fraction.prevalence import estimate_prevalence
from auditor.estimate.fraction.scopes import PrevalenceOptions
from auditor.estimate.fraction.shift_prior import learn_shift_prior
from benchmarks.patchwork import DESIGNS, REFERENCES, Documents, Patchwork
from benchmarks.prevalence_peers import PEERS

FEWEST = 30
DOMAIN_SD, KIND_SD = 0.37, 0.45
SPREADS = {"within": 0.37, "uncovered": 0.37, "common": 0.1, "machine_shift": 0.6, "log_scale": 0.2}


def calibrated(documents: Documents, rows: np.ndarray) -> tuple[dict[str, tuple[float, float, float]], Calibration]:
    """Location, scale and variance by kind and the prior, from documents of other families."""
    human = rows[documents.human[rows]]
    scores, kinds, domains = documents.score[human], documents.kind[human], documents.domain[human]
    medians = [np.median(scores[domains == d]) for d in np.unique(domains) if (domains == d).sum() >= FEWEST]
    spreads = [_spread(scores[domains == d]) for d in np.unique(domains) if (domains == d).sum() >= FEWEST]
    mean, common = float(np.mean(medians)), float(np.median(spreads))
    table = {}
    for kind in np.unique(documents.kind):
        inside = kinds == kind
        precision, weighted = 1 / (KIND_SD * common) ** 2, mean / (KIND_SD * common) ** 2
        for domain in np.unique(domains[inside]):
            own = scores[inside & (domains == domain)]
            if len(own) >= 5:
                weight = 1 / (1.57 * common**2 / len(own) + (DOMAIN_SD * common) ** 2)
                precision, weighted = precision + weight, weighted + weight * np.median(own)
        n = int(inside.sum())
        own_scale = _spread(scores[inside]) if n >= 10 else common
        scale = float(np.exp((n * np.log(own_scale) + 60 * np.log(common)) / (n + 60)))
        table[str(kind)] = weighted / precision, scale, 1 / precision / common**2
    units = in_units(documents, rows, table)
    by_domain = [
        units[documents.human[rows] & (documents.domain[rows] == d)] for d in np.unique(documents.domain[human])
    ]
    made = ~documents.human[rows]
    names = np.array([f"{d}|{g}" for d, g in zip(documents.domain[rows], documents.generator[rows], strict=True)])[made]
    cells, cell_of = np.unique(names, return_inverse=True)
    histograms = ScoreCounts.of(units[made], scope_of=cell_of, scopes=list(cells)).histogram.astype(float)
    generators = np.array([f"{cell.split('/', 1)[0]}|{cell.rsplit('|', 1)[1]}" for cell in cells])
    machine = [list(histograms[generators == name]) for name in np.unique(generators)]
    prior = learn_shift_prior(by_domain, machine, SPREADS)
    variance = {kind: row[2] for kind, row in table.items()}
    return table, Calibration(variance, {"en": prior, "": prior}, histograms.sum(0))


def in_units(documents: Documents, rows: np.ndarray, table: dict[str, tuple[float, float, float]]) -> np.ndarray:
    """Scores of some documents in bundled human units of their kind."""
    location = np.array([table[kind][0] for kind in documents.kind[rows]])
    scale = np.array([table[kind][1] for kind in documents.kind[rows]])
    return (documents.score[rows] - location) / scale


def estimate(documents: Documents, corpus: Patchwork, rng: np.random.Generator, options: PrevalenceOptions):
    """The product's estimate of every shard: the same steps as auditor.pipeline.fraction.measure, from scores."""
    table, calibration = calibrated(documents, corpus.calibration)
    units, anchors = in_units(documents, corpus.rows, table), in_units(documents, corpus.reference, table)
    names = sorted(table)
    trust = Trust.DATED if corpus.dated else Trust.REFERENCE
    anchor_kinds = documents.kind[corpus.reference]
    rows = [
        (
            f"en/{kind}",
            float((anchor_kinds == kind).sum()),
            *np.quantile(anchors[anchor_kinds == kind], (0.16, 0.5, 0.84)),
        )
        for kind in names
        if (anchor_kinds == kind).any()
    ]
    statistics = pl.DataFrame(rows, schema=ANCHOR_STATISTICS, orient="row")
    found = kind_units(
        [f"en/{kind}" for kind in names], np.array([table[k][2] for k in names]), [(trust, statistics)] if rows else []
    )
    place = {kind: i for i, kind in enumerate(names)}
    of, of_anchor = (np.array([place[k] for k in documents.kind[r]], int) for r in (corpus.rows, corpus.reference))
    moved = (units - found.shift[of]) / found.scale[of]
    human = ()
    if len(anchors):
        scores = (anchors - found.shift[of_anchor]) / found.scale[of_anchor]
        counts = ScoreCounts.of(scores, scope_of=of_anchor, scopes=[f"en/{kind}" for kind in names])
        human = (AnchorSet(trust.name.lower(), trust, counts),)
    atoms = _atoms(documents, corpus, moved, found)
    shards = [f"{i}" for i in range(len(corpus.truth))]
    return estimate_prevalence({"en": atoms}, shards, Anchors(human, (), calibration), rng, options=options)


def _atoms(documents: Documents, corpus: Patchwork, scores: np.ndarray, units) -> Atoms:
    frame = pl.DataFrame(
        {
            "scope": corpus.shard.astype(str),
            "language": "en",
            "kind": [f"en/{kind}" for kind in documents.kind[corpus.rows]],
            "score": scores,
            "dated": np.isin(corpus.rows, corpus.reference) if corpus.dated else np.zeros(len(scores), bool),
        }
    )
    plan = atoms_of(frame.group_by("scope", "language", "kind").len("n").cast({"n": pl.Int64}))
    frame = frame.join(plan.drop("n"), on=["scope", "language", "kind"], maintain_order="left")
    frame = frame.join(units.frame().select("kind", "covered"), on="kind", maintain_order="left")
    names = sorted(frame["atom"].unique().to_list())
    at = np.array([names.index(name) for name in frame["atom"]])
    described = frame.group_by("atom").agg(pl.col("scope", "group").first(), pl.col("covered").mean()).sort("atom")
    groups = (*units.kinds, f"en/{REST}")
    variance = np.append(units.variance, units.variance.mean() / 2)
    counts = ScoreCounts.of(scores, scope_of=at, scopes=names)
    dated = frame["dated"].to_numpy()
    known = ScoreCounts.of(scores[dated], scope_of=at[dated], scopes=names).histogram.astype(float)
    none = np.zeros_like(known)
    return Atoms(
        counts,
        described["scope"].cast(pl.Int64).to_numpy(),
        np.array([groups.index(name) for name in described["group"]]),
        groups,
        variance,
        1 - described["covered"].to_numpy(),
        known,
        none,
        none,
    )


def _spread(scores: np.ndarray) -> float:
    low, high = np.quantile(scores, [0.16, 0.84])
    return max(float(high - low) / 2, 0.2)


def measure(documents: Documents, design: str, reference: str, seed: int, settings: argparse.Namespace) -> list[dict]:
    """One corpus: a row for each of its shards."""
    rng = np.random.default_rng([settings.seed, seed, DESIGNS.index(design), REFERENCES.index(reference)])
    corpus = documents.corpus(rng, design, reference, size=settings.size, resampled=settings.resampled)
    options = PrevalenceOptions(draws=settings.draws)
    found = estimate(documents, corpus, rng, options)
    machine = documents.score[corpus.calibration[~documents.human[corpus.calibration]]]
    human = documents.score[corpus.reference if len(corpus.reference) else corpus.calibration]
    pooled = [ScoreCounts.of(side).histogram[0].astype(float) for side in (human, machine)]
    rows = []
    for place, (truth, e) in enumerate(zip(corpus.truth, found.shards.documents, strict=True)):
        scores = ScoreCounts.of(documents.score[corpus.rows[corpus.shard == place]]).histogram[0].astype(float)
        rows.append(
            {
                "design": design,
                "reference": reference,
                "corpus": seed,
                "shard": corpus.names[place],
                "missing": corpus.missing[place],
                "truth": truth,
                "value": e.value,
                "lower": e.lower,
                "upper": e.upper,
                "status": str(e.status),
                **{name: peer(scores, *pooled) for name, peer in PEERS.items()},
            }
        )
    return rows


def table(rows: pl.DataFrame) -> pl.DataFrame:
    """By design and reference: coverage, accusations at truth 0, errors by size of the fraction, of all and measured
    shards, widths."""
    inside = (pl.col("lower") <= pl.col("truth")) & (pl.col("truth") <= pl.col("upper"))
    measured = pl.col("status") == "measured"
    error = (pl.col("value") - pl.col("truth")).abs() * 100
    clean = pl.col("truth") == 0
    bands = {"0-1": (0, 0.0125), "2.5-5": (0.0125, 0.06), "10-25": (0.06, 0.3), "50": (0.3, 1.1)}
    within = {name: (pl.col("truth") >= low) & (pl.col("truth") < high) for name, (low, high) in bands.items()}
    return rows.group_by("design", "reference", maintain_order=True).agg(
        shards=pl.len(),
        coverage=inside.mean(),
        covered_measured=inside.filter(measured).mean(),
        measured=measured.mean(),
        accused=(pl.col("lower") > 0.01).filter(clean).mean(),
        accused_measured=((pl.col("lower") > 0.05) & measured).filter(clean).mean(),
        **{f"error {name}": error.filter(own).mean() for name, own in within.items()},
        **{f"measured error {name}": error.filter(own & measured).mean() for name, own in within.items()},
        width=((pl.col("upper") - pl.col("lower")) * 100).median(),
        **{f"error of {name}": ((pl.col(name) - pl.col("truth")).abs() * 100).mean() for name in PEERS},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corpora", type=int, default=15, help="of each design and reference")
    parser.add_argument("--designs", nargs="*", default=list(DESIGNS))
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--resampled", action="store_true")
    parser.add_argument("--draws", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    documents, rows = Documents(settings.scores), []
    for design in settings.designs:
        for reference in REFERENCES if design != "single" else ("all",):
            for seed in range(settings.corpora):
                rows += measure(documents, design, reference, seed, settings)
            frame = pl.DataFrame(rows)
            frame.write_csv(settings.out)
            with pl.Config(tbl_cols=-1, tbl_width_chars=300, float_precision=3):
                print(table(frame).tail(1), flush=True)
    pl.Config(tbl_cols=-1, tbl_width_chars=300, tbl_rows=-1, float_precision=3)
    print(table(pl.DataFrame(rows)))
    print(
        "coverage over all",
        float(table(pl.DataFrame(rows).with_columns(design=pl.lit(""), reference=pl.lit("")))["coverage"][0]),
    )


if __name__ == "__main__":
    main()
