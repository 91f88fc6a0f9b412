"""Finalise: parts and clusters become estimates, tables and reports. Idempotent: it writes nothing but its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from auditor import records
from auditor.config import Config
from auditor.detectors.edited import edited_cells
from auditor.detectors.first_tier import Ensemble
from auditor.distribution import program_version
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, NothingAudited
from auditor.estimate.fraction.bundled import bundled_calibration
from auditor.estimate.fraction.mixed.figures import Splitter
from auditor.estimate.fraction.mixed.library import library_of
from auditor.pipeline.diversity import measure
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.documents import duplicates
from auditor.pipeline.documents.view import largest_hosts, open_view, pieces, register
from auditor.pipeline.fraction import labels
from auditor.pipeline.fraction.deep_estimate import Deep, measure_deep, store_deep
from auditor.pipeline.fraction.measure import Synthetic, measure_synthetic
from auditor.pipeline.reduce import resembling
from auditor.pipeline.reduce.cluster import members
from auditor.pipeline.report import content, counts, findings, ledger
from auditor.pipeline.report.excerpts import with_excerpts
from auditor.pipeline.report.filters import filtering
from auditor.pipeline.report.forecast import restated
from auditor.pipeline.report.forgotten import keep_figures
from auditor.pipeline.report.sampled_shards import describe_all
from auditor.pipeline.report.tables import store_all
from auditor.pipeline.report.tail import Tail
from auditor.pipeline.reservoir import recommend, section
from auditor.pipeline.run.plan import Plan, load_plan
from auditor.pipeline.run.progress import Outcome
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.retained import is_forgotten
from auditor.records import Finding
from auditor.reports.render.write import write_reports
from auditor.reports.text import method_text
from auditor.store.database import DATABASE, new_database

Say = Callable[[str], None]


def finalise(
    run: Path,
    *,
    failed: Mapping[str, str] | None = None,
    now: datetime | None = None,
    spectra: Spectra | None = None,
    say: Say = lambda text: None,
) -> Outcome:
    """Estimate, store and report what has been mapped and reduced.

    Parameters: failed, reasons of shards whose splits could not be mapped, by task key; now, the clock; spectra of the
        run, if they are being read already
    Raises: NothingAudited where no document could be read
    """
    plan, config, manifest = load_plan(run)
    now = now or datetime.now(UTC)
    shards = counts.shard_rows(run, plan, failed or {})
    if not any(shard["documents"] for shard in shards):
        errors = [f"{s['shard']}: {s['error']}" for s in shards if s["error"]]
        errors += [unread.reason for unread in plan.corpus.failed]
        errors += counts.left_out(shards)
        reasons = "; ".join(errors[:5]) or "no file holds a document"
        raise NothingAudited(f"no document could be read from {', '.join(config.corpus)} ({reasons})")
    complete = all(shard["complete"] for shard in shards) and not plan.corpus.failed and not failed
    with new_database(run / DATABASE, memory_bytes=config.memory_bytes // 2, threads=config.workers) as connection:
        open_view(connection, run, plan.tasks, members(run), resembling.references_in_corpus(run, plan, config))
        register(connection, "seen", resembling.seen_before(run, plan, config))
        spectra = spectra or Spectra(run, plan)
        found = _measure(connection, (run, plan, spectra), config, shards, now.date(), say)
        report = _report(connection, (run, plan), config, manifest, shards, found, now=now, complete=complete)
        before = read_report(run) if is_forgotten(run) and (run / "report.json").exists() else {}
        report = keep_figures(report, before)
        audit_id = manifest["audit_id"]
        store_all(
            connection,
            audit_id,
            report,
            config,
            found.synthetic,
            found.ensemble,
            found.overlap,
            found.findings,
            pieces(run, plan.tasks),
        )
        tail = Tail.of(connection, run, plan, spectra, (found.diversity.text, found.diversity.reference))
        filters = restated(connection, report["filtering"], found.diversity.corpus, findings.to_filter(shards), tail)
        report["filtering"] = records.plain(filters)
        report = keep_figures(report, before, ("filtering",))
        store_deep(connection, audit_id, found.deep, shards)
        ledger.store_ledger(connection, report, plan, run)
        labels.store_labels(connection, audit_id, run)
    if config.excerpts:
        report = with_excerpts(report, run)
    write_reports(report, run, config.formats)
    return Outcome(report, EXIT_PASS if complete else EXIT_INCOMPLETE)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Everything that was estimated, before it is put into words; the shards' quantities are in their rows."""

    ensemble: Ensemble
    synthetic: Synthetic
    diversity: measure.Measured
    deep: Deep
    clusters: dict[str, Any]
    overlap: dict[str, pl.DataFrame]
    findings: list[Finding]


def _measure(
    connection: Any,
    run: tuple[Path, Plan, Spectra],
    config: Config,
    shards: list[dict[str, Any]],
    today: date,
    say: Say,
) -> _Found:
    folder, plan, _ = run
    say("estimating how much is machine-written")
    ensemble = Ensemble.load(config.detectors)
    synthetic = measure_synthetic(
        connection,
        config,
        [shard["shard"] for shard in shards],
        bundled_calibration(ensemble.calibration()),
        labels.kept_labels(folder),
        listed=plan.corpus.listed,
        today=today,
        splitter=Splitter(library_of(ensemble.calibration(), edited_cells()), level=config.level),
    )
    say("comparing the variety of words with human text")
    measured = measure.measure(connection, run, config, shards, synthetic)
    say("writing tables and reports")
    clusters = duplicates.cluster_summary(connection)
    deep = measure_deep(connection, folder, plan, config, measured.corpus["synthetic_fraction"], say)
    more = [*synthetic.findings, *deep.findings, *ledger.undeclared(connection, shards, plan)]
    more += describe_all(measured.corpus, shards, plan.corpus.listed, level=config.level)
    found = findings.with_documents(connection, findings.find(measured.corpus, shards, clusters, more))
    for shard in shards:
        shard["flags"] = findings.shard_flags(shard, found)
    overlap = {kind: duplicates.overlap_rows(connection, kind) for kind in ("shard", "source")}
    return _Found(ensemble, synthetic, measured, deep, clusters, overlap, found)


def _report(
    connection: Any,
    run: tuple[Path, Plan],
    config: Config,
    manifest: Mapping[str, Any],
    shards: list[dict[str, Any]],
    found: _Found,
    *,
    now: datetime,
    complete: bool,
) -> dict[str, Any]:
    """report.json's content."""
    folder, plan = run
    measured, synthetic = found.diversity, found.synthetic
    quantities = {"corpus": measured.corpus, "shards": shards, "strata": measured.strata}
    reservoir = recommend.size_reservoir(
        folder, plan, quantities, measured.spectrum, recommend.reservoir_options(config)
    )
    kind = "source" if found.overlap["source"].height else "shard"
    return records.plain(
        {
            "schema_version": "1.0",
            "audit": {
                "id": manifest["audit_id"],
                "started_at": manifest["started_at"],
                "finished_at": now.isoformat(timespec="seconds"),
                "corpus": plan.corpus.name,
                "version": program_version(),
                "config_hash": config.hash,
                "seeds": {"audit": config.seed},
                "complete": complete,
            },
            "estimand": content.ESTIMAND.format(words=config.minimum_words),
            "corpus": {**measured.corpus, "unread": counts.unread(plan, shards)},
            "shards": shards,
            "strata": measured.strata,
            "reservoir": section.report_section(reservoir),
            "anchors": content.anchor_rows(synthetic),
            "detectors": [*found.ensemble.cards(), *found.deep.cards],
            "findings": [finding.as_dict() for finding in found.findings],
            "skips": counts.skip_rows(plan, shards),
            "provenance": counts.provenance(plan, config, manifest, shards),
            "clusters": found.clusters,
            "overlaps": duplicates.overlap_matrix(found.overlap[kind], kind),
            "near_duplicates": counts.near_duplicates(config, manifest.get("near_duplicates", {})),
            "profile": measured.profile,
            "actions": findings.actions(shards),
            "filtering": filtering(synthetic, measured.corpus, measured.text, measured.reference, measured.drawn),
            "hosts": largest_hosts(connection),
            "method": [passage.model_dump() for passage in method_text.METHOD],
            "limits": method_text.LIMITS,
            "citations": method_text.CITATIONS,
            "sensitivity": found.deep.into(content.sensitivity(synthetic)),
        }
    )
