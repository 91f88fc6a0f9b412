"""Strata: each language, topic, category, year, host and length band, with what it lost and how its share changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from auditor import streams
from auditor.config import Config
from auditor.estimate.diversity.lost import Loss, LostDiversity, lost_diversity
from auditor.estimate.diversity.lost_reference import LEAST_TOKENS, NO_REFERENCE
from auditor.estimate.diversity.shares import LostName, lost_names, share_retained
from auditor.estimate.diversity.spectrum import Body
from auditor.pipeline.diversity.exact_counts import count_documents
from auditor.pipeline.diversity.reference import DATED, GIVEN, Reference
from auditor.pipeline.diversity.results import CorpusResult, ScopeLoss, StratumLoss, StratumResult, StratumShare
from auditor.pipeline.diversity.scope import bin_probabilities
from auditor.pipeline.diversity.word_sample import WordSample
from auditor.pipeline.documents.view import SCOPES, totals
from auditor.pipeline.fraction.measure import Synthetic, estimates_of, mixed_of
from auditor.pipeline.map.word_sample import KINDS
from auditor.pipeline.run.plan import CORPUS, HUMAN
from auditor.records import Estimate
from auditor.run_columns import GROUPS, HUMAN_BEFORE
from auditor.store.database import query

# Lost diversity is measured for this many of the largest strata of a kind: each costs about a tenth of a second.
MEASURED = {"language": 12, "topic": 12, "category": 24}
COMPARED = ("host", "language", "topic", "category")  # whose shares are compared with the reference's
FEWEST_TOKENS = 2_000
DRAWS = 2
WHOLE = 0.999  # a stratum of nearly all documents is the corpus
PRESENT = 0.05  # share of the words from which a language counts as one of the text's languages
NOT_DRAWN = "no documents were kept to measure it on (--retain none, or forgotten)"


@dataclass(frozen=True, slots=True, eq=False)
class MatchedReference:
    """The reference, and parts of it that match a stratum's language or value."""

    reference: Reference
    drawn: WordSample
    rows: pl.DataFrame
    bodies: dict[tuple[str, str], Reference]

    @classmethod
    def of(cls, reference: Reference, drawn: WordSample) -> MatchedReference:
        """The reference with its drawn documents."""
        rows = drawn.rows.clear()
        if reference.origin == GIVEN:
            rows = drawn.rows.filter(pl.col("role") == HUMAN)
        elif reference.origin == DATED:
            rows = drawn.rows.filter((pl.col("role") == CORPUS) & pl.col("dated"))
        return cls(reference, drawn, rows, {})

    @property
    def languages(self) -> set[str]:
        """The main languages of the drawn documents."""
        return main_languages(
            self.rows.group_by("language", maintain_order=True).agg(pl.col("size").sum().alias("words"))
        )

    def matching(self, kind: str, value: str, languages: set[str]) -> Reference:
        """The reference's documents of the same language, topic or category, else of its languages, else all."""
        if self.reference.text is None:
            return self.reference
        if kind in KINDS and (found := self._part(kind, value)).tokens >= LEAST_TOKENS:
            return found
        other = self.languages - languages
        shared = sorted(self.languages & languages)
        if other and shared and (found := self._part("language", "|".join(shared))).tokens >= LEAST_TOKENS:
            return found
        return self.reference

    def _part(self, kind: str, value: str) -> Reference:
        if (kind, value) not in self.bodies:
            rows = self.rows.filter(pl.col(kind).is_in(value.split("|") if kind == "language" else [value]))
            text = _body(self.drawn, rows)
            said = f"{self.reference.origin}, {kind} {value.replace('|', ', ')}"
            self.bodies[kind, value] = Reference(text, said, text.tokens, rows.height)
        return self.bodies[kind, value]


def main_languages(words: pl.DataFrame) -> set[str]:
    """The languages that hold at least a twentieth of the words. words: columns language, words."""
    known = words.drop_nulls("language")
    return set(known.filter(pl.col("words") >= PRESENT * float(known["words"].sum()))["language"])


def stratum_rows(
    connection: Any, gold: MatchedReference, synthetic: Synthetic, corpus: CorpusResult, config: Config
) -> list[StratumResult]:
    """Every stratum with its counts, synthetic fraction, share of the corpus and of the reference, and losses."""
    return [row for kind in synthetic.strata for row in _rows_of(kind, connection, gold, synthetic, corpus, config)]


def _rows_of(
    kind: str, connection: Any, gold: MatchedReference, synthetic: Synthetic, corpus: CorpusResult, config: Config
) -> Iterator[StratumResult]:
    names = list(synthetic.strata[kind].scopes)
    sizes = totals(connection, kind, names)
    shares = _counted(connection, kind, names, gold) if kind in COMPARED else None
    eligible, whole = max(corpus.counts.eligible_documents, 1), corpus.figures
    largest = sorted(names, key=lambda name: (-sizes[name].eligible_documents, name))[: MEASURED.get(kind, 0)]
    for place, name in enumerate(names):
        counts, fractions = sizes[name], estimates_of(synthetic.strata[kind], place)
        fractions |= mixed_of(synthetic, kind, place)
        held, retained, loss = counts.eligible_documents, None, None
        if shares is not None:
            (ours, theirs), sides = shares
            retained = _shares(ours[place], theirs[place], sides, gold.reference, config.level)
        if held >= WHOLE * eligible:
            loss = StratumLoss(whole.diversity_loss, whole.diversity.tail_retention, whole.drift.reference)
        elif name in largest:
            loss = _losses(gold, synthetic, kind, place, config)
        share, human = Estimate.census(held / eligible, eligible), _human(fractions["synthetic_fraction"])
        yield StratumResult(kind, name, counts.documents, held, counts.tokens, fractions, share, human, retained, loss)


def lost_most(connection: Any, gold: MatchedReference, level: float) -> dict[str, list[LostName]]:
    """The hosts, languages, topics and categories whose share fell most against the reference, with counts."""
    out = {}
    for kind in COMPARED:
        if gold.reference.text is None:
            continue
        known = query(
            connection,
            f"""SELECT DISTINCT {SCOPES[kind]} AS name FROM docs
                WHERE role IN ('{CORPUS}', '{HUMAN}') AND eligible AND {SCOPES[kind]} IS NOT NULL ORDER BY name""",
        )["name"].to_list()
        (ours, theirs), _ = _counted(connection, kind, known, gold)
        if ours.sum() and theirs.sum():
            out[kind] = lost_names(known, ours, theirs, level=level)
    return {kind: rows for kind, rows in out.items() if rows}


def _human(fraction: Estimate) -> Estimate:
    """The human share: one minus the machine-written share, and its interval likewise."""
    if not fraction.is_number:
        return fraction
    assert fraction.value is not None and fraction.lower is not None and fraction.upper is not None
    numbers = 1 - fraction.value, 1 - fraction.upper, 1 - fraction.lower
    return Estimate(*numbers, fraction.level, fraction.method, fraction.n, fraction.status, fraction.reason)


def _shares(
    ours: np.ndarray, theirs: np.ndarray, sizes: tuple[np.ndarray, np.ndarray], reference: Reference, level: float
) -> StratumShare:
    """The stratum's share of the reference, and what is left of it."""
    if reference.text is None or not sizes[1].sum():
        nothing = Estimate.not_measured(NO_REFERENCE)
        return StratumShare(nothing, nothing)
    n = int(sizes[1].sum())
    share = Estimate.census(float(theirs.sum()) / n, n)
    return StratumShare(share, share_retained(ours, theirs, sizes, level))


def _counted(
    connection: Any, kind: str, names: list[str], gold: MatchedReference
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Eligible documents (names, groups) of the corpus and of the reference, and all of either (groups,)."""
    theirs = {
        GIVEN: f"role = '{HUMAN}' AND NOT in_corpus",
        DATED: f"role = '{CORPUS}' AND date < DATE '{HUMAN_BEFORE}'",
    }.get(gold.reference.origin, "false")
    rows = query(
        connection,
        f"""SELECT {SCOPES[kind]} AS name, unit % {GROUPS} AS unit, count(*) FILTER (role = '{CORPUS}') AS ours,
                   count(*) FILTER ({theirs}) AS theirs
            FROM docs WHERE eligible GROUP BY ALL ORDER BY ALL""",
    )
    sizes, tables = np.zeros((2, GROUPS)), np.zeros((2, len(names), GROUPS))
    place = pl.DataFrame({"name": names, "place": range(len(names))}, schema={"name": pl.String, "place": pl.Int64})
    known = rows.join(place, on="name", how="inner")
    for side, size, table in zip(("ours", "theirs"), sizes, tables, strict=True):
        np.add.at(size, rows["unit"].to_numpy(), rows[side].to_numpy())
        table[known["place"].to_numpy(), known["unit"].to_numpy()] = known[side].to_numpy()
    return (tables[0], tables[1]), (sizes[0], sizes[1])


def _losses(gold: MatchedReference, synthetic: Synthetic, kind: str, place: int, config: Config) -> StratumLoss:
    """Lost diversity of one stratum, on a uniform sample of its documents."""
    name = synthetic.strata[kind].scopes[place]
    rows = gold.drawn.of(kind, name)
    words = int(rows["size"].sum())
    languages = main_languages(rows.group_by("language", maintain_order=True).agg(pl.col("size").sum().alias("words")))
    reference = gold.matching(kind, name, languages)
    if words < FEWEST_TOKENS or reference.text is None:
        few = NOT_DRAWN if not gold.drawn.rows.height else f"{words:,} words: too few"
        reason = NO_REFERENCE if reference.text is None else few
        lost = LostDiversity(Loss.nothing(reason), {}, Estimate.not_measured(reason))
    else:
        rng = streams.rng(config.seed, "diversity of strata", place)
        synthetic_bins = bin_probabilities(synthetic.strata[kind], place, DRAWS)
        original = rows.filter("original")
        lost = lost_diversity(
            _body(gold.drawn, rows),
            reference.text,
            rng=rng,
            synthetic=synthetic_bins,
            level=config.level,
            collapsed=_body(gold.drawn, original) if original.height < rows.height else None,
        )
    said = "" if reference.text is None else reference.said
    return StratumLoss(ScopeLoss(lost.words, lost.levels), lost.tail_retention, said, rows.height)


def _body(drawn: WordSample, rows: pl.DataFrame) -> Body:
    return count_documents(drawn.tokens(rows), rows["unit"].to_numpy() % GROUPS, rows["score_bin"].to_numpy())
