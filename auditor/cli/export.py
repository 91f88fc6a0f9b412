"""`auditor export` and `auditor label`: hand over what an audit chose, and take people's labels back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from auditor.cli.app import app
from auditor.cli.arguments import CORPUS_NOW, RUN
from auditor.cli.output.printing import say
from auditor.errors import EXIT_INCOMPLETE, EXIT_PASS, ConfigError

WHAT = "What to write"
WHICH = "Which documents stay"
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
    keep: Path | None = typer.Option(None, metavar="FILE", help="Parquet of what stays.", rich_help_panel=WHAT),
    drop: Path | None = typer.Option(None, metavar="FILE", help="Parquet of what goes.", rich_help_panel=WHAT),
    filtered: Path | None = typer.Option(
        None, metavar="DIR", help="The corpus again, without what goes.", rich_help_panel=WHAT
    ),
    weights: Path | None = typer.Option(
        None, metavar="FILE", help="Parquet of sampling weights that protect the tail.", rich_help_panel=WHAT
    ),
    review: int | None = typer.Option(
        None, metavar="N", help="Documents for people to label, into --out.", rich_help_panel=WHAT
    ),
    out: Path | None = typer.Option(None, metavar="FILE", help="Of --review: .csv or .jsonl.", rich_help_panel=WHAT),
    mix: Path | None = typer.Option(
        None, metavar="FILE", help="TOML of the reservoir's mix plan.", rich_help_panel=WHAT
    ),
    probability: float | None = typer.Option(
        None, metavar="P", help="Leave out documents at least this probably machine-written.", rich_help_panel=WHICH
    ),
    keep_duplicates: bool = typer.Option(False, help="Keep all copies, not one of each.", rich_help_panel=WHICH),
    drop_ineligible: bool = typer.Option(False, help="Leave out what was not measured.", rich_help_panel=WHICH),
    drop_unread: bool = typer.Option(
        False, help="Of --filtered: leave out records that could not be read, too.", rich_help_panel=WHICH
    ),
    drop_shard: list[str] = typer.Option(
        [], metavar="SHARD", help="Leave out this shard; may be repeated.", rich_help_panel=WHICH
    ),
    corpus: list[str] = CORPUS_NOW,
    dry_run: bool = typer.Option(False, help="Write nothing: say what would be kept and lost.", rich_help_panel=WHAT),
    json: bool = typer.Option(False, "--json", help="For machines."),
) -> int:
    """Write what an audit chose: lists of documents, the filtered corpus, sampling weights, a sample to label."""
    from auditor.gate.selection import Choice
    from auditor.pipeline.finished import export

    if dry_run or drop_shard:
        choice = Choice(probability, not keep_duplicates, drop_ineligible, tuple(drop_shard))
        foretold = export.forecast_choice(run, choice)
        if dry_run:
            _print_forecasts({"": foretold} if not weights else export.forecast_by_weights(run), json)
            return EXIT_PASS
    if not any((keep, drop, filtered, weights, review, mix)):
        raise ConfigError("nothing to write: name --keep, --drop, --filtered, --weights, --review or --mix")
    found: dict[str, Any] = {}
    code = EXIT_PASS
    if any((keep, drop, filtered, weights)):
        choice = _choice(weights is not None, Choice, probability, not keep_duplicates, drop_ineligible, drop_shard)
        if keep or drop:
            written = export.write_manifests(run, choice, keep=keep, drop=drop)
            found["manifests"] = {"kept": written.kept, "dropped": written.dropped, "files": written.files}
        if filtered:
            written = export.write_corpus(run, choice, filtered, keep_unread=not drop_unread, corpus=corpus)
            found["filtered"] = {
                "kept": written.kept,
                "dropped": written.dropped,
                "unread": written.unread,
                "not_written": written.not_written,
                "unread_kept": not drop_unread,
                "shards": [shard.as_dict() for shard in written.shards],
                "files": written.files,
                "problems": written.problems,
            }
            code = EXIT_INCOMPLETE if written.problems else code
        if weights:
            from auditor.pipeline.finished.weights import write_weights

            found["weights"] = write_weights(run, weights, choice) | {"files": [weights]}
    if review is not None:
        from auditor.pipeline.finished.review import export_review

        if out is None:
            raise ConfigError("--review N writes to --out FILE.csv or FILE.jsonl: name it")
        found["review"] = {"documents": export_review(run, out, review), "asked": review, "files": [out]}
    if mix:
        from auditor.pipeline.finished.export import write_mix

        write_mix(run, mix)
        found["mix"] = {"files": [mix]}
    _print(found, json)
    return code


@app.command(epilog="Example: auditor export run --review 200 --out review.csv; auditor label run review.csv")
def label(
    run: Path = RUN,
    labels: Path = typer.Argument(..., metavar="LABELS", help="CSV or JSONL with id, label and maybe rater."),
    quiet: bool = typer.Option(False, help="No progress on stderr."),
    json: bool = typer.Option(False, "--json", help="For machines."),
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


def _choice(
    weighted: bool, kind: Any, probability: float | None, duplicates: bool, ineligible: bool, shards: list[str]
) -> Any:
    # Weights need no threshold; the one of the naive filter that they are compared with then has a default.
    if weighted and probability is None and not duplicates and not ineligible:
        probability = 0.5
    return kind(probability, duplicates, ineligible, tuple(shards))


def _print(found: dict[str, Any], json: bool) -> None:
    from auditor.cli.output.printing import print_json, print_table

    if json:
        print_json(
            {
                name: {k: [str(f) for f in v] if k == "files" else v for k, v in part.items()}
                for name, part in found.items()
            }
        )
        return
    for name, part in found.items():
        if "kept" in part:
            say(f"{name}: {part['kept']:,} documents kept, {part['dropped']:,} left out")
        if "shards" in part:
            _print_records(part)
        for problem in part.get("problems", ()):
            say(problem)
        if name == "review":
            say(f"review: {part['documents']:,} documents to label as human, ai, mixed or unsure")
        if name == "weights":
            rows = [
                [
                    c["choice"],
                    f"{c['documents']:,.0f}",
                    f"{c['words']:,.0f}",
                    _share(c["machine_share"]),
                    _share(c["tail_retention"]),
                ]
                for c in part["choices"]
            ]
            title = (
                f"{part['protected']:,} documents protected; tail: {part['rare_types_in_corpus']:,} types of the "
                "corpus that are rare in human text"
            )
            print_table(title, ["choice", "documents", "words", "machine-written", "tail kept"], rows)
        for file in part["files"]:
            say(file)


def _print_records(part: dict[str, Any]) -> None:
    """What became of every record, in all and shard by shard."""
    from auditor.cli.output.printing import print_table

    total = part["kept"] + part["dropped"] + part["unread"] + part["not_written"]
    unread = "copied as they are" if part["unread_kept"] else "left out"
    say(
        f"{total:,} records in: {part['kept']:,} kept + {part['dropped']:,} left out + {part['unread']:,} unread "
        f"({unread}) + {part['not_written']:,} of shards that could not be written"
    )
    names = ("shard", "records", "kept", "left_out", "unread", "not_written")
    shown = [shard for shard in part["shards"] if shard["unread"] or shard["not_written"] or shard["left_out"]]
    if shown:
        rows = [[f"{s[n]:,}" if n != "shard" else s[n] for n in names] for s in shown[:PRINTED]]
        more = len(shown) - len(rows)
        title = f"Shards that changed ({more:,} more in --json)" if more else "Shards that changed"
        print_table(title, [name.replace("_", " ") for name in names], rows)


def _print_forecasts(found: dict[str, dict[str, Any]], json: bool) -> None:
    """One forecast, or one for each kind of weights under its name."""
    from auditor.cli.output.printing import print_json

    if json:
        print_json(found.get("", found))
        return
    for name, foretold in found.items():
        if name:
            say(f"{name}:")
        _print_forecast(foretold)


def _print_forecast(found: dict[str, Any]) -> None:
    from auditor.cli.output.printing import print_table

    say(f"{found['documents_kept']:,} documents would be kept, {found['documents_dropped']:,} left out")
    say(f"{found['tokens_dropped']:,} words would be left out, {found['human_tokens_lost']:,} of them human")
    before, after = (_interval(found[key]) for key in ("fraction_before", "fraction_after"))
    say(f"machine-written: {before} before, {after} after")
    if found["tail_types"] is None:
        say(f"rare human words lost: not measured ({found['tail_reason']})")
    else:
        lost, known = found["tail_types_lost"], found["tail_types"]
        say(f"rare human words that no kept document would hold: {lost:,} of {known:,} sampled")
    words, rare = found["lost_by_kind"], found["tail_lost_by_kind"]
    kinds = sorted({*words, *rare}, key=lambda kind: (-words.get(kind, 0), kind))
    rows = [[kind, f"{words.get(kind, 0):,}", f"{rare.get(kind, 0):,}"] for kind in kinds[:KINDS]]
    if rows:
        more = f" ({len(kinds) - KINDS:,} more in --json)" if len(kinds) > KINDS else ""
        print_table(f"Lost by kind of text{more}", ["kind", "human words", "rare words"], rows)


def _interval(estimate: dict[str, Any] | None) -> str:
    if estimate is None:
        return "not measured"
    if estimate["value"] is None:
        return f"not measured ({estimate['reason']})"
    return f"{estimate['value']:.1%} ({estimate['lower']:.1%} to {estimate['upper']:.1%})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
