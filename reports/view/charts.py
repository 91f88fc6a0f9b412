"""Charts of a report: planes that the templates lay out, each with a table of its points for readers who cannot see
it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from auditor.reports.model.duplicates import NearDuplicates
from auditor.reports.model.quantities import Meaning
from auditor.reports.model.schema import Shard, Stratum
from auditor.reports.model.sections import DiversityProfile, Fit, FitBin, ScoreHistogram
from auditor.reports.text import numbers
from auditor.reports.text.clean import name
from auditor.reports.view import svg
from auditor.reports.view.figures import common_scale

CHATGPT = 2022 + 10 / 12  # the assistant that made machine text cheap came at the end of November 2022
RANKED_POINTS = 160
YEARS = 30  # the last ones are drawn; a corpus of old books has hundreds
ORDERS = ((0, "all types"), (1, "common"), (2, "very common"))


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn plane with what it shows in words, and its points as a table."""

    key: str
    title: str
    description: str
    drawing: Markup
    head: tuple[str, ...]
    points: Sequence[tuple[str, ...]]


def ranked(shards: Sequence[Shard]) -> Chart | None:
    """All shards from the highest estimate to the lowest, as one curve with its intervals as a band."""
    known = sorted(
        (e for e in (s.synthetic_fraction for s in shards) if numbers.measured(e)),
        key=lambda e: -e.value,
    )
    if len(known) < 3:
        return None
    last = len(known) - 1
    picks = sorted({round(i * last / (RANKED_POINTS - 1)) for i in range(RANKED_POINTS)})
    x = svg.Scale(0, 1, ((0, "highest"), (0.5, "half of the shards"), (1, "lowest")))
    plane = svg.Plane(x, common_scale(known))
    curve = [(i / last, known[i].value) for i in picks]
    band = [(i / last, known[i].lower, known[i].upper) for i in picks]
    middle = known[last // 2].value
    label = f"half of the shards lie below {numbers.percent(middle)}"
    ends = f"from {numbers.percent(known[0].value)} down to {numbers.percent(known[-1].value)}"
    description = f"{len(known)} shards ordered by their machine-written share, {ends}; {label}."
    marks = [plane.paths(plane.band(band, "synthetic"), plane.curve(curve, "synthetic")), *plane.upright(0.5, label)]
    quantiles = [
        (f"{share:.0%} of the shards lie above", numbers.percent(known[min(last, int(share * len(known)))].value))
        for share in (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
    ]
    title, head = "Every shard, from the highest to the lowest", ("Shards", "Machine-written")
    return _chart("ranked", plane, marks, title, description, head, quantiles)


def years(strata: Sequence[Stratum]) -> Chart | None:
    """Machine-written share by year, with the line of November 2022."""
    found = sorted(
        ((int(s.name), s.synthetic_fraction) for s in strata if s.kind == "year" and s.name.isdigit()),
        key=lambda row: row[0],
    )
    every_year = [(year, e) for year, e in found if numbers.measured(e)]
    known = [(year, e) for year, e in every_year if year > every_year[-1][0] - YEARS]
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    every = math.ceil((last - first + 1) / 7)  # labels that fit side by side on a telephone
    ticks = tuple((year + 0.5, str(year)) for year in range(last, first - 1, -every))
    plane = svg.Plane(svg.Scale(first, last + 1, ticks), common_scale([e for _, e in known]))
    marks = [
        mark for year, e in known for mark in plane.dot(year + 0.5, e, "synthetic", f"{year}: {numbers.estimate(e)}")
    ]
    if first <= CHATGPT <= last + 1:
        marks += plane.upright(CHATGPT, "November 2022")
    description = f"From {numbers.estimate(known[0][1])} in {first} to {numbers.estimate(known[-1][1])} in {last}."
    if len(every_year) > len(known):
        description += f" Earlier years, from {every_year[0][0]} on, are among the numbers."
    points = [(str(year), numbers.estimate(e)) for year, e in found]
    title, head = "Machine-written share by year", ("Year", "Machine-written")
    return _chart("years", plane, marks, title, description, head, points)


def s_curve(near: NearDuplicates | None) -> Chart | None:
    """Probability that a pair of similarity J becomes a candidate: 1 - (1 - J**rows)**bands."""
    if not near:
        return None

    def chance(j: float) -> float:
        return 1 - (1 - j**near.rows) ** near.bands

    share = tuple((k / 4, f"{k / 4:.0%}") for k in range(5))
    plane = svg.Plane(svg.Scale(0, 1, share), svg.Scale(0, 1, share), height=200)
    threshold = near.threshold
    marks = [plane.paths(plane.curve([(k / 100, chance(k / 100)) for k in range(101)], "duplicate"))]
    marks += plane.upright(threshold, f"threshold {threshold:.0%}")
    description = (
        f"{near.bands} bands of {near.rows} rows: a pair at the threshold of {threshold:.0%} similarity "
        f"is found with probability {numbers.percent(chance(threshold))}."
    )
    points = [(f"{j:.0%}", numbers.percent(chance(j))) for j in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)]
    title = "How likely a pair is found, by its similarity"
    head = ("Similarity of the pair", "Found with probability")
    return _chart("s-curve", plane, marks, title, description, head, points)


def profile(found: DiversityProfile | None) -> Chart | None:
    """Hill numbers of the corpus in percent of the reference's, over the order q."""
    pairs = ((p.q, p.corpus, p.reference) for p in (found.points if found else ()))
    known = [(q, own, of) for q, own, of in pairs if numbers.measured(own) and numbers.measured(of)]
    if len(known) < 2:
        return None
    share = [(q, *(end / of.value - 1 for end in (own.lower, own.value, own.upper))) for q, own, of in known]
    human = [(q, of.lower / of.value - 1, of.upper / of.value - 1) for q, _, of in known]
    ends = [v for row in share for v in row[1:]] + [v for row in human for v in row[1:]]
    low, high = known[0][0], known[-1][0]
    ticks = tuple((q, label) for q, label in ORDERS if low <= q <= high)
    plane = svg.Plane(svg.Scale(low, high, ticks), svg.scale(ends, "fewer"))
    middle = share[len(share) // 2]
    marks = [
        plane.paths(
            plane.band(human, "human"),
            plane.curve([(q, 0) for q, *_ in share], "human"),
            plane.band([(q, lower, upper) for q, lower, _, upper in share], "diversity"),
            plane.curve([(q, value) for q, _, value, _ in share], "diversity"),
        ),
        plane.label(high, 0, "human reference", "human"),
        plane.label(middle[0], middle[2], "this corpus", "diversity", below=True),
    ]
    points = [(f"{q:g}", numbers.estimate(own, "count"), numbers.estimate(of, "count")) for q, own, of in known]
    description = (
        "Across: which types count (left: all alike; right: frequent ones weigh more). Up: types against the human "
        "reference. Bands: the interval of each side by itself."
    )
    title = "Types of words against the human reference"
    head = ("Weight of frequent types (order q)", "Types in this corpus", "Types in the reference")
    return _chart("profile", plane, marks, title, description, head, points)


def meaning(found: Meaning) -> Chart | None:
    """Mean similarity of two documents: of the corpus, and of the human reference where there is one."""
    sides = (
        ("this corpus", "diversity", found.similarity, found.effective_documents),
        ("human reference", "human", found.reference_similarity, found.reference_effective_documents),
    )
    known = [side for side in sides if numbers.measured(side[2])]
    if not known:
        return None
    places = [(place + 0.5) / len(known) for place in range(len(known))]
    x = svg.Scale(0, 1, tuple((at, side[0]) for at, side in zip(places, known, strict=True)))
    plane = svg.Plane(x, common_scale([e for _, _, e, _ in known]), height=180)
    marks = [
        mark
        for at, (label, tone, e, _) in zip(places, known, strict=True)
        for mark in plane.dot(at, e, tone, f"{label}: {numbers.estimate(e)}")
    ]
    points = [(label, numbers.estimate(e), numbers.estimate(of, "count")) for label, _, e, of in known]
    description = (
        "Up: mean cosine of the embeddings of two documents drawn at random, with its interval: 100% where all say the "
        "same, 0% where they have nothing in common."
    )
    head = ("Documents", "Mean similarity", "Effective documents of 100")
    return _chart("meaning", plane, marks, "How alike documents are in what they say", description, head, points)


def fit(found: Fit | None) -> Chart | None:
    """Observed scores against the fitted human and machine parts, bin by bin."""
    return _scores(found.bins if found else [], "fit", "Scores of all documents and the fitted mixture")


def histograms(rows: Sequence[ScoreHistogram]) -> list[Chart]:
    """Scores of single shards against the fitted human and machine parts."""
    drawn = [_scores(row.bins, f"scores-{place}", f"Scores of {name(row.scope, 60)}") for place, row in enumerate(rows)]
    return [figure for figure in drawn if figure]


def _scores(bins: Sequence[FitBin], key: str, title: str) -> Chart | None:
    if len(bins) < 3:
        return None
    low, high = bins[0].lower, bins[-1].upper
    x = svg.Scale(low, high, ((low, "reads human"), (high, "reads machine")))
    y = svg.scale([max(b.observed, b.human + b.machine) for b in bins])
    plane = svg.Plane(x, y)
    human = [(edge, 0.0, b.human) for b in bins for edge in (b.lower, b.upper)]
    machine = [(edge, b.human, b.human + b.machine) for b in bins for edge in (b.lower, b.upper)]
    marks = [plane.paths(plane.band(human, "human solid"), plane.band(machine, "synthetic solid"))]
    for b in bins:
        spot = {"cx": f"{x.at((b.lower + b.upper) / 2)}%", "cy": f"{plane.up(b.observed)}%"}
        marks.append(svg.tag("circle", r=3.5, class_="dot plain", **spot))
    points = [
        (f"{b.lower:.2f} to {b.upper:.2f}", *(numbers.percent(share) for share in (b.observed, b.human, b.machine)))
        for b in bins
    ]
    text = "Across: score. Up: share of the documents. Dots: observed. Areas: fitted human and machine parts."
    return _chart(key, plane, marks, title, text, ("Score", "Observed", "Fitted, human", "Fitted, machine"), points)


def _chart(
    key: str,
    plane: svg.Plane,
    marks: Sequence[Markup],
    title: str,
    description: str,
    head: tuple[str, ...],
    points: Sequence[tuple[str, ...]],
) -> Chart:
    drawing = plane.draw(list(marks), title=title, description=description, key=key)
    return Chart(key, title, description, drawing, head, points)
