"""Human text that the corpus holds: how much, in which shards and kinds, and the coverage that it reaches."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.reports.model.base import R
from auditor.reports.model.reservoir import Acquire, Reservoir
from auditor.reports.text import numbers
from auditor.reports.text.clean import clean, name
from auditor.reports.text.labels import CUTS, spoken
from auditor.reports.view import figures, svg
from auditor.reports.view.charts import Chart
from auditor.reports.view.figures import Rows

SHOWN = 24
APART = 0.14  # of the plot, so that two labels never touch on a telephone


@dataclass(frozen=True, slots=True)
class KeptText:
    """The human text that the corpus holds: how much, in which shards and kinds; more: shards that are not shown."""

    tokens: str
    note: str
    shards: Rows | None
    more: int
    kinds: list[tuple[str, ...]]
    left_out: list[tuple[str, ...]]
    sums: str


def kept(reservoir: Reservoir) -> KeptText | None:
    """What the part on human text to keep shows; None for reports that do not have it."""
    keep = reservoir.keep
    if not keep:
        return None
    return KeptText(
        tokens=numbers.estimate(keep.tokens, "count"),
        note=clean(keep.note or "", 400),
        shards=figures.intervals(
            "Human word tokens of each shard, the most worth keeping first",
            [(row.shard, row.tokens) for row in keep.shards[:SHOWN]],
            unit="count",
            tone="human",
        )
        if keep.shards
        else None,
        more=max(0, len(keep.shards) - SHOWN),
        kinds=[
            (
                name(row.name, 60),
                clean(spoken(row.kind, CUTS), 30),
                numbers.brief(row.tokens, "count"),
                numbers.share_or_blank(row.human_share),
                numbers.count_or_blank(row.acquire.get("central")),
            )
            for row in keep.kinds[:SHOWN]
        ],
        left_out=[(name(row.shard), clean(row.reason, 200)) for row in keep.left_out[:SHOWN]],
        sums=" ".join(clean(row.note, 400) for row in keep.sums if row.note),
    )


def coverage(reservoir: Reservoir) -> Chart | None:
    """Human tokens that a coverage asks for, as a curve, with the point that the corpus reaches."""
    points = sorted(reservoir.coverage, key=lambda p: p.share)
    if len(points) < 2:
        return None
    low, high = points[0].share, points[-1].share
    x = svg.Scale(low, high, _apart([p.share for p in points]))
    y = svg.scale([p.tokens for p in points], "count")
    plane = svg.Plane(x, y)
    marks = [plane.paths(plane.curve([(p.share, p.tokens) for p in points], "human"))]
    for p in points:
        spot = {"cx": f"{x.at(p.share)}%", "cy": f"{plane.up(p.tokens)}%"}
        marks.append(svg.tag("circle", r=4, class_="dot human" if p.reached else "dot human open", **spot))
    reached = [p.share for p in points if p.reached]
    said = f"The corpus' own human text reaches {numbers.setting(max(reached))}." if reached else "None is reached yet."
    here = reservoir.coverage_reached
    if here:
        share = numbers.percent(here["share"])
        marks += plane.upright(min(max(here["share"], low), high), f"this corpus: {share}", line=1)
        said = f"The {numbers.count(here['tokens'])} human word tokens of this corpus reach {share}."
    text = (
        "Across: share of human language whose words occur often enough. Up: human word tokens that this takes. "
        f"{said} The amounts above follow the curve only where auditor reservoir is given --coverage or --rarest."
    )
    title = "Human text that a coverage of the language asks for"
    return Chart(
        "coverage-curve",
        title,
        text,
        plane.draw(marks, title=title, description=text, key="coverage-curve"),
        ("Coverage", "Human word tokens", "Reached"),
        [(numbers.setting(p.share), numbers.count(p.tokens), "yes" if p.reached else "no") for p in points],
    )


def _apart(shares: list[float]) -> tuple[tuple[float, str], ...]:
    """Ticks for the shares, from the last to the first, without those that would be too near to the one before."""
    kept: list[float] = []
    for share in reversed(shares):
        if not kept or kept[-1] - share >= APART * (shares[-1] - shares[0]):
            kept.append(share)
    return tuple((share, numbers.setting(share)) for share in reversed(kept))


def in_words(reservoir: Reservoir) -> str:
    """Human text to keep and to acquire, in one sentence."""
    if reservoir.sentence:
        return clean(reservoir.sentence, 900)
    central = (reservoir.acquire or reservoir).central
    kept = reservoir.keep.tokens if reservoir.keep else None
    text = (
        f"Keep the human text that the corpus holds: {numbers.brief(kept, 'count')} word tokens. "
        if numbers.measured(kept)
        else ""
    )
    if central.tokens is None:
        reason = clean(central.reason or "see the bands below", 300)
        return f"{text}How much further human text is needed could not be sized: {reason}."
    years = numbers.plural(reservoir.horizon, "generation")
    if central.tokens == 0:
        return f"{text}No further human text is needed for {years} of training{_under(reservoir)}."
    kept_share = numbers.setting(1 - reservoir.tolerance)
    return (
        f"{text}To keep {kept_share} of the rare words over {years} of training, about "
        f"{numbers.count(central.tokens)} word tokens of further human text are needed{_under(reservoir)}."
    )


def _under(reservoir: Reservoir) -> str:
    """The outer bands in brackets."""
    shown = spread(reservoir.acquire or reservoir)
    if shown:
        return f" ({shown} under favourable and adverse assumptions)"
    return ", under favourable and adverse assumptions alike"


def tokens(band: R) -> str:
    """The word tokens that a band asks for, as a table shows them."""
    return "not sized" if band.tokens is None else "none" if band.tokens == 0 else numbers.count(band.tokens)


def spread(bands: Reservoir | Acquire) -> str:
    """From the optimistic to the pessimistic band."""
    low, high = bands.optimistic, bands.pessimistic
    if (low.tokens is None and high.tokens is None) or tokens(low) == tokens(high):
        return ""
    return f"{tokens(low)} to {tokens(high)}"
