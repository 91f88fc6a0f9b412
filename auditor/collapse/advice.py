"""The content of the recommendation: human text to keep and to acquire, policy floors, priorities, assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.collapse import closed_forms
from auditor.collapse.coverage import CoveragePoint, ReachedCoverage
from auditor.collapse.decoding import numbers_of
from auditor.collapse.keep import Kept
from auditor.collapse.options import BANDS, Band, ReservoirOptions, Sizing
from auditor.collapse.spectrum import discovery
from auditor.collapse.stratum import Stratum
from auditor.collapse.totals import Need, Ready
from auditor.records import Estimate, Json, nested


@dataclass(frozen=True, slots=True)
class Floor:
    """A band with its policy floor on the human share: tokens and documents to acquire; a convention, not derived."""

    band: str
    human_share: float
    source: str
    tokens: int | None
    documents: int | None
    label: str
    sizing: Sizing

    @classmethod
    def of(cls, band: Band, need: Need) -> Floor:
        """The floor of a band and what it requires."""
        label = f"policy floor {band.floor:g}, not derived"
        return cls(band.name, band.floor, band.floor_source, need.tokens, need.documents, label, need.sizing)


@dataclass(frozen=True, slots=True)
class Priority:
    """How much new the next human token of a stratum brings.

    new_type_rate: new types per human token; priority: that rate, weighted by the stratum and by what generated text
    loses of the tail, 1 - decoding_ratio
    """

    stratum: str
    kind: str
    priority: float
    new_type_rate: float
    decoding_ratio: float


@dataclass(frozen=True, slots=True)
class Perplexity:
    """The human share at which perplexity rises by the tolerance; None where the fit does not hold, for a reason."""

    tolerance: float
    human_share: float | None
    reason: str | None
    method: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """A decoding ratio and where it comes from."""

    ratio: Estimate
    source: str

    def as_json(self) -> Json:
        """An E of report.json with its source."""
        return {**self.ratio.as_dict(), "source": self.source}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the answer depends on besides the measurements: options, credit by band, ratio and rarest type by
    stratum."""

    min_occurrences: int
    miss: float
    epochs: float
    coverage_share: float | None
    verification_precision: float
    credit: Mapping[str, float]
    decoding_ratio: Mapping[str, Ratio]
    rarest_frequency: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to keep and what to acquire.

    bands: what each asks for; other_bands: the same by the other sizing
    """

    options: ReservoirOptions
    kept: Kept
    coverage: tuple[CoveragePoint, ...]
    coverage_reached: ReachedCoverage | None
    bands: Mapping[str, Need]
    other_sizing: Sizing
    other_bands: Mapping[str, Need]
    policy: tuple[Floor, ...]
    priorities: tuple[Priority, ...]
    perplexity: Perplexity
    assumptions: Assumptions

    def as_json(self) -> Json:
        """In the names of `reservoir` in report.json; the other sizing and the policy floors have keys of their own."""
        kept = nested(self.kept)
        return {
            "horizon": self.options.generations,
            "tolerance": self.options.tolerance,
            "keep": {"tokens": kept["tokens"], "shards": kept["shards"], "kinds": [], "left_out": kept["left_out"]},
            "acquire": self.bands,
            "coverage": self.coverage,
            "coverage_reached": self.coverage_reached,
            **self.bands,
            str(self.other_sizing): self.other_bands,
            "policy": self.policy,
            "priorities": self.priorities,
            "perplexity": self.perplexity,
            "assumptions": self.assumptions,
        }


def priorities(ready: Iterable[Ready]) -> tuple[Priority, ...]:
    """Strata by what the next human token discovers: w_s (1-r_s) f1_s/n_s, Good-Turing's marginal discovery.

    f1/n is extrapolated to the human tokens that the stratum holds, since its spectrum may come from a smaller sample.
    """
    rows = []
    for r in ready:
        held = max(r.stratum.human_tokens, 1.0)
        rate = discovery(r.stratum.spectrum, held) if r.stratum.spectrum else 0.0
        ratio = numbers_of(r.ratio)[1]
        rows.append(Priority(r.stratum.name, r.stratum.kind, r.stratum.weight * (1 - ratio) * rate, rate, ratio))
    return tuple(sorted(rows, key=lambda row: (-row.priority, row.stratum)))


def perplexity(options: ReservoirOptions) -> Perplexity:
    """The perplexity fit, beside the derived share: an observation on two series, not a rule that sizes."""
    share = closed_forms.share_for_perplexity(options.tolerance)
    known = share >= closed_forms.PERPLEXITY_LOWEST_SHARE
    return Perplexity(
        options.tolerance,
        share if known else None,
        None if known else "the fit holds for a human share of .25 or more",
        "least squares on Zhu et al. 2024",
    )


def assumptions(ready: Sequence[Ready], options: ReservoirOptions) -> Assumptions:
    """What was chosen, and what stands in for what was not measured."""
    return Assumptions(
        options.min_occurrences,
        options.miss,
        options.epochs,
        None if options.rarest_frequency else options.coverage_share,
        options.verification_precision,
        {band.name: band.credit if options.credit is None else options.credit for band in BANDS},
        {r.stratum.name: Ratio(r.ratio, r.ratio_source) for r in ready},
        {r.stratum.name: rarest_kept(r.stratum, options) for r in ready},
    )


def rarest_kept(stratum: Stratum, options: ReservoirOptions) -> float | None:
    """The frequency of the rarest types that are to be kept; None where the stratum holds no human text."""
    return options.min_occurrences / stratum.human_tokens if stratum.human_tokens >= 1 else None
