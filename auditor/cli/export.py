"""`auditor export` and `auditor label`: hand over what an audit chose, and take people's labels back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from auditor.cli.app import app
from auditor.cli.arguments import (
    CORPUS_NOW,
    RUN,
    DropIneligible,
    DropShard,
    DropUnread,
    DryRun,
    ForMachines,
    KeepDuplicates,
    NoProgress,
    ReviewFile,
    Threshold,
    ToDrop,
    ToFilter,
    ToKeep,
    ToMix,
    ToReview,
    ToWeigh,
)
from auditor.cli.output.printing import say
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, ConfigError

if TYPE_CHECKING:
    from auditor.pipeline.finished.export import Filtered, Foretold, Manifests, MixPlan
    from auditor.pipeline.finished.review import ReviewSample
    from auditor.pipeline.finished.weights import Weighted
    from auditor.records import Estimate

    Part = Manifests | Filtered | Weighted | ReviewSample | MixPlan

PRINTED = 50  # shards of a table on the terminal
KINDS = 10  # of text


@app.command(
    epilog=(
        "Examples: auditor export run --keep keep.parquet --drop drop.parquet --probability 0.9\n\n"
        "auditor export run --filtered cleaned/ --probability 0.9\n\n"
        "auditor export run --weights weights.parquet\n\n"
        "auditor export run --review 200 --out review.csv, then auditor label run review.csv\n\n"
        "A drop list is also a forget set for unlearning: the documents that a model should not have been trained on."
    ),
)
def export(
    run: Path = RUN,
    keep: ToKeep = None,
    drop: ToDrop = None,
    filtered: ToFilter = None,
    weights: ToWeigh = None,
    review: ToReview = None,
    out: ReviewFile = None,
    mix: ToMix = None,
    probability: Threshold = None,
    keep_duplicates: KeepDuplicates = False,
    drop_ineligible: DropIneligible = False,
    drop_unread: DropUnread = False,
    drop_shard: DropShard = None,
    corpus: list[str] = CORPUS_NOW,
    dry_run: DryRun = False,
    json: ForMachines = False,
) -> int:
    """Write what an audit chose: lists of documents, the filtered corpus, sampling weights, a sample to label."""
    from auditor.gate.selection import Choice
    from auditor.pipeline.finished import export as exports
    from auditor.pipeline.finished.review import export_review
    from auditor.pipeline.finished.weights import write_weights
    from auditor.pipeline.report.filters import THRESHOLD

    shards = tuple(drop_shard or ())
    if dry_run or shards:
        foretold = exports.forecast_choice(run, Choice(probability, not keep_duplicates, drop_ineligible, shards))
        if dry_run:
            _print_forecasts({"": foretold} if not weights else exports.forecast_by_weights(run), json)
            return EXIT_PASS
    if not any((keep, drop, filtered, weights, review, mix)):
        raise ConfigError("nothing to write: name --keep, --drop, --filtered, --weights, --review or --mix")
    parts: dict[str, Part] = {}
    if any((keep, drop, filtered, weights)):
        if weights and probability is None and keep_duplicates and not drop_ineligible:
            probability = THRESHOLD  # weights need none; the naive filter that they are compared with does
        choice = Choice(probability, not keep_duplicates, drop_ineligible, shards)
        if keep or drop:
            parts["manifests"] = exports.write_manifests(run, choice, keep=keep, drop=drop)
        if filtered:
            parts["filtered"] = exports.write_corpus(run, choice, filtered, keep_unread=not drop_unread, corpus=corpus)
        if weights:
            parts["weights"] = write_weights(run, weights, choice)
    if review is not None:
        if out is None:
            raise ConfigError("--review N writes to --out FILE.csv or FILE.jsonl: name it")
        parts["review"] = export_review(run, out, review)
    if mix:
        parts["mix"] = exports.write_mix(run, mix)
    _print(parts, json)
    return EXIT_INCOMPLETE if any(getattr(part, "problems", ()) for part in parts.values()) else EXIT_PASS


@app.command(epilog="Example: auditor export run --review 200 --out review.csv; auditor label run review.csv")
def label(
    run: Path = RUN,
    labels: Path = typer.Argument(..., metavar="LABELS", help="CSV or JSONL with id, label and maybe rater."),
    quiet: NoProgress = False,
    json: ForMachines = False,
) -> int:
    """Take people's labels (human, ai, mixed, unsure) and estimate again with them; a shared store follows.

    Documents on which raters contradict each other are left out and counted; ids of another run are an error.
    """
    from auditor.cli.output.printing import print_json, print_outcome
    from auditor.cli.output.progress import Bars
    from auditor.pipeline.audit import finish
    from auditor.pipeline.finished.review import take_labels

    taken = take_labels(run, labels)
    checked = taken.checked
    with Bars(quiet=quiet) as bars:
        outcome = finish(run, progress=bars)
    agreement = None if checked.alpha != checked.alpha else checked.alpha
    if json:
        print_json(
            {
                "labels": checked.usable.height,
                "all_labels": taken.total,
                "left_out": checked.problems.height,
                "rated_twice": checked.twice,
                "alpha": agreement,
                "synthetic_fraction": outcome.report["corpus"]["synthetic_fraction"],
            }
        )
        return outcome.exit_code
    say(f"{checked.usable.height:,} labels taken, {taken.total:,} in all, {checked.problems.height:,} left out")
    if agreement is not None and checked.twice:
        say(f"agreement of raters on {checked.twice:,} documents: Krippendorff's alpha {agreement:.2f}")
    print_outcome(outcome.report, run)
    return outcome.exit_code


def _print(parts: Mapping[str, Part], json: bool) -> None:
    from auditor.cli.output.printing import print_json
    from auditor.pipeline.finished.export import Filtered, Manifests
    from auditor.pipeline.finished.review import ReviewSample
    from auditor.pipeline.finished.weights import Weighted
    from auditor.records import plain

    if json:
        print_json(plain(parts))
        return
    for name, part in parts.items():
        if isinstance(part, Manifests | Filtered):
            say(f"{name}: {part.kept:,} documents kept, {part.dropped:,} left out")
        if isinstance(part, Filtered):
            _print_records(part)
            for problem in part.problems:
                say(problem)
        if isinstance(part, ReviewSample):
            say(f"review: {part.documents:,} documents to label as human, ai, mixed or unsure")
        if isinstance(part, Weighted):
            _print_weights(part)
        for file in part.files:
            say(file)


def _print_weights(part: Weighted) -> None:
    from auditor.cli.output.printing import print_table

    rows = [
        [c.choice, f"{c.documents:,.0f}", f"{c.words:,.0f}", _share(c.machine_share), _share(c.tail_retention)]
        for c in part.choices
    ]
    title = (
        f"{part.protected:,} documents protected; tail: {part.rare_types_in_corpus:,} types of the corpus that are "
        "rare in human text"
    )
    print_table(title, ["choice", "documents", "words", "machine-written", "tail kept"], rows)


def _print_records(part: Filtered) -> None:
    """What became of every record, in all and shard by shard."""
    from auditor.cli.output.printing import print_table

    total = part.kept + part.dropped + part.unread + part.not_written
    unread = "copied as they are" if part.unread_kept else "left out"
    say(
        f"{total:,} records in: {part.kept:,} kept + {part.dropped:,} left out + {part.unread:,} unread ({unread}) + "
        f"{part.not_written:,} of shards that could not be written"
    )
    shown = [s for s in part.shards if s.counts.unread or s.not_written or s.counts.left_out]
    if shown:
        rows = []
        for s in shown[:PRINTED]:
            numbers = (s.records, s.counts.kept, s.counts.left_out, s.counts.unread, s.not_written)
            rows.append([s.shard, *(f"{number:,}" for number in numbers)])
        more = len(shown) - len(rows)
        title = f"Shards that changed ({more:,} more in --json)" if more else "Shards that changed"
        print_table(title, ["shard", "records", "kept", "left out", "unread", "not written"], rows)


def _print_forecasts(found: Mapping[str, Foretold], json: bool) -> None:
    """One forecast, or one for each kind of weights under its name."""
    from auditor.cli.output.printing import print_json
    from auditor.records import plain

    if json:
        print_json(plain(found.get("", found)))
        return
    for name, foretold in found.items():
        if name:
            say(f"{name}:")
        _print_forecast(foretold)


def _print_forecast(found: Foretold) -> None:
    from auditor.cli.output.printing import print_table

    counts, tail = found.counts, found.counts.tail
    say(f"{counts.documents_kept:,} documents would be kept, {counts.documents_dropped:,} left out")
    say(f"{counts.tokens_dropped:,} words would be left out, {counts.human_tokens_lost:,} of them human")
    say(f"machine-written: {_interval(found.fraction_before)} before, {_interval(found.fraction_after)} after")
    if tail is None:
        say(f"rare human words lost: not measured ({counts.tail_reason})")
    else:
        say(f"rare human words that no kept document would hold: {round(tail.lost):,} of {tail.types:,} sampled")
    words, rare = counts.lost_by_kind, counts.tail_lost_by_kind
    kinds = sorted({*words, *rare}, key=lambda kind: (-words.get(kind, 0), kind))
    rows = [[kind, f"{words.get(kind, 0):,}", f"{rare.get(kind, 0):,}"] for kind in kinds[:KINDS]]
    if rows:
        more = f" ({len(kinds) - KINDS:,} more in --json)" if len(kinds) > KINDS else ""
        print_table(f"Lost by kind of text{more}", ["kind", "human words", "rare words"], rows)


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return "not measured"
    if estimate.value is None:
        return f"not measured ({estimate.reason})"
    return f"{estimate.value:.1%} ({estimate.lower:.1%} to {estimate.upper:.1%})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
