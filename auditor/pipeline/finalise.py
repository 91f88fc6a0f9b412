"""Finalise: parts and clusters become estimates, tables and reports. Idempotent: it writes nothing but its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.detectors.ensemble import Ensemble
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, NothingAudited
from auditor.pipeline import duplicates, earlier, facts, findings, labelling, recording, richness, sizing, summary
from auditor.pipeline.bundled import bundled_anchors
from auditor.pipeline.deep_estimate import measure_deep, store_deep
from auditor.pipeline.evidence import largest_hosts, open_view, register, totals
from auditor.pipeline.excerpts import with_excerpts
from auditor.pipeline.plan import Plan, load_plan
from auditor.pipeline.reduce import members
from auditor.pipeline.storing import store_all
from auditor.pipeline.synthetic import Synthetic, estimates_of, measure_synthetic, read_labels
from auditor.reports import standing
from auditor.reports.render import write_reports
from auditor.store.database import DATABASE, new_database

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an audit ended in: report.json's content and the exit code."""

    report: dict[str, Any]
    exit_code: int


def finalise(run: Path, *, failed: Mapping[str, str] | None = None, now: datetime | None = None,
             say: Say = lambda text: None) -> Outcome:  # fmt: skip
    """Estimate, store and report what has been mapped and reduced.

    Parameters: failed, reasons of shards whose splits could not be mapped, by task key; now, the clock
    Raises: NothingAudited where no document could be read
    """
    plan, config, manifest = load_plan(run)
    now = now or datetime.now(UTC)
    shards = facts.shard_rows(run, plan, failed or {})
    if not any(shard["documents"] for shard in shards):
        errors = [f"{s['shard']}: {s['error']}" for s in shards if s["error"]]
        errors += [unread.reason for unread in plan.corpus.failed]
        reasons = "; ".join(errors[:5]) or "no file holds a document"
        raise NothingAudited(f"no document could be read from {', '.join(config.corpus)} ({reasons})")
    audit_id = manifest["audit_id"]
    with new_database(run / DATABASE, memory_bytes=config.memory_bytes // 2, threads=config.workers) as connection:
        near = manifest.get("near_duplicates", {})
        open_view(connection, run, plan.tasks, members(run))
        register(connection, "near_references", earlier.references_in_corpus(run, plan, config))
        register(connection, "seen", earlier.seen_before(run, plan, config))
        say("estimating the synthetic fraction")
        names = [shard["shard"] for shard in shards]
        ensemble = Ensemble.load(config.detectors)
        bundled = bundled_anchors(ensemble.calibration())
        synthetic = measure_synthetic(connection, config, names, bundled, read_labels(run))
        say("measuring diversity")
        corpus, spectrum, diversity_profile = _measure(connection, run, plan, config, shards, synthetic)
        say("writing tables and reports")
        clusters = duplicates.cluster_summary(connection)
        deep = measure_deep(connection, run, plan, config, corpus["synthetic_fraction"], say)
        more = [*synthetic.findings, *deep.findings, *recording.undeclared(connection, shards, plan)]
        found = findings.find(corpus, shards, clusters, more)
        for shard in shards:
            shard["flags"] = findings.shard_flags(shard, found)
        strata = _strata(connection, synthetic)
        measured = {"corpus": corpus, "shards": shards, "strata": strata}
        reservoir = sizing.size_reservoir(run, plan, measured, spectrum, sizing.reservoir_options(config))
        overlap = {kind: duplicates.overlap_rows(connection, kind) for kind in ("shard", "source")}
        complete = all(shard["complete"] for shard in shards) and not plan.corpus.failed and not failed
        skips = facts.skip_rows(plan, shards)
        kind = "source" if overlap["source"].height else "shard"
        report = {
            "schema_version": "1.0",
            "audit": {
                "id": audit_id,
                "started_at": manifest["started_at"],
                "finished_at": now.isoformat(timespec="seconds"),
                "corpus": plan.corpus.name,
                "version": installed("auditor"),
                "config_hash": config.hash,
                "seeds": {"audit": config.seed},
                "complete": complete,
            },
            "estimand": summary.ESTIMAND.format(words=config.minimum_words),
            "corpus": corpus,
            "shards": shards,
            "strata": strata,
            "reservoir": sizing.report_section(reservoir),
            "anchors": summary.anchor_rows(synthetic),
            "detectors": [*ensemble.cards(), *deep.cards],
            "findings": [finding.as_dict() for finding in found],
            "skips": skips,
            "provenance": facts.provenance(plan, config, manifest, shards),
            "clusters": clusters,
            "overlaps": duplicates.overlap_matrix(overlap[kind], kind),
            "near_duplicates": facts.near_duplicates(config, near),
            "profile": diversity_profile,
            "actions": findings.actions(shards),
            "hosts": largest_hosts(connection),
            "method": standing.METHOD,
            "limits": standing.LIMITS,
            "citations": standing.CITATIONS,
            "sensitivity": deep.into(summary.sensitivity(synthetic)),
        }  # fmt: skip
        report = summary.plain(report)
        store_all(connection, audit_id, report, config, synthetic, ensemble, overlap, found)
        store_deep(connection, audit_id, deep, shards)
        recording.store_ledger(connection, report, plan, run)
        labelling.store_labels(connection, audit_id, run)
    if config.excerpts:
        report = with_excerpts(report, run)
    write_reports(report, run, config.formats)
    return Outcome(report, EXIT_PASS if complete else EXIT_INCOMPLETE)


def _measure(
    connection: Any, run: Path, plan: Plan, config: Config, shards: list[dict[str, Any]], synthetic: Synthetic
) -> tuple[dict[str, Any], pl.DataFrame, dict[str, Any]]:
    """Put the quantities into the shards' rows; the corpus' row, the spectrum to size by, and the profile."""
    copies = duplicates.duplicate_fractions(connection)
    none = duplicates.fractions({"documents": 0})
    reference = richness.find_reference(run, plan)
    prevalence, counts = synthetic.prevalence, synthetic.counts["shard"]
    measured = richness.measure_shards(run, plan, config, prevalence.shards, counts, reference)
    spectra: list[pl.DataFrame] = []
    for place, (name, found) in enumerate(measured):
        spectra = richness.add_spectra(spectra, found.text.frame)
        shard = shards[place]
        shard |= summary.quantities(synthetic, copies.get(name, none), found, place=place) | {"drift": found.drift}
        shards[place] = shard
    pooled = counts.pooled("corpus")
    spectrum = richness.added(spectra)
    alone = found if len(shards) == 1 else None
    whole = richness.measure_corpus(run, plan, config, prevalence.corpus, pooled, reference, spectrum, alone=alone)
    corpus = {
        "shards": len(shards),
        **{name: sum(shard[name] for shard in shards)
           for name in ("documents", "eligible_documents", "tokens", "bytes", "skipped")},
        **summary.quantities(synthetic, copies[""], whole, place=None),
    }  # fmt: skip
    spectrum = (reference.text or whole.text).frame
    corpus["drift"] = whole.drift
    profile = richness.profile(whole, reference, level=config.level)
    profile |= {"missing": richness.missing_words(whole, reference)}
    return corpus, spectrum, profile


def _strata(connection: Any, synthetic: Synthetic) -> list[dict[str, Any]]:
    rows = []
    for kind, scope in synthetic.strata.items():
        counts = totals(connection, kind, scope.scopes)
        for place, name in enumerate(scope.scopes):
            own = estimates_of(scope, place)
            sizes = {key: counts[name][key] for key in ("documents", "eligible_documents", "tokens")}
            rows.append({"kind": kind, "name": name, **sizes, **own})
    return rows
