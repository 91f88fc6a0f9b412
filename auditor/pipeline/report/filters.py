"""What a filter would do to the corpus: machine-written share and tail before and after, before anyone runs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from auditor.estimate.diversity.lost_tail import tail_retention
from auditor.estimate.diversity.spectrum import Body, Counted
from auditor.estimate.fraction.counts import BINS
from auditor.gate.weights import CARRIERS, RARE, human_weights
from auditor.pipeline.diversity.results import CorpusResult
from auditor.pipeline.diversity.scope import COARSE
from auditor.pipeline.diversity.word_sample import WordSample
from auditor.pipeline.fraction.measure import Synthetic
from auditor.records import Estimate, Status
from auditor.run_columns import NO_SCORE, SCORE_BINS, WORD
from auditor.sketch.types_kernel import key_of

THRESHOLD = 0.5
BINS_HELD = len(SCORE_BINS) + 1
FRACTION, TAIL = "synthetic_fraction", "diversity.tail_retention"
WEIGHTS, PROTECTED = "weights", "weights that keep the tail"
CHOICES = {
    "threshold": "Documents that are more likely machine-written than not are left out.",
    WEIGHTS: "Documents are drawn with their probability of being human.",
    PROTECTED: "The same, but no document is drawn less often than its share of the words that are "
    "rare in human text and that hardly any other document carries.",
}


@dataclass(frozen=True, slots=True, eq=False)
class Lift:
    """What protecting the tail adds to the weights, by coarse score bin: of all words, and of rare ones.

    rare: keys of the types that are rare in the reference
    """

    words: np.ndarray
    rare_words: np.ndarray
    rare: np.ndarray


@dataclass(frozen=True, slots=True)
class Filter:
    """What one way of filtering leaves; a row of `filtering` in report.json, which report.forecast adds counts to.

    before, after: the machine-written share and the tail, by name
    """

    name: str
    words: str
    documents_kept: int
    documents_dropped: int
    tokens_kept: int
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]


def filtering(
    synthetic: Synthetic, corpus: CorpusResult, text: Body, reference: Body | None, drawn: WordSample
) -> list[Filter]:
    """The section `filtering` of report.json: a naive threshold, weights, and weights that protect rare words.

    Documents that were not judged stay, and so do duplicates, so that only the filter itself shows. Nothing is read
    again: scores come from their histograms, rare words from the types by score bin, their carriers from the drawn
    documents.
    """
    prevalence, shards = synthetic.prevalence, synthetic.prevalence.shards
    if not len(shards.replicates) or not shards.histogram.sum():
        return []
    documents, tokens = shards.histogram, shards.token_histogram
    chance = human_weights(np.where(documents > 0, prevalence.shards.posterior, np.nan))
    lift = _lift(text, reference, drawn, _by_bin(chance, tokens))
    none = Lift(np.zeros(BINS_HELD), np.zeros(BINS_HELD), np.zeros(0, np.uint64))
    total, fraction = corpus.counts.documents, corpus.figures.synthetic_fraction
    unjudged, before = total - int(documents.sum()), {FRACTION: fraction, TAIL: corpus.figures.diversity.tail_retention}
    rows = []
    for name, plain in zip(CHOICES, ((chance > THRESHOLD).astype(float), chance, chance), strict=True):
        more = lift if name == PROTECTED else none
        if more is None:
            continue
        weights = np.minimum(plain + more.words[COARSE], 1.0)
        kept = round(float((documents * weights).sum())) + unjudged
        left = _weighted(text, _by_bin(plain, tokens), more)
        after = {
            FRACTION: _fraction_left(synthetic, weights, fraction),
            TAIL: tail_retention(left, reference, level=fraction.level),
        }
        words = round(float((tokens * weights).sum()))
        rows.append(Filter(name, CHOICES[name], kept, total - kept, words, before, after))
    return rows


def _fraction_left(synthetic: Synthetic, weights: np.ndarray, before: Estimate) -> Estimate:
    """Machine-written share of what is drawn with weights (shards, BINS), a draw for each of the replicates."""
    shards = synthetic.prevalence.shards
    kept = shards.histogram * weights
    if not kept.sum():
        return Estimate.not_measured("nothing that was judged is left", level=before.level)
    draws = np.array([(shards.at_replicate(d) * kept).sum() / kept.sum() for d in range(len(shards.replicates))])
    lower, upper = np.quantile(draws, [(1 - before.level) / 2, (1 + before.level) / 2])
    low, high = max(0.0, float(lower)), min(1.0, float(upper))
    found = Estimate(float(np.median(draws)), low, high, before.level, "joint_mixture", round(float(kept.sum())))
    return found if before.status == Status.MEASURED else found.but(Status.INCONCLUSIVE, before.reason or "")


def _by_bin(weights: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Mean weight of a word by coarse score bin (NO_SCORE + 1,), from weights and tokens (shards, BINS)."""
    assert weights.shape[1] == BINS
    size, kept = (np.bincount(COARSE, each.sum(0), BINS_HELD) for each in (tokens, tokens * weights))
    out = np.ones(NO_SCORE + 1)
    out[: len(size)] = np.where(size > 0, kept / np.maximum(size, 1), 1.0)
    return out


def _weighted(text: Body, weights: np.ndarray, more: Lift) -> Body:
    """A text whose words count with the weight of their score bin, rare ones with what protects them."""
    cells = text.cells(WORD)
    of_words, of_rare = weights.copy(), weights.copy()
    of_words[:BINS_HELD] = np.minimum(weights[:BINS_HELD] + more.words, 1.0)
    of_rare[:BINS_HELD] = np.minimum(weights[:BINS_HELD] + more.rare_words, 1.0)
    rare = np.isin(cells.types, more.rare)[cells.index]
    by_cell = np.where(rare, of_rare[cells.bin], of_words[cells.bin])
    scaled = replace(
        cells,
        count=cells.count * by_cell,
        blocks=cells.blocks * by_cell,
        tokens=cells.tokens * of_words[:, None],
        block_totals=cells.block_totals * of_words[:, None],
    )
    return Body.of_cells({WORD: scaled})


def _lift(text: Body, reference: Body | None, drawn: WordSample, weights: np.ndarray) -> Lift | None:
    """The rule of gate.weights, applied to the drawn documents; None without a reference or drawn documents."""
    rows = drawn.of("all", None)
    if reference is None or not rows.height:
        return None
    theirs, ours = reference.whole(WORD), text.whole(WORD)
    rate = min(theirs.rate, ours.rate)
    theirs, ours = theirs.thinned(rate), ours.thinned(rate)
    totals = Counted.tokens(theirs).totals()
    rare = theirs.types[(totals > 0) & (totals <= RARE)]
    known = np.isin(ours.types, rare)
    types, found = ours.types[known], Counted.tokens(ours).totals()[known]
    if not types.size:
        return None
    tokens, plain = drawn.tokens(rows), weights[rows["score_bin"].to_numpy()]
    document = np.repeat(np.arange(rows.height), np.diff(tokens.offsets))
    keys = key_of(tokens.hashes)
    place = np.minimum(np.searchsorted(types, keys), types.size - 1)
    hit = types[place] == keys
    document, place = document[hit], place[hit]
    rare_words = np.bincount(document, minlength=rows.height).astype(float)
    # Few occurrences mean few carriers: a type in more than CARRIERS documents survives without protection.
    scarce = np.where(found[place] <= CARRIERS, 1 / np.maximum(found[place], 1), 0.0)
    held = np.bincount(document, scarce, rows.height)
    words = np.maximum(rows["size"].to_numpy(), 1)
    mean = float(plain @ held) / max(float(plain @ words), 1e-300)  # every document may have weight 0
    share = np.minimum(held / words / mean, 1.0) if mean > 0 else np.zeros(rows.height)
    gain = np.maximum(share - plain, 0.0)
    bin = np.minimum(rows["score_bin"].to_numpy(), BINS_HELD)
    of_words, of_rare = (
        np.bincount(bin, gain * size, BINS_HELD + 1) / np.maximum(np.bincount(bin, size, BINS_HELD + 1), 1)
        for size in (words, rare_words)
    )
    return Lift(of_words[:BINS_HELD], of_rare[:BINS_HELD], types)
