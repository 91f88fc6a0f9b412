"""Where human and machine text scores, by kind of text, from scores of models that saw nothing of a family.

Scores come in units of all human text of the language; a kind's location and scale turn them into units of the kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from auditor.detectors.first.kinds import SoftKinds
from auditor.detectors.first.units import BANDS, CENTRES, KindTable, LengthTerm, standard_words
from auditor.detectors.training.data.mixtures import balanced
from auditor.known_scores import KnownCell
from auditor.run_columns import BINS, HIGHEST, LOWEST

CELL_BANDS = (100, 200, 400)
A_CELL = 100  # human documents of a cell that locations rest on
FEW, FEW_FOR_SCALE = 15.0, 30.0  # weight, in documents, of the pooled location and log-scale against a kind's own
LEAST_WEIGHT = 5.0
FEWEST = 20  # human documents, below which a domain says nothing about its kind
FEWEST_IN_KIND = 8
PRIOR_DOMAINS = 4.0  # weight, in domains, of the variance over all kinds against a kind's own
MEDIAN_VARIANCE = 1.57  # variance of the median of one document, in squared units
SMALLEST_VARIANCE = 0.01
FEWEST_OF_GENERATOR = 20
PROFILES = 8
LEAST_LOG_SCALE = 0.20  # the least with which intervals cover: the upper tails of kinds differ more than their middles
UNKNOWN = {"within": 0.4, "uncovered": 0.4, "common": 0.1, "machine_shift": 0.6, "log_scale": LEAST_LOG_SCALE}
COMMON = 0.10  # a shift of all kinds of a corpus together: not measured


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Documents with out-of-family scores (n,) in human units of the language, and their kinds."""

    frame: pl.DataFrame
    score: np.ndarray
    kinds: SoftKinds
    phrases: np.ndarray | None = None  # the contribution of left-over phrases is already in the score

    @property
    def anchors(self) -> np.ndarray:
        """(n,) bool: the human documents that locations and scales rest on."""
        human = self.frame.select((pl.col("label") == "human") & pl.col("licensed")).to_series().to_numpy()
        return human & balanced(self.frame, A_CELL, ("cell", "language", "label")) & np.isfinite(self.score)

    def memberships(self) -> np.ndarray:
        """(n, kinds) float32: each document's weights."""
        out = np.zeros((len(self.score), len(self.kinds.names) + 1), np.float32)
        rows = np.arange(len(self.score))
        for place in range(self.kinds.places.shape[1]):  # -1, no kind, is the last column
            np.add.at(out, (rows, self.kinds.places[:, place]), self.kinds.weights[:, place])
        return out[:, :-1]


def kind_table(scored: Scored, memberships: np.ndarray, anchors: np.ndarray) -> KindTable:
    """Location and scale of each kind from anchors (n,) bool, shrunk towards those of the language."""
    count = memberships.shape[1]
    location, log_scale = np.zeros(count), np.zeros(count)
    language = np.array([name.split("/")[0] for name in scored.kinds.names])
    spoken = scored.frame["language"].to_numpy()
    for name in np.unique(language):
        own = anchors & (spoken == name)
        if not own.any():
            continue
        scores, shares = scored.score[own], memberships[own]
        middle, unit = np.median(scores), spread(scores)
        order = np.argsort(scores, kind="stable")
        for kind in np.flatnonzero(language == name):
            weights = np.cumsum(shares[order, kind], dtype=float)
            total = weights[-1]
            location[kind], log_scale[kind] = middle, np.log(unit)
            if total >= LEAST_WEIGHT:
                low, mid, high = scores[order][np.searchsorted(weights, total * np.array([0.16, 0.5, 0.84]))]
                location[kind] = (total * mid + FEW * middle) / (total + FEW)
                width = np.log(max((high - low) / 2, 0.3 * unit))
                log_scale[kind] = (total * width + FEW_FOR_SCALE * np.log(unit)) / (total + FEW_FOR_SCALE)
    return KindTable(scored.kinds.names, location, log_scale)


def length_term(frame: pl.DataFrame, units: np.ndarray, anchors: np.ndarray) -> LengthTerm:
    """Location and log-scale of anchors' units (n,) by length band, among documents of any language given."""
    words = standard_words(frame["words"].to_numpy(), frame["language"].to_numpy())
    band = np.digitize(words, BANDS)
    location, log_scale = np.zeros(len(CENTRES)), np.zeros(len(CENTRES))
    for place in range(len(CENTRES)):
        own = units[anchors & (band == place)]
        if len(own) >= FEW:
            share = len(own) / (len(own) + FEW_FOR_SCALE)
            location[place], log_scale[place] = share * np.median(own), share * np.log(spread(own))
    return LengthTerm(tuple(location.round(4).tolist()), tuple(log_scale.round(4).tolist()))


def domain_medians(scored: Scored, memberships: np.ndarray) -> pl.DataFrame:
    """How far each domain's human text lies from its kind's, the domain left out of the kind's table and with half in.

    Returns: language, cell, kind, documents, out (median of units), within (of the other half of the domain), log_width
    """
    anchors, frame = scored.anchors, scored.frame
    rows: list[tuple[str, str, str, int, float, float | None, float | None]] = []
    human = frame.select((pl.col("label") == "human") & pl.col("licensed")).to_series().to_numpy()
    human &= np.isfinite(scored.score)
    nearest = scored.kinds.nearest().to_numpy()
    half = np.random.default_rng(0).random(len(frame)) < 0.5
    cell = (frame["language"] + "|" + frame["cell"]).to_numpy()
    for name in np.unique(cell[human]):
        own = human & (cell == name)
        if own.sum() < FEWEST:
            continue
        language = name.split("|")[0]
        same = (frame["language"] == language).to_numpy()
        part = Scored(frame.filter(pl.Series(same)), scored.score[same], _some(scored.kinds, same))
        out = kind_table(part, memberships[same], (anchors & ~own)[same]).units(scored.score[own], memberships[own])
        kept = own & ~half
        table = kind_table(part, memberships[same], (anchors & (~own | half))[same])
        within = table.units(scored.score[kept], memberships[kept])
        rows.append((language, name, "", int(own.sum()), _median(out), _median(within), float(np.log(spread(out)))))
        for kind in np.unique(nearest[own].astype(str)):
            chosen = nearest[own].astype(str) == kind
            if chosen.sum() >= FEWEST_IN_KIND:
                rows.append((language, name, kind, int(chosen.sum()), _median(out[chosen]), None, None))
    columns = ("language", "cell", "kind", "documents", "out", "within", "log_width")
    return pl.DataFrame(rows, schema=columns, orient="row")


def variances(medians: pl.DataFrame, names: tuple[str, ...]) -> dict[str, float]:
    """By kind: the variance of a domain's location about the kind's, less sampling noise."""
    single = medians.filter(pl.col("kind") != "").with_columns(square=_square("out"))
    english = float(np.mean(single.filter(pl.col("language") == "en")["square"].to_numpy())) if len(single) else 0.25
    out = {}
    for name in names:
        own = single.filter(kind=name)["square"].to_numpy()
        other = single.filter(language=name.split("/")[0])["square"].to_numpy()
        prior = (other.sum() + PRIOR_DOMAINS * english) / (len(other) + PRIOR_DOMAINS)
        shrunk = (own.sum() + PRIOR_DOMAINS * prior) / (len(own) + PRIOR_DOMAINS)
        out[name] = max(float(shrunk), SMALLEST_VARIANCE)
    return out


def shift_spreads(medians: pl.DataFrame, machine: pl.DataFrame) -> dict[str, float]:
    """within, uncovered, machine_shift and log_scale of English domains in human units, less sampling noise.

    machine: see machine_medians
    """
    whole = medians.filter(kind="", language="en").with_columns(
        out_square=_square("out"), within_square=pl.col("within") ** 2 - 2 * MEDIAN_VARIANCE / pl.col("documents")
    )
    if whole.is_empty():
        return dict(UNKNOWN)
    within, out = (max(float(np.mean(whole[name].to_numpy())), 0.01) for name in ("within_square", "out_square"))
    noise = 0.75 / whole["documents"].to_numpy()  # variance of the logarithm of half a 16-84% distance
    log_scale = max(float(np.var(whole["log_width"].to_numpy()) - noise.mean()), 0.0025)
    found = {
        "within": np.sqrt(within),
        "uncovered": np.sqrt(max(out - within, 0.01)),
        "common": COMMON,
        "machine_shift": machine_shift(machine),
        "log_scale": max(np.sqrt(log_scale), LEAST_LOG_SCALE),
    }
    return {name: round(float(value), 4) for name, value in found.items()}


def machine_shift(machine: pl.DataFrame) -> float:
    """How far the machine text of one generator in one domain lies from the nearest profile of generators (rms).

    Profiles are the estimator's: generators in the order of their medians, in PROFILES groups.
    """
    if machine.is_empty():
        return UNKNOWN["machine_shift"]
    generators = np.sort(machine.group_by("source", "generator").agg(pl.col("middle").mean())["middle"].to_numpy())
    profiles = np.array([group.mean() for group in np.array_split(generators, PROFILES) if len(group)])
    distance = np.abs(machine["middle"].to_numpy()[:, None] - profiles).min(1)
    noise = (MEDIAN_VARIANCE * machine["spread"] ** 2 / machine["documents"]).to_numpy()
    return float(np.sqrt(max(np.mean(distance**2 - np.minimum(noise, distance**2)), 0.01)))


def machine_medians(frame: pl.DataFrame, units: np.ndarray) -> pl.DataFrame:
    """source, generator, cell, documents, middle, spread of machine text by instruction-tuned models."""
    rows = frame.with_columns(unit=pl.Series(units)).filter(
        (pl.col("label") == "ai") & pl.col("licensed") & ~pl.col("base") & pl.col("unit").is_finite()
    )
    quantile = {name: pl.col("unit").quantile(q, "linear") for name, q in (("low", 0.16), ("high", 0.84))}
    found = rows.group_by("source", "generator", "cell").agg(
        documents=pl.len(), middle=pl.col("unit").median(), **quantile
    )
    found = found.filter(pl.col("documents") >= FEWEST_OF_GENERATOR).sort("source", "generator", "cell")
    return found.with_columns(spread=(pl.col("high") - pl.col("low")) / 2).drop("low", "high")


def cells(frame: pl.DataFrame, units: np.ndarray) -> list[KnownCell]:
    """Counts of units (n,) on the grid by source, domain, generator and length band (words; its lower end)."""
    step = (HIGHEST - LOWEST) / BINS
    places = np.clip((units - LOWEST) / step, 0, BINS - 1)
    machine = pl.col("label") == "ai"
    counted = frame.with_columns(
        bin=pl.Series(np.where(np.isfinite(places), places, -1).astype(np.int64)),
        family=pl.col("family").str.split("/").list.first(),
        generator=pl.when(machine).then(pl.col("generator").fill_null("unknown")).otherwise(pl.lit("")),
        band=sum((pl.col("words") >= edge).cast(pl.Int64) for edge in CELL_BANDS[1:]),
    ).filter((pl.col("bin") >= 0) & pl.col("licensed"))
    counted = counted.with_columns(family=pl.when(machine).then("source").otherwise("family"))
    keys = ["source", "family", "domain", "language", "label", "generator", "base", "band"]
    rows = []
    for key, group in sorted(counted.group_by(keys), key=lambda pair: str(pair[0])):
        filled = np.bincount(group["bin"].to_numpy(), minlength=BINS)
        inside = np.flatnonzero(filled)
        first, last = int(inside[0]), int(inside[-1]) + 1
        place = {"band": CELL_BANDS[key[-1]], "documents": int(filled.sum()), "first": first}
        row: dict[str, Any] = dict(zip(keys, key, strict=True)) | place
        rows.append(KnownCell.from_dict(row | {"counts": filled[first:last].tolist()}))
    return rows


def spread(scores: np.ndarray) -> float:
    """Half the distance between the 16% and the 84% quantile."""
    low, high = np.quantile(scores, [0.16, 0.84])
    return float(max((high - low) / 2, 1e-9))


def _some(kinds: SoftKinds, mask: np.ndarray) -> SoftKinds:
    return SoftKinds(kinds.names, kinds.places[mask], kinds.weights[mask])


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _square(column: str) -> pl.Expr:
    return pl.col(column) ** 2 - MEDIAN_VARIANCE / pl.col("documents")
