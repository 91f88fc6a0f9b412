"""The model card: what the first tier is, what it learned from, and how accurate it was measured to be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from auditor.detectors import registry
from auditor.detectors.calibration_file import read_first_tier
from auditor.detectors.evaluation.accuracy import SEEN_UNTIL
from auditor.detectors.evaluation.card_text import INTRODUCTION, LIMITS, TRIED

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 340, 56, 300
WORST = 20  # domains shown


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What the page shows: tables of `evaluation` and `attacks`, and the folder of models."""

    accuracy: pl.DataFrame
    domains: pl.DataFrame
    form: pl.DataFrame
    sources: pl.DataFrame
    models: Path


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `evaluation`'s table as it is shown: documents, and each metric with its interval."""

    scope: str
    year: str
    documents: str
    auroc: str
    tpr_5: str
    tpr_1: str

    @property
    def figures(self) -> list[str]:
        """The cells after the scope."""
        return [self.documents, self.auroc, self.tpr_5, self.tpr_1]


def render(figures: Figures) -> str:
    """The page docs/detectors.md."""
    parts = [
        INTRODUCTION.format(seen_until=SEEN_UNTIL),
        _members(figures.accuracy),
        _years(figures.accuracy),
        _generators(figures.accuracy),
        _sources(figures.accuracy),
        _domains(figures.domains),
        _attacks(figures),
        _languages(figures),
        _learned(figures.models),
        TRIED,
        LIMITS.format(seen_until=SEEN_UNTIL),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def picture(table: pl.DataFrame) -> str:
    """An SVG: each generator by release year and the share of its texts found at a false positive rate of 5%."""
    rows = table.filter(pl.col("kind") == "generator", pl.col("year").is_not_null(), pl.col("machine") >= 60)
    years = table.filter(kind="year")
    first, last = int(rows["year"].min() or 2021), int(rows["year"].max() or 2026)  # type: ignore[arg-type]
    step = (WIDTH - LEFT - 20) / max(last - first + 1, 1)

    def x(year: int, turn: float = 0.5) -> float:
        return LEFT + (year - first + turn) * step

    def y(share: float) -> float:
        return BOTTOM - share * (BOTTOM - 30)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img"><title>Share of machine text found, by generator and its release year</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for year in range(first, last + 1):
        own = rows.filter(year=year).sort("scope")
        out.append(f'<text x="{x(year):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{year}</text>')
        for place, row in enumerate(own.iter_rows(named=True)):
            at = x(year, 0.12 + 0.76 * (place + 0.5) / len(own))
            title = f"{row['scope']}: {row['tpr_5']:.0%} of {row['machine']}"
            out.append(
                f'<circle cx="{at:.1f}" cy="{y(row["tpr_5"]):.1f}" r="4" fill="#2b6cb0" fill-opacity=".55">'
                f"<title>{_escaped(title)}</title></circle>"
            )
    for row in years.iter_rows(named=True):
        at = int(row["scope"])
        out.append(
            f'<line x1="{x(at, 0.06):.1f}" x2="{x(at, 0.94):.1f}" y1="{y(row["tpr_5"]):.1f}" '
            f'y2="{y(row["tpr_5"]):.1f}" stroke="#c05621" stroke-width="2.5"/>'
        )
    out.append(
        f'<text x="{LEFT}" y="18">Found at 5% false positives over all human text; dots: generators, bars: years</text>'
    )
    return "\n".join([*out, "</svg>"]) + "\n"


def _members(table: pl.DataFrame) -> str:
    figures = {row.scope: row for row in _shown(table.filter(kind="member"))}
    rows = []
    for what in (listing.description for listing in registry.listings() if listing.origin.startswith("auditor.")):
        own = figures.get(what.name)
        languages = ", ".join(sorted(what.languages)) if what.languages else "any"
        accuracy = own.auroc if own else "[second tier](deep-detectors.md)"
        rows.append([what.name, what.summary, languages, str(what.minimum_words), str(what.tier), accuracy])
    text = "## Members\n\n" + _rows(["name", "what", "languages", "least words", "tier", "AUROC alone"], rows)
    together = figures.get("first tier")
    if together:
        text += (
            f"\n\nThe first tier together, English text by instruction-tuned models of all years: AUROC "
            f"{together.auroc}, {together.tpr_1} found at 1% false positives."
        )
    return text


def _years(table: pl.DataFrame) -> str:
    rows, held, base = (
        [[row.scope, *row.figures] for row in _shown(table.filter(kind=kind))]
        for kind in ("year", "held out", "base models")
    )
    heads = ["released in", "human / machine", "AUROC", "TPR at 5% FPR", "at 1%"]
    return (
        "## By release year of the generator\n\n![Share found by generator and year](detectors-years.svg)\n\n"
        + _rows(heads, rows)
        + "\n\nThe held-out mirrors (other requests; every eighth, drawn by the hash of the human document):\n\n"
        + _rows(["held-out mirrors against", *heads[1:]], held)
        + "\n\nModels without instruction tuning, which rank below human text:\n\n"
        + _rows(["base models", *heads[1:]], base)
    )


def _generators(table: pl.DataFrame) -> str:
    chosen = table.filter(pl.col("kind") == "generator", pl.col("machine") >= 60).sort(
        "year", "scope", descending=[True, False], nulls_last=True
    )
    rows = [[row.year, row.scope, *row.figures] for row in _shown(chosen)]
    heads = ["year", "generator", "human / machine", "AUROC", "TPR at 5% FPR", "at 1%"]
    return "## By generator\n\n" + _rows(heads, rows)


def _sources(table: pl.DataFrame) -> str:
    rows = [[row.scope, *row.figures] for row in _shown(table.filter(kind="source"))]
    text = (
        "## By source, its family left out\n\nAgainst the source's own human text where there is enough of it, else "
        "against that of all sources.\n\n"
    )
    return text + _rows(["source", "human / machine", "AUROC", "TPR at 5% FPR", "at 1%"], rows)


def _domains(domains: pl.DataFrame) -> str:
    rows = [
        [row["cell"], str(row["documents"]), f"{row['raw']:.3f}", f"{row['units']:.3f}", row["kind"]]
        for row in domains.head(WORST).iter_rows(named=True)
    ]
    raw, units = (domains[name].to_numpy() for name in ("raw", "units"))
    return (
        "## False positives by kind of human text\n\nOne threshold over all English human text, at which 5% of it is "
        f"above. Over {len(domains)} domains the share above it is between {raw.min():.3f} and {raw.max():.3f} by the "
        f"score alone (standard deviation {raw.std():.3f}) and between {units.min():.3f} and {units.max():.3f} "
        f"({units.std():.3f}) in human units of the kind. The {WORST} worst in units:\n\n"
        + _rows(["source / domain", "documents", "score alone", "units of the kind", "most frequent kind"], rows)
    )


def _attacks(figures: Figures) -> str:
    form = [
        [row["attack"], str(row["documents"]), f"{row['tpr_5']:.3f}", f"{row['tpr_1']:.3f}"]
        for row in figures.form.iter_rows(named=True)
    ]
    labelled = [
        [row["source"], row["attack"], str(row["documents"])] + [f"{row[k]:.3f}" for k in ("auroc", "tpr_5", "tpr_1")]
        for row in figures.sources.iter_rows(named=True)
    ]
    return (
        "## Under attack\n\nThe held-out English mirrors after changes of form (a tenth of the letters; half as many "
        "words for swapped letters), at the thresholds of plain human text:\n\n"
        + _rows(["attack", "documents", "TPR at 5% FPR", "at 1%"], form)
        + "\n\nAttacked, paraphrased and edited texts of the labelled sources, against human text of all sources:\n\n"
        + _rows(["source", "attack (label)", "documents", "AUROC", "TPR at 5% FPR", "at 1%"], labelled)
    )


def _languages(figures: Figures) -> str:
    levels = read_first_tier(figures.models).reach
    whole = {row.scope: row for row in _shown(figures.accuracy.filter(kind="language"))}
    parts = [
        {
            row["scope"]: f"{row['auroc']:.3f} / {row['tpr_5']:.2f} ({row['machine']})"
            for row in figures.accuracy.filter(kind=f"language, {name}").iter_rows(named=True)
        }
        for name in ("mirrors", "others")
    ]
    rows = []
    for language, level in sorted(levels.items(), key=lambda item: item[0]):
        own = [whole[language].documents, whole[language].auroc] if language in whole else ["", ""]
        rows.append([language, level, *own, *(part.get(language, "") for part in parts)])
    heads = ["language", "level", "human / machine", "AUROC", "mirrors: AUROC / TPR at 5% (texts)", "other generators"]
    return (
        "## By language\n\n`measured`: human and machine text of two families each was held out and found; "
        "`calibrated`: of one; `transferred`: scored by the model of the other languages, with human text to set its "
        "scale but no machine text that was found: no fraction is estimated; every language that is not named has "
        "`none`. Lengths: 100 words, or 200 characters in Chinese and Japanese; below 30 words (100 characters) no "
        "document gets a score.\n\n" + _rows(heads, rows)
    )


def _learned(models: Path) -> str:
    card = json.loads((models / "ngrams.json").read_text("utf-8"))
    rows = [[s["source"], s["licence"], str(s["human"]), str(s["machine"])] for s in card["sources"]]
    return (
        "## Learned from\n\nOnly sources with a stated licence train the shipped weights and the bundled calibration; "
        "the others evaluate.\n\n" + _rows(["source", "licence", "human", "machine"], rows)
    )


def _shown(table: pl.DataFrame) -> list[Row]:
    rows = []
    for row in table.iter_rows(named=True):
        metrics = (
            f"{row[name]:.3f} ({row[f'{name}_lower']:.3f}-{row[f'{name}_upper']:.3f})"
            for name in ("auroc", "tpr_5", "tpr_1")
        )
        documents = f"{row['human']} / {row['machine']}"
        rows.append(Row(row["scope"], str(row["year"] or "?"), documents, *metrics))
    return rows


def _rows(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *[[cell.replace("|", "/") for cell in row] for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
