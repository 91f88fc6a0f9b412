"""Finalise: parts and clusters become estimates, tables and reports. Idempotent: it writes nothing but its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from auditor.detectors.edited import edited_cells
from auditor.detectors.first_tier import Ensemble
from auditor.distribution import program_version
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, NothingAudited
from auditor.estimate.fraction.bundled import bundled_calibration
from auditor.estimate.fraction.mixed.figures import Splitter
from auditor.estimate.fraction.mixed.library import library_of
from auditor.pipeline.diversity.measure import Results, measure
from auditor.pipeline.diversity.results import CorpusResult, ShardResult
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.documents import duplicates
from auditor.pipeline.documents.shard_counts import ShardCounts, count_shards, images_of
from auditor.pipeline.documents.view import largest_hosts, open_view, pieces, register
from auditor.pipeline.fraction import labels
from auditor.pipeline.fraction.deep_estimate import Deep, measure_deep, store_deep
from auditor.pipeline.fraction.measure import Synthetic, measure_synthetic
from auditor.pipeline.reduce import resembling
from auditor.pipeline.reduce.cluster import members
from auditor.pipeline.report import content, counts, findings, ledger
from auditor.pipeline.report.excerpts import with_excerpts
from auditor.pipeline.report.filters import Filter, filtering
from auditor.pipeline.report.forecast import restated
from auditor.pipeline.report.forgotten import keep_figures
from auditor.pipeline.report.sampled_shards import of_all_shards
from auditor.pipeline.report.tables import store_all
from auditor.pipeline.report.tail import Tail
from auditor.pipeline.reservoir import recommend, section
from auditor.pipeline.reservoir.measurements import Measurements
from auditor.pipeline.run.progress import Outcome
from auditor.pipeline.run.reopen import read_report
from auditor.pipeline.run.retained import is_forgotten
from auditor.pipeline.run.run import Run, load_run
from auditor.records import Finding, Json, nested, plain
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
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    shards = count_shards(run, plan, failed or {})
    _refuse_nothing(opened, shards)
    complete = all(shard.complete for shard in shards) and not plan.corpus.failed and not failed
    with new_database(run / DATABASE, memory_bytes=config.memory_bytes // 2, threads=config.workers) as connection:
        open_view(connection, run, plan.tasks, members(run), resembling.references_in_corpus(run, plan, config))
        register(connection, "seen", resembling.seen_before(run, plan, config))
        spectra = spectra or Spectra(run, plan)
        found = _measure(connection, opened, spectra, shards, (now or datetime.now(UTC)).date(), say)
        report = _report(connection, opened, found, now=now or datetime.now(UTC), complete=complete)
        before = read_report(run) if is_forgotten(run) and (run / "report.json").exists() else {}
        report = keep_figures(report, before)
        selected = pieces(run, plan.tasks)
        store_all(
            connection,
            report,
            config,
            found.ensemble.revision,
            found.synthetic,
            found.overlap,
            found.findings,
            selected,
        )
        tail = Tail.of(connection, run, plan, spectra, (found.results.text, found.results.reference))
        dropped = findings.to_filter(found.shards)
        fraction = found.corpus.figures.synthetic_fraction
        report["filtering"] = plain(restated(connection, found.filters, fraction, dropped, tail))
        report = keep_figures(report, before, ("filtering",))
        fractions = {shard.name: shard.figures.synthetic_fraction for shard in found.shards}
        store_deep(connection, opened.facts.audit_id, found.deep, fractions)
        ledger.store_ledger(connection, report, plan, run)
        labels.store_labels(connection, opened.facts.audit_id, run)
    if config.excerpts:
        report = with_excerpts(report, run)
    write_reports(report, run, config.formats)
    return Outcome(report, EXIT_PASS if complete else EXIT_INCOMPLETE)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Everything that was estimated, before it is worded."""

    ensemble: Ensemble
    synthetic: Synthetic
    results: Results
    corpus: CorpusResult
    shards: list[ShardResult]
    deep: Deep
    clusters: duplicates.Clusters
    overlap: dict[str, pl.DataFrame]
    filters: list[Filter]
    findings: list[Finding]


def _refuse_nothing(run: Run, shards: Sequence[ShardCounts]) -> None:
    """Raises: NothingAudited where no document could be read, with what is known of why."""
    if any(shard.counts.documents for shard in shards):
        return
    errors = [f"{shard.shard}: {shard.error}" for shard in shards if shard.error]
    errors += [unread.reason for unread in run.plan.corpus.failed]
    errors += counts.left_out(shards)
    reasons = "; ".join(errors[:5]) or "no file holds a document"
    raise NothingAudited(f"no document could be read from {', '.join(run.config.corpus)} ({reasons})")


def _measure(
    connection: Any, run: Run, spectra: Spectra, shards: Sequence[ShardCounts], today: date, say: Say
) -> _Found:
    plan, config = run.plan, run.config
    say("estimating how much is machine-written")
    ensemble = Ensemble.load(config.detectors)
    synthetic = measure_synthetic(
        connection,
        config,
        [shard.shard for shard in shards],
        bundled_calibration(ensemble.calibration.known),
        labels.kept_labels(run.folder),
        listed=plan.corpus.listed,
        today=today,
        splitter=Splitter(library_of(ensemble.calibration.known, edited_cells()), level=config.level),
    )
    say("comparing the variety of words with human text")
    results = measure(connection, run, spectra, shards, synthetic, say)
    say("writing tables and reports")
    clusters = duplicates.cluster_summary(connection)
    main = results.corpus.figures.synthetic_fraction
    deep = measure_deep(connection, run.folder, plan, config, main, say)
    corpus, sampled = of_all_shards(results.corpus, results.shards, plan.corpus.listed, level=config.level)
    more = [*synthetic.findings, *deep.findings, *ledger.undeclared_shards(connection, results.shards, plan), *sampled]
    found = findings.with_documents(connection, findings.find(corpus, results.shards, clusters, more))
    flagged = [findings.flagged(shard, found) for shard in results.shards]
    overlap = {kind: duplicates.overlap_rows(connection, kind) for kind in ("shard", "source")}
    filters = filtering(synthetic, corpus, results.text, results.reference, results.drawn)
    return _Found(ensemble, synthetic, results, corpus, flagged, deep, clusters, overlap, filters, found)


def _report(connection: Any, run: Run, found: _Found, *, now: datetime, complete: bool) -> Json:
    """report.json's content."""
    plan, config = run.plan, run.config
    results, shard_counts = found.results, [shard.counts for shard in found.shards]
    kind = "source" if found.overlap["source"].height else "shard"
    corpus, shards, strata = nested(found.corpus), nested(found.shards), nested(results.strata)
    reservoir = recommend.size_reservoir(
        run.folder,
        plan,
        Measurements.of_results(found.corpus, found.shards, results.strata),
        results.spectrum,
        recommend.reservoir_options(config),
    )
    return plain(
        {
            "schema_version": "1.0",
            "audit": {
                "id": run.facts.audit_id,
                "started_at": run.facts.started_at,
                "finished_at": now.isoformat(timespec="seconds"),
                "corpus": plan.corpus.name,
                "version": program_version(),
                "config_hash": config.hash,
                "seeds": {"audit": config.seed},
                "complete": complete,
            },
            "estimand": content.ESTIMAND.format(words=config.minimum_words),
            "corpus": {**corpus, "unread": counts.unread(plan, shard_counts), "images": images_of(shard_counts)},
            "shards": shards,
            "strata": strata,
            "reservoir": section.report_section(reservoir),
            "anchors": content.anchor_rows(found.synthetic),
            "detectors": [*found.ensemble.cards(), *found.deep.cards],
            "findings": found.findings,
            "skips": counts.skip_rows(plan, shard_counts),
            "provenance": counts.provenance(run, shard_counts),
            "clusters": found.clusters,
            "overlaps": duplicates.overlap_matrix(found.overlap[kind], kind),
            "near_duplicates": counts.near_duplicates(run),
            "profile": results.profile,
            "actions": findings.actions(found.shards),
            "filtering": found.filters,
            "hosts": largest_hosts(connection),
            "method": [passage.model_dump() for passage in method_text.METHOD],
            "limits": method_text.LIMITS,
            "citations": method_text.CITATIONS,
            "sensitivity": content.sensitivity(found.synthetic, found.deep.checks),
        }
    )
