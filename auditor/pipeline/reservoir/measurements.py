"""The measurements of a run that the recommendation needs, from the results of an audit or from its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.collapse.stratum import Shard, Stratum
from auditor.pipeline.diversity.results import CorpusResult, ShardResult, StratumResult
from auditor.records import Estimate, Json

WHOLE = "corpus"
FRACTION = "synthetic_fraction_tokens"  # a reservoir is counted in tokens
ELSEWHERE = Estimate.not_measured("measured for shards and for the corpus")


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """The corpus, its shards and its strata, whose spectra are still to be filled in."""

    corpus: Stratum
    shards: tuple[Shard, ...]
    strata: tuple[Stratum, ...]

    @classmethod
    def of_results(
        cls, corpus: CorpusResult, shards: Sequence[ShardResult], strata: Sequence[StratumResult]
    ) -> Measurements:
        """From the results of an audit that is not written yet."""
        sizes = corpus.counts.tokens, corpus.counts.eligible_documents, corpus.counts.bytes
        whole = corpus.figures
        return cls(
            Stratum(WHOLE, *sizes, whole.fractions[FRACTION], None, whole.diversity.tail_retention),
            tuple(_shard_of_result(shard) for shard in shards),
            tuple(
                Stratum(
                    own.name, own.tokens, own.eligible_documents, 0, own.fractions[FRACTION], None, ELSEWHERE, own.kind
                )
                for own in strata
            ),
        )

    @classmethod
    def of_report(cls, report: Json) -> Measurements:
        """From report.json."""
        corpus = report["corpus"]
        fraction, tail = _estimate(corpus[FRACTION]), _estimate(corpus["diversity"]["tail_retention"])
        sizes = corpus["tokens"], corpus["eligible_documents"], corpus["bytes"]
        return cls(
            Stratum(WHOLE, *sizes, fraction, None, tail),
            tuple(_shard_of_report(row) for row in report["shards"]),
            tuple(_stratum_of_report(row) for row in report["strata"]),
        )


def _shard_of_result(shard: ShardResult) -> Shard:
    return Shard(
        shard.name,
        shard.counts.counts.tokens,
        shard.counts.counts.eligible_documents,
        shard.counts.counts.bytes,
        shard.figures.fractions[FRACTION],
        shard.figures.diversity.tail_retention,
        shard.figures.duplication.duplicate_fraction,
        shard.figures.anchor_coverage.share,
    )


def _shard_of_report(row: Json) -> Shard:
    return Shard(
        row["shard"],
        row["tokens"],
        row["eligible_documents"],
        row["bytes"],
        _estimate(row[FRACTION]),
        _estimate(row["diversity"]["tail_retention"]),
        _estimate(row["duplicate_fraction"]),
        (row.get("anchor_coverage") or {}).get("share"),
    )


def _stratum_of_report(row: Json) -> Stratum:
    fraction = _estimate(row[FRACTION])
    return Stratum(row["name"], row["tokens"], row["eligible_documents"], 0, fraction, None, ELSEWHERE, row["kind"])


_estimate = Estimate.from_dict
