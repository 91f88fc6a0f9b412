"""All of diversity of one audit: words, topics and clusters of the corpus, of each shard and of each stratum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from auditor.config import Config
from auditor.estimate.diversity.measure import effective_documents, lost_documents
from auditor.estimate.diversity.spectrum import Body
from auditor.pipeline.diversity import quantities, scope
from auditor.pipeline.diversity.reference import Reference, find_reference, of_general_language
from auditor.pipeline.diversity.scope import Richness
from auditor.pipeline.diversity.spectra import Spectra, add_spectra, added
from auditor.pipeline.diversity.strata import Gold, lost_most, main_languages, stratum_rows
from auditor.pipeline.diversity.topics import Topics, measure_topics
from auditor.pipeline.diversity.word_order import full_profile
from auditor.pipeline.diversity.word_sample import WordSample, read_word_sample
from auditor.pipeline.documents import duplicates
from auditor.pipeline.fraction.measure import Synthetic
from auditor.pipeline.run.plan import CORPUS, Plan
from auditor.store.database import query

COUNTS = ("records", "documents", "eligible_documents", "tokens", "bytes", "skipped")
SHARD_DRAWS = 2
Clusters = tuple[list[int], list[int]]  # sizes, and how many clusters have each


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The quantities of the corpus, the strata, the spectrum to size by, and the profile. Shards' are in their rows.

    text, reference: the bodies that were compared; drawn: the documents drawn from both
    """

    text: Body
    reference: Body | None
    drawn: WordSample
    corpus: dict[str, Any]
    strata: list[dict[str, Any]]
    spectrum: pl.DataFrame
    profile: dict[str, Any]


def measure(
    connection: Any, run: tuple[Path, Plan, Spectra], config: Config, shards: list[dict[str, Any]], synthetic: Synthetic
) -> Measured:
    """Put the quantities into the shards' rows; those of everything else are returned.

    Parameters: run, its folder, plan and spectra
    """
    folder, plan, spectra = run
    copies, repeated = duplicates.duplicate_fractions(connection), duplicates.cluster_sizes(connection)
    none = duplicates.fractions({"documents": 0})
    drawn, words = read_word_sample(connection, folder, plan), _words(connection)
    reference = of_general_language(find_reference(spectra), _added(words))
    gold = Gold.of(reference, drawn)
    names = scope.named_words(drawn.languages)
    topics = measure_topics(drawn, gold, config, names)
    prevalence = synthetic.prevalence

    def match(name: str) -> Reference:
        return _matching(gold, words.get(name, {}))

    waiting: list[pl.DataFrame] = []
    for place, (name, found) in enumerate(scope.measure_shards(spectra, config, prevalence.shards, match)):
        waiting = add_spectra(waiting, found.text.frame)
        posterior = scope.bin_probabilities(prevalence.shards, place, SHARD_DRAWS)
        _add_levels(found, topics.of(name, posterior, config), shards[place]["documents"], repeated.get(name))
        shards[place] |= quantities.quantities(synthetic, copies.get(name, none), found, place=place)
        shards[place] |= {"drift": found.drift}
    alone = found if len(shards) == 1 else None
    whole = scope.measure_corpus(
        spectra, config, prevalence.corpus, _matching(gold, _added(words)), added(waiting), alone=alone
    )
    sizes = {name: sum(shard[name] for shard in shards) for name in COUNTS}
    posterior = scope.bin_probabilities(prevalence.corpus, 0, SHARD_DRAWS)
    _add_levels(whole, topics.of(None, posterior, config), sizes["documents"], repeated.get(""))
    corpus = {"shards": len(shards), **sizes, **quantities.quantities(synthetic, copies[""], whole, place=None)}
    corpus["drift"] = whole.drift
    profile = scope.profile(whole, reference, level=config.level)
    profile |= {"missing": scope.missing_words(whole, reference, names)}
    profile |= {"lost": _lost(connection, gold, topics, config)}
    if config.profile == "full":
        profile["full"] = full_profile(folder, plan, drawn, gold, seed=config.seed, level=config.level)
    strata = stratum_rows(connection, gold, synthetic, corpus, config)
    return Measured(whole.text, reference.text, drawn, corpus, strata, (reference.text or whole.text).frame, profile)


def _add_levels(found: Richness, topics: tuple[dict, dict], documents: int, clusters: Clusters | None) -> None:
    """The levels above words: near-duplicate clusters, which are a full count, and topics."""
    sizes, numbers = clusters or ([], [])
    effective = effective_documents(sizes, numbers, documents)
    found.diversity["levels"] |= {"cluster": effective, "topic": topics[0]}
    found.loss["levels"] |= {"cluster": lost_documents(effective, documents), "topic": topics[1]}


def _matching(gold: Gold, words: Mapping[str, float]) -> Reference:
    """The reference of a scope with these words by language."""
    if gold.reference.text is None:
        return of_general_language(gold.reference, dict(words))
    table = pl.DataFrame(
        {"language": list(words), "words": list(words.values())}, schema_overrides={"words": pl.Float64}
    )
    return gold.matching("", "", main_languages(table))


def _lost(connection: Any, gold: Gold, topics: Topics, config: Config) -> dict[str, list[dict[str, Any]]]:
    """What lost most, by name: topics found in the texts, and the corpus' own hosts, languages, topics, categories."""
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
