"""How alike documents are in what they say: mean similarity of their embeddings, and effective numbers of documents."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np

from auditor.estimate.diversity.lost_reference import NO_REFERENCE
from auditor.estimate.diversity.meaning.pairs import Pairs, mean_over_pairs
from auditor.estimate.diversity.variance import ENOUGH_GROUPS, MIN_GROUPS
from auditor.records import LEVEL, Estimate, Status
from auditor.statistics.intervals import student_quantile
from auditor.statistics.resampling import jackknife_variance

AT = 100  # documents to which effective numbers refer
LEAST = 20  # documents, below which an interval would say nothing
SIMILARITY = "mean cosine of pairs of documents; delete-a-group jackknife"
EFFECTIVE = f"similarity-sensitive Hill number q=2 of {AT} documents; delete-a-group jackknife"
AGAINST = "against the reference"
Values = TypeVar("Values", float, np.ndarray)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Embeddings of documents drawn at random from one body of text.

    vectors (n, d), none of them zero; group (n,), the resampling group of each document
    """

    vectors: np.ndarray
    group: np.ndarray


@dataclass(frozen=True, slots=True)
class Meaning:
    """How alike in meaning the documents of a scope are, compared with a human reference; `meaning` of report.json.

    similarity: mean cosine of two documents, -1 to 1; effective_documents: of AT; similarity_change: the scope's less
    the reference's; loss: 1 - effective documents / the reference's
    """

    similarity: Estimate
    effective_documents: Estimate
    reference_similarity: Estimate
    reference_effective_documents: Estimate
    similarity_change: Estimate
    loss: Estimate

    @classmethod
    def nothing(cls, reason: str, *, level: float = LEVEL) -> Meaning:
        """Not measured, and why."""
        lacking = Estimate.not_measured(reason, level=level)
        return cls(lacking, lacking, lacking, lacking, lacking, lacking)

    def doubted(self, reason: str) -> Meaning:
        """The same, where it has numbers inconclusive for this reason."""
        found = {own.name: getattr(self, own.name) for own in fields(self)}
        return replace(self, **{key: e.but(Status.INCONCLUSIVE, reason) for key, e in found.items() if e.is_number})


def measure_meaning(ours: Embedded, theirs: Embedded | None, *, level: float = LEVEL) -> Meaning:
    """Similarity and effective documents of a scope, of its human reference, and how they differ.

    The interval is a delete-a-group jackknife of a U-statistic (Arvesen 1969, Annals of Mathematical Statistics
    40:2076), whose variance is Hoeffding's of 1948 where groups are single documents; it is too wide rather
    than too narrow on average (Efron & Stein 1981, Annals of Statistics 9:586). Both bodies are taken as independent.

    Parameters: theirs, None where there is no human reference
    """
    own, human = _Side.of(ours), None if theirs is None else _Side.of(theirs)
    similarity, effective = _none(human, SIMILARITY, level), _none(human, EFFECTIVE, level)
    change, loss = (_none(human, f"{method}, {AGAINST}", level) for method in (SIMILARITY, EFFECTIVE))
    if human is not None and human.known:
        similarity, effective = human.similarity(level), human.effective(level)
    if not own.known:
        change, loss = (_none(own, each.method, level) for each in (change, loss))
        none = _none(own, SIMILARITY, level), _none(own, EFFECTIVE, level)
        return Meaning(none[0], none[1], similarity, effective, change, loss)
    if human is not None and human.known:
        change, loss = own.change(human, level), own.loss(human, level)
    return Meaning(own.similarity(level), own.effective(level), similarity, effective, change, loss)


def effective_documents(similarity: Values, at: int = AT) -> Values:
    """Effective number of `at` documents with this mean similarity of pairs: 1 to `at`.

    Leinster & Cobbold 2012 (Ecology 93:477), eq. 1 with q = 2 and equal shares, D = 1 / sum_ij p_i p_j Z_ij, where Z_ii
    is 1 and the other pairs have their mean: so it is rarefied to one number of documents without drawing any.
    """
    return 1.0 / (1.0 / at + (1.0 - 1.0 / at) * np.maximum(similarity, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One body of text. cosine: as it is; alike: with negative cosines set to 0 (a similarity is never negative)."""

    cosine: Pairs
    alike: Pairs

    @classmethod
    def of(cls, body: Embedded) -> _Side:
        if len(body.group) < 2:
            none = Pairs(0.0, np.zeros(0), np.bincount(np.zeros(len(body.group), int)))
            return cls(none, none)
        return cls(*(mean_over_pairs(body.vectors, body.group, floor=floor) for floor in (-1.0, 0.0)))

    @property
    def known(self) -> bool:
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why nothing can be measured; empty if it can."""
        if self.cosine.documents < LEAST:
            return f"{self.cosine.documents} documents were embedded, {LEAST} are needed"
        if self.cosine.groups < MIN_GROUPS:
            return f"{self.cosine.groups:.1f} independent groups of documents"
        return ""

    def similarity(self, level: float) -> Estimate:
        low, high = _interval(self.cosine.mean, [self.cosine.without], level)
        bounds = max(low, -1.0), min(high, 1.0)
        return _doubted(Estimate(self.cosine.mean, *bounds, level, SIMILARITY, self.cosine.documents), self.cosine)

    def effective(self, level: float) -> Estimate:
        value = _log_effective(self.alike.mean)
        low, high = np.exp(_interval(value, [_log_effective(self.alike.without)], level))
        numbers = float(np.exp(value)), max(float(low), 1.0), min(float(high), float(AT))
        return _doubted(Estimate(*numbers, level, EFFECTIVE, self.alike.documents), self.alike)

    def change(self, human: _Side, level: float) -> Estimate:
        """The similarity less that of an independent body."""
        value = self.cosine.mean - human.cosine.mean
        ends = _interval(value, [self.cosine.without, human.cosine.without], level)
        found = Estimate(value, *ends, level, f"{SIMILARITY}, {AGAINST}", self.cosine.documents)
        return _doubted(found, min(self.cosine, human.cosine, key=lambda side: side.groups))

    def loss(self, human: _Side, level: float) -> Estimate:
        """1 - effective documents / those of an independent body; the interval is symmetrical in the logarithm."""
        value = _log_effective(self.alike.mean) - _log_effective(human.alike.mean)
        low, high = _interval(value, [_log_effective(side.alike.without) for side in (self, human)], level)
        numbers = -float(np.expm1(value)), -float(np.expm1(high)), -float(np.expm1(low))
        found = Estimate(*numbers, level, f"{EFFECTIVE}, {AGAINST}", self.alike.documents)
        return _doubted(found, min(self.alike, human.alike, key=lambda side: side.groups))


def _log_effective(similarity: Values) -> Values:
    return np.log(effective_documents(similarity))


def _interval(value: float, without: list[np.ndarray], level: float) -> tuple[float, float]:
    """Student's interval; the jackknife variances of independent bodies add up."""
    variance = sum(float(jackknife_variance(each)) for each in without)
    width = student_quantile(level, min(len(each) for each in without) - 1) * np.sqrt(variance)
    return float(value - width), float(value + width)


def _doubted(found: Estimate, pairs: Pairs) -> Estimate:
    if pairs.groups >= ENOUGH_GROUPS:
        return found
    return found.but(Status.INCONCLUSIVE, f"{pairs.groups:.1f} independent groups of documents")


def _none(side: _Side | None, method: str, level: float) -> Estimate:
    if side is None:
        return Estimate.not_measured(NO_REFERENCE, method=method, level=level)
    return Estimate.not_measured(side.why_not or NO_REFERENCE, method=method, n=side.cosine.documents, level=level)
