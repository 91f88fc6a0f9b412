"""All of diversity of one audit: words, topics and clusters of the corpus, of each shard and of each stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.estimate.diversity.lost import Loss
from auditor.estimate.diversity.measure import Measures, Orders, effective_documents, lost_documents
from auditor.estimate.diversity.shares import LostName
from auditor.estimate.diversity.spectrum import Body
from auditor.estimate.fraction.mixed.figures import at_least
from auditor.pipeline.diversity import scope
from auditor.pipeline.diversity.meaning import Say, measure_meanings
from auditor.pipeline.diversity.reference import Reference, find_reference, of_general_language
from auditor.pipeline.diversity.results import (
    CorpusResult,
    Figures,
    ScopeDiversity,
    ScopeLoss,
    ShardResult,
    StratumResult,
)
from auditor.pipeline.diversity.scope import MissingWord, ProfilePoint, Richness
from auditor.pipeline.diversity.shards import measure_shards
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.diversity.strata import MatchedReference, lost_most, main_languages, stratum_rows
from auditor.pipeline.diversity.topics import Topics, measure_topics
from auditor.pipeline.diversity.word_order import full_profile
from auditor.pipeline.diversity.word_sample import WordSample, read_word_sample
from auditor.pipeline.documents import duplicates
from auditor.pipeline.documents.duplicates import Duplication
from auditor.pipeline.documents.shard_counts import ShardCounts
from auditor.pipeline.fraction.measure import Synthetic, authorship_of, estimates_of, mixed_of
from auditor.pipeline.map.crew import ONE_PROCESS_BYTES, crew
from auditor.pipeline.run.markers import Counts
from auditor.pipeline.run.plan import CORPUS
from auditor.pipeline.run.run import Run
from auditor.records import Estimate, Json
from auditor.store.database import query

SHARD_DRAWS = 2
ClusterCounts = tuple[list[int], list[int]]  # sizes, and how many clusters have each


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """`profile` of report.json: the corpus beside its reference, the words missing, what lost most by name.

    full: {corpus, reference}: measures of word order and of documents, where they were asked for
    """

    reference: str
    points: list[ProfilePoint]
    missing: list[MissingWord]
    lost: Mapping[str, list[LostName]]
    full: Mapping[str, Mapping[str, Estimate]] | None = None

    def as_json(self) -> Json:
        """The section of report.json."""
        full = {} if self.full is None else {"full": self.full}
        compared = {"level": "word", "reference": self.reference, "points": self.points}
        return {**compared, "missing": self.missing, "lost": self.lost, **full}


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """The results of the corpus, its shards and strata, the spectrum that sizes the reservoir, and the profile.

    text, reference: the bodies that were compared; drawn: the documents drawn from both
    """

    text: Body
    reference: Body | None
    drawn: WordSample
    corpus: CorpusResult
    shards: list[ShardResult]
    strata: list[StratumResult]
    spectrum: pl.DataFrame
    profile: Profile


def measure(
    connection: Any,
    run: Run,
    spectra: Spectra,
    shards: Sequence[ShardCounts],
    synthetic: Synthetic,
    say: Say = lambda text: None,
) -> Results:
    """Measure the corpus, its shards and its strata.

    Parameters: spectra, of the run; shards, in the order of the estimates in synthetic
    """
    folder, plan, config = run.folder, run.plan, run.config
    copies, repeated = duplicates.duplicate_fractions(connection), duplicates.cluster_sizes(connection)
    drawn, words = read_word_sample(connection, folder, plan), _words(connection)
    reference = of_general_language(find_reference(spectra), _added(words))
    gold = MatchedReference.of(reference, drawn)
    names = scope.named_words(drawn.languages)
    topics = measure_topics(drawn, gold, config, names)
    prevalence = synthetic.prevalence

    def match(name: str) -> Reference:
        return _matching(gold, words.get(name, {}))

    workers = crew(config) if plan.text_bytes > ONE_PROCESS_BYTES else 1
    richness, spectrum = measure_shards(run, spectra, prevalence.shards, match, workers=workers)
    measured: list[ShardResult] = []
    for place, (name, found) in enumerate(zip(prevalence.shards.scopes, richness, strict=True)):
        posterior = scope.bin_probabilities(prevalence.shards, place, SHARD_DRAWS)
        clusters = _clusters(shards[place].counts.documents, repeated.get(name))
        figures = _figures(synthetic, place, copies.get(name), found, clusters, topics.of(name, posterior, config))
        measured.append(ShardResult(shards[place], figures))
    text, alone = Body(spectrum), richness[0] if len(shards) == 1 else None
    whole = scope.measure_corpus(
        text, spectra.duplicates(), config, prevalence.corpus, _matching(gold, _added(words)), alone=alone
    )
    sizes = sum((shard.counts for shard in shards), Counts())
    posterior = scope.bin_probabilities(prevalence.corpus, 0, SHARD_DRAWS)
    clusters = _clusters(sizes.documents, repeated.get(""))
    figures = _figures(synthetic, None, copies[""], whole, clusters, topics.of(None, posterior, config))
    meaning = measure_meanings(connection, run, reference.origin, say)
    corpus = CorpusResult(len(shards), sizes, figures, meaning.corpus)
    full = None
    if config.profile == "full":
        full = full_profile(folder, plan, drawn, gold, seed=config.seed, level=config.level)
    missing, lost = scope.missing_words(text, reference, names), _lost(connection, gold, topics, config)
    profile = Profile(*scope.profile(whole, text, reference, level=config.level), missing, lost, full)
    strata = [
        replace(row, meaning=meaning.kinds.get(row.name)) if row.kind == "kind" else row
        for row in stratum_rows(connection, gold, synthetic, corpus, config)
    ]
    spectrum = (reference.text or text).frame
    return Results(text, reference.text, drawn, corpus, measured, strata, spectrum, profile)


def _figures(
    synthetic: Synthetic,
    place: int | None,
    copies: Duplication | None,
    found: Richness,
    clusters: tuple[Orders, Orders],
    topics: tuple[Orders, Loss],
) -> Figures:
    """All estimates of the corpus (place None) or of the shard at a place.

    Parameters: clusters, topics: diversity and loss of the levels above words
    """
    scopes = synthetic.prevalence.corpus if place is None else synthetic.prevalence.shards
    kind, at = ("corpus", 0) if place is None else ("shard", place)
    fractions = estimates_of(scopes, at) | mixed_of(synthetic, kind, at)
    if place is None and "mixed_fraction" in synthetic.from_labels:
        told = fractions["mixed_fraction"] = synthetic.from_labels["mixed_fraction"]
        fractions["touched_fraction"] = at_least(fractions["touched_fraction"], told)
    levels: dict[str, Measures | Orders] = {**found.diversity.levels, "cluster": clusters[0], "topic": topics[0]}
    losses: dict[str, Loss | Orders] = {**found.loss.levels, "cluster": clusters[1], "topic": topics[1]}
    return Figures(
        fractions,
        authorship_of(synthetic, kind, at),
        synthetic.coverage.of("" if place is None else scopes.scopes[place]),
        copies or Duplication.of(0),
        ScopeDiversity(found.diversity.words, found.loss.tail_retention, levels),
        ScopeLoss(found.loss.words, losses, found.general),
        found.drift,
    )


def _clusters(documents: int, clusters: ClusterCounts | None) -> tuple[Orders, Orders]:
    """Diversity and loss of near-duplicate clusters, which are a full count."""
    effective = effective_documents(*(clusters or ([], [])), documents)
    return effective, lost_documents(effective, documents)


def _matching(gold: MatchedReference, words: Mapping[str, float]) -> Reference:
    """The reference of a scope with these words by language."""
    if gold.reference.text is None:
        return of_general_language(gold.reference, dict(words))
    table = pl.DataFrame(
        {"language": list(words), "words": list(words.values())}, schema_overrides={"words": pl.Float64}
    )
    return gold.matching("", "", main_languages(table))


def _lost(connection: Any, gold: MatchedReference, topics: Topics, config: Config) -> dict[str, list[LostName]]:
    """The names that lost most: topics found in the texts, and the corpus' own hosts, languages, topics and
    categories."""
    found = topics.lost(config.level)
    return ({"topic_found": found} if found else {}) | lost_most(connection, gold, config.level)


def _words(connection: Any) -> dict[str, dict[str, float]]:
    """Words of eligible documents by shard and language."""
    rows = query(
        connection,
        """SELECT shard, language, sum(words)::DOUBLE AS words FROM docs
           WHERE role = ? AND eligible AND language IS NOT NULL GROUP BY ALL ORDER BY ALL""",
        [CORPUS],
    )
    out: dict[str, dict[str, float]] = {}
    for shard, language, words in rows.iter_rows():
        out.setdefault(shard, {})[language] = words
    return out


def _added(words: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Words by language over all shards."""
    out: dict[str, float] = {}
    for each in words.values():
        for language, count in each.items():
            out[language] = out.get(language, 0.0) + count
    return out
