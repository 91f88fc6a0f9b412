"""The strata that a run's reservoir is sized by: languages, topics, folders of shards; spectra from retained texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import mul
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from auditor.collapse.decoding import numbers_of
from auditor.collapse.spectrum import Spectrum
from auditor.collapse.stratum import Shard, Stratum
from auditor.pipeline.reservoir.declared import Declared
from auditor.pipeline.reservoir.measurements import ELSEWHERE, Measurements
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS, Plan
from auditor.records import Estimate
from auditor.run_columns import GROUPS, SAMPLE
from auditor.text.arrow import buffers
from auditor.text.tokens import tokenise

KINDS = ("language", "topic", "folder")
MEASURED = ("kind", "source")  # kinds of strata whose size only the report has
LEAST_SHARE = 0.01  # smaller strata are in the figures of the whole
MOST_STRATA = 20  # of a kind, the largest
MOST_DOCUMENTS = 500  # read per stratum, by lowest hash: p_min is bounded by them, discovery is told within a tenth
LEAST_WORDS = 2_000
NEARLY_ALL = 0.9
VOLUMES = {"language": pl.String, "topic": pl.String, "words": pl.Int64, "bytes": pl.Int64, "eligible": pl.Boolean}


def volumes(run: Path, plan: Plan) -> pl.DataFrame:
    """Eligible documents, tokens and bytes by shard, language, topic and folder: what strata are cut from."""
    tasks = plan.of_role(CORPUS)
    documents = scan(run, tasks, "documents", VOLUMES).filter("eligible")
    counted = documents.group_by("shard", "language", "topic", maintain_order=True).agg(
        documents=pl.len(), tokens=pl.col("words").sum(), bytes=pl.col("bytes").sum()
    )
    found = counted.collect()
    folder = pl.Series("folder", [folder_of(name) for name in found["shard"]], dtype=pl.String)
    return found.with_columns(folder).sort("shard", "language", "topic")


def folder_of(shard: str) -> str:
    """The folder of a shard below the corpus' root; "." at the root itself."""
    return str(PurePosixPath(shard).parent)


def measure_strata(
    run: Path, plan: Plan, held: pl.DataFrame, measured: Measurements, declared: Declared
) -> dict[str, list[Stratum]]:
    """Strata by kind, of each kind only where there are two or more: one alone is the corpus itself.

    Parameters: held, `volumes`
    """
    fractions = {(own.kind, own.name): own.fraction for own in measured.strata}
    fractions |= {("folder", name): pooled_fraction(own) for name, own in _by_folder(measured.shards).items()}
    large = {kind: _large(held, kind, [name for k, name in fractions if k == kind]) for kind in KINDS}
    large = {kind: rows for kind, rows in large.items() if rows.height > 1}
    apart = {kind: _as_measured(measured.strata, kind, int(held["tokens"].sum())) for kind in MEASURED}
    apart = {kind: found for kind, found in apart.items() if len(found) > 1}
    if not large:
        return apart
    spectra = sampled_spectra(run, plan, {kind: rows[kind].to_list() for kind, rows in large.items()})
    return apart | {
        kind: [
            declared.added_to(
                Stratum(name, words, number, size, fractions[kind, name], spectra.get((kind, name)), ELSEWHERE, kind),
                held.filter(pl.col(kind) == name),
            )
            for name, words, number, size in rows.select(kind, "tokens", "documents", "bytes").iter_rows()
        ]
        for kind, rows in large.items()
    }


def _as_measured(strata: Sequence[Stratum], kind: str, corpus_tokens: int) -> list[Stratum]:
    """Strata as the report has them, the largest first: their spectra are not measured, the corpus' is used."""
    own = [s for s in strata if s.kind == kind and s.tokens >= max(LEAST_SHARE * corpus_tokens, 1)]
    return sorted(own, key=lambda s: (-s.tokens, s.name))[:MOST_STRATA]


def pooled_fraction(shards: Sequence[Shard]) -> Estimate:
    """The fraction of several shards by tokens; bounds add up as if the shards' errors were fully correlated, the
    widest case."""
    known = [shard for shard in shards if shard.tokens and shard.fraction.is_number]
    tokens = sum(shard.tokens for shard in known)
    if not tokens or tokens < NEARLY_ALL * sum(shard.tokens for shard in shards):
        return Estimate.not_measured("its shards' fractions are not measured")
    ends = zip(*(numbers_of(shard.fraction) for shard in known), strict=True)
    sizes = [shard.tokens for shard in known]
    lower, value, upper = (sum(map(mul, end, sizes)) / tokens for end in ends)
    n = sum(shard.fraction.n for shard in known)
    return Estimate(value, lower, upper, known[0].fraction.level, "pooled over shards", n)


def sampled_spectra(run: Path, plan: Plan, names: Mapping[str, list[str]]) -> dict[tuple[str, str], Spectrum]:
    """Word spectra of named strata, by kind and name, from retained documents that score as human, by lowest hash.

    The lowest hashes of each score bin are retained, so bins count equally, not by size. Documents that score as
    machine-written are left out, since human text is what must be kept. Long texts are capped.
    """
    tasks = plan.of_role(CORPUS)
    human = pl.col("score").is_null() | (pl.col("score") <= 0)
    kept = scan(run, tasks, "sample", SAMPLE).filter(human)
    listed = kept.select("part", "shard", "stable_id", "language", "topic").collect()
    folders = [folder_of(name) for name in listed["shard"]]
    listed = listed.with_columns(pl.Series("folder", folders, dtype=pl.String))
    rank = pl.col("stable_id").rank("ordinal")
    among = (pl.col(kind).is_in(own) & (rank.over(kind) <= MOST_DOCUMENTS) for kind, own in names.items())
    chosen = listed.filter(pl.any_horizontal(*among))
    texts = chosen.lazy().join(kept.select("part", "stable_id", "text"), on=["part", "stable_id"]).collect()
    words = _words(texts["text"])
    out: dict[tuple[str, str], Spectrum] = {}
    for kind, own in names.items():
        for name in own:
            found = _spectrum(words, np.flatnonzero((texts[kind] == name).fill_null(False).to_numpy()))
            if found.tokens >= LEAST_WORDS:
                out[kind, name] = found
    return out


def _large(held: pl.DataFrame, kind: str, names: Sequence[str]) -> pl.DataFrame:
    """Volumes of the strata of a kind that are large enough, the largest first."""
    rows = (
        held.filter(pl.col(kind).is_in(list(names)))
        .group_by(kind, maintain_order=True)
        .agg(pl.col("documents", "tokens", "bytes").sum())
    )
    least = LEAST_SHARE * int(held["tokens"].sum())
    return rows.filter(pl.col("tokens") >= least).sort("tokens", kind, descending=[True, False]).head(MOST_STRATA)


def _by_folder(shards: Sequence[Shard]) -> dict[str, list[Shard]]:
    out: dict[str, list[Shard]] = {}
    for shard in shards:
        out.setdefault(folder_of(shard.name), []).append(shard)
    return out


def _words(texts: pl.Series) -> pl.DataFrame:
    """Occurrences per document (its place) and word type."""
    tokens = tokenise(*buffers(texts))
    frame = pl.DataFrame({"document": np.repeat(np.arange(len(texts)), tokens.words), "type": tokens.hashes})
    return frame.group_by("document", "type").agg(count=pl.len())


def _spectrum(words: pl.DataFrame, members: np.ndarray) -> Spectrum:
    inside = words.join(pl.DataFrame({"document": members}), on="document", how="semi")
    types = inside.group_by("type").agg(pl.col("count").sum(), documents=pl.len())
    bins = types.group_by("count").agg(types=pl.len(), incidence=pl.col("documents").mean()).sort("count")
    frequency, multiplicity, incidence = (
        bins[name].to_numpy().astype(float) for name in ("count", "types", "incidence")
    )
    each = inside.join(types.select("type", total="count"), on="type")
    group, count = (each["document"] % GROUPS).to_numpy(), each["count"].to_numpy()
    by_group = np.zeros((frequency.size, GROUPS))
    np.add.at(by_group, (np.searchsorted(frequency, each["total"].to_numpy()), group), count)
    return Spectrum(frequency, multiplicity, incidence, len(members), by_group=by_group, group_tokens=by_group.sum(0))
