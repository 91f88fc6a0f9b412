"""Finalise: parts and clusters become estimates, tables and reports. Idempotent: it writes nothing but its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from auditor.detectors.ensemble import Ensemble
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, NothingAudited
from auditor.pipeline import duplicates, earlier, facts, findings, labelling, recording, sizing, summary
from auditor.pipeline.bundled import bundled_anchors
from auditor.pipeline.deep_estimate import measure_deep, store_deep
from auditor.pipeline.diversity import measure
from auditor.pipeline.evidence import largest_hosts, open_view, register
from auditor.pipeline.excerpts import with_excerpts
from auditor.pipeline.filtering import filtering
from auditor.pipeline.plan import load_plan
from auditor.pipeline.reduce import members
from auditor.pipeline.sampled import describe_all
from auditor.pipeline.spectra import Spectra
from auditor.pipeline.storing import store_all
from auditor.pipeline.synthetic import measure_synthetic, read_labels
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
             spectra: Spectra | None = None, say: Say = lambda text: None) -> Outcome:  # fmt: skip
    """Estimate, store and report what has been mapped and reduced.

    Parameters: failed, reasons of shards whose splits could not be mapped, by task key; now, the clock; spectra of the
        run, if they are being read already
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
        synthetic = measure_synthetic(
            connection, config, names, bundled, read_labels(run), listed=plan.corpus.listed, today=now.date()
        )
        say("measuring diversity")
        found_diversity = measure(connection, (run, plan, spectra or Spectra(run, plan)), config, shards, synthetic)
        corpus, strata = found_diversity.corpus, found_diversity.strata
        say("writing tables and reports")
        clusters = duplicates.cluster_summary(connection)
        deep = measure_deep(connection, run, plan, config, corpus["synthetic_fraction"], say)
        more = [*synthetic.findings, *deep.findings, *recording.undeclared(connection, shards, plan)]
        more += describe_all(corpus, shards, plan.corpus.listed, level=config.level)
        found = findings.find(corpus, shards, clusters, more)
        for shard in shards:
            shard["flags"] = findings.shard_flags(shard, found)
        measured = {"corpus": corpus, "shards": shards, "strata": strata}
        options = sizing.reservoir_options(config)
        reservoir = sizing.size_reservoir(run, plan, measured, found_diversity.spectrum, options)
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
            "profile": found_diversity.profile,
            "actions": findings.actions(shards),
            "filtering": filtering(
                synthetic, corpus, found_diversity.text, found_diversity.reference, found_diversity.drawn
            ),
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
