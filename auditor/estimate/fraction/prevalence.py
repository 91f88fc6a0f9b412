"""The synthetic fraction: share of eligible documents wholly or mostly machine-written, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from auditor.estimate.fraction.anchors import Anchors, AnchorSet, AnchorUse, disagreement, matched, uses_of
from auditor.estimate.fraction.atoms import Atoms, Cut
from auditor.estimate.fraction.checks.crosschecks import (
    generator_free_bound,
    human_side_estimate,
    rogan_gladen_estimate,
)
from auditor.estimate.fraction.checks.goodness import own_distance
from auditor.estimate.fraction.counts import BINS
from auditor.estimate.fraction.scopes import PrevalenceOptions, ScopePrevalence, estimate_scopes, not_measured
from auditor.estimate.fraction.shifted_mixture import Posterior, fit_shifted
from auditor.records import Estimate, Finding, Severity, Status

CORPUS = "corpus"
ANCHORS = {
    "reference": "the human reference",
    "dated": "the documents dated before November 2022",
    "labels": "the documents that people labelled human",
    "bundled": "the human text of the detectors",
}
NO_SCORES = "no eligible document has a score"
NO_MIXED = "the score tells human from machine text only; partly machine-written text needs labelled rows of its own"
ABOVE_TIE = 0.02  # a check that lies this far outside of the interval contradicts it
PLACEBO_ERROR = 0.01  # of text that holds no machine text, found to be machine text, that says nothing yet


@dataclass(frozen=True, slots=True, eq=False)
class Prevalence:
    """The corpus, its shards, and what they rest on. posteriors is empty where nothing could be measured.

    posteriors: by language; checks: other estimators of the corpus' fraction; mixed: the AI-assisted share, a quantity
    of its own; strata, the other cuts of the corpus
    """

    corpus: ScopePrevalence
    shards: ScopePrevalence
    posteriors: Mapping[str, Posterior]
    anchors: tuple[AnchorUse, ...]
    checks: Mapping[str, Estimate] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    mixed: Estimate = field(default_factory=lambda: Estimate.not_measured(NO_MIXED))
    strata: Mapping[str, ScopePrevalence] = field(default_factory=dict)


def estimate_prevalence(
    atoms: Mapping[str, Atoms],
    shards: Sequence[str],
    anchors: Anchors,
    rng: np.random.Generator,
    *,
    strata: Mapping[str, Cut] = MappingProxyType({}),
    options: PrevalenceOptions = PrevalenceOptions(),
) -> Prevalence:
    """Estimate the synthetic fraction of every shard, of the corpus, and of the scopes of other cuts of it.

    Each language has a hierarchical mixture of its own (fit_shifted): scores come in human units of their kind of text;
    every atom (kind within shard) has a residual shift and a fraction; the machine density is learned from all atoms.

    Parameters: atoms, by language, their `scope` a position in `shards`; strata, the other cuts by name
    Returns: Prevalence; status "not_measured" without scores, "inconclusive" where the design is too weak
    References: docs/prevalence.md (measured); METHODS in docs/method.md
    """
    sizes = np.zeros(len(shards))
    for own in atoms.values():
        sizes += np.bincount(own.scope, own.counts.sizes, minlength=len(shards))
    uses = tuple(uses_of(anchors.human, anchors.machine, _kind_sizes(atoms)))
    if sizes.sum() == 0:
        return Prevalence(
            not_measured([CORPUS], sizes.sum(keepdims=True), NO_SCORES),
            not_measured(shards, sizes, NO_SCORES),
            {},
            uses,
            strata={
                name: not_measured(cut.scopes, np.zeros(len(cut.scopes)), NO_SCORES) for name, cut in strata.items()
            },
        )
    posteriors = {
        language: fit_shifted(
            own,
            human_anchors(anchors.human, language, own),
            anchors.calibration.prior(language),
            rng,
            draws=options.draws,
            warm_up=options.warm_up,
        )
        for language, own in atoms.items()
        if own.counts.sizes.sum()
    }
    tolerance = max((own_distance(a.counts, np.arange(BINS)) for a in anchors.human if a.size), default=0.02)
    cuts = [Cut(shards, atoms), *strata.values()]
    corpus, (by_shard, *others) = estimate_scopes(
        posteriors, cuts, rng, whole=CORPUS, options=options, tolerance=tolerance
    )
    checks = _checks(posteriors, corpus, anchors, options)
    corpus, contradictions = heeded(corpus, checks)
    findings = (*_findings(anchors, atoms), *contradictions)
    by_stratum = dict(zip(strata, others, strict=True))
    return Prevalence(corpus, by_shard, posteriors, uses, checks, findings, strata=by_stratum)


def human_anchors(human: Sequence[AnchorSet], language: str, atoms: Atoms) -> np.ndarray:
    """Scores (BINS,) of all human anchors of a language in human units, thinned to independent documents.

    Anchors are weighed to the corpus' mixture of kinds where they have the kinds; kinds are named LANGUAGE/WORDS.
    """
    wanted = _kind_sizes({language: atoms})
    out = np.zeros(BINS)
    for anchors in human:
        own = [i for i, kind in enumerate(anchors.counts.scopes) if kind.partition("/")[0] == language]
        if not own:
            continue
        counts, effective, _ = matched(anchors.counts.take(own), wanted)
        total = counts.sum()
        if total > 0:
            out += counts.sum(0) * min(effective, total) / total
    return out


def heeded(corpus: ScopePrevalence, checks: Mapping[str, Estimate]) -> tuple[ScopePrevalence, list[Finding]]:
    """The corpus' figure, inconclusive where another road to it leads elsewhere beyond both intervals.

    Parameters: checks, by the names of CHECK_NAMES; the placebo is the estimate of a slice of text without machine
        text: what it exceeds 0 by, the figure may be wrong by
    """
    main = corpus.documents[0]
    if not main.is_number or main.status != Status.MEASURED:
        return corpus, []
    findings = []
    for name in ("generator_free", "labels", "placebo"):
        check = checks.get(name)
        if check is None or not check.is_number:
            continue
        low, high = float(check.lower or 0.0), float(check.upper if check.upper is not None else 1.0)
        least, most = float(main.lower or 0.0), float(main.upper or 0.0)
        if name == "placebo":
            contradicts = low > max(PLACEBO_ERROR, (most - least) / 2)
        else:
            contradicts = low > most + ABOVE_TIE or high < least - ABOVE_TIE
        if contradicts:
            message = (
                f"the {CHECK_NAMES[name]} gives {100 * low:.1f} to {100 * high:.1f}%, the mixture of scores "
                f"{100 * least:.1f} to {100 * most:.1f}%"
            )
            advice = "label a sample (auditor export RUN --review 100), or give human text of the same kinds"
            findings.append(_finding("cross_check_contradicts", Severity.WARNING, message, advice))
    if findings:
        doubted = main.but(Status.INCONCLUSIVE, "another estimate contradicts it: " + findings[0].message)
        corpus = replace(corpus, documents=(doubted,))
    return corpus, findings


CHECK_NAMES = {
    "generator_free": "bound that needs no machine text",
    "labels": "estimate from people's labels",
    "placebo": "estimate of text from before November 2022, which must be 0,",
}


def _kind_sizes(atoms: Mapping[str, Atoms]) -> dict[str, float]:
    """Documents of the corpus by kind of text (the groups of the atoms)."""
    out: dict[str, float] = {}
    for own in atoms.values():
        for place, size in zip(own.group, own.counts.sizes, strict=True):
            name = own.groups[place]
            out[name] = out.get(name, 0.0) + float(size)
    return out


def _checks(
    posteriors: Mapping[str, Posterior], corpus: ScopePrevalence, anchors: Anchors, options: PrevalenceOptions
) -> dict[str, Estimate]:
    """The corpus' fraction by other roads, from the same scores."""
    human = sum((p.anchors for p in posteriors.values()), np.zeros(BINS))
    effect = float(np.mean([p.design_effect for p in posteriors.values()]))
    observed = corpus.histogram[0] / effect
    return {
        "rogan_gladen": rogan_gladen_estimate(observed, human, anchors.calibration.machine, level=options.level),
        "human_side": human_side_estimate(observed, human, level=options.level),
        "generator_free": generator_free_bound(observed, human, level=options.level),
    }


def _called(origin: str) -> str:
    """A set of human anchors in words."""
    return ANCHORS.get(origin, f"the human anchors {origin}")


def _findings(anchors: Anchors, atoms: Mapping[str, Atoms]) -> list[Finding]:
    """What the anchors themselves give reason to doubt."""
    out = []
    known = [a for a in anchors.human if a.size]
    if not known:
        message = "no human text of this corpus is known: the estimate rests on human text of other sources"
        out.append(_finding("anchors_unmatched", Severity.WARNING, message, "give --human-reference or a date column"))
    ordered = sorted(known, key=lambda a: a.trust)
    for clean, other in pairwise(ordered):
        for first, second in ((clean, other), (other, clean)):
            excess, noise = disagreement(first.counts, second.counts)
            if excess > noise:
                message = (
                    f"{excess:.1%} of {_called(second.origin)} score higher than {_called(first.origin)} would "
                    f"(up to {noise:.1%} may be chance)"
                )
                advice = "look at those that score highest: they hold machine text, or are of another kind"
                # a better trusted set is doubted on the word of a lesser one: that takes more than noise
                grave = second is other or excess > 2 * noise
                out.append(
                    _finding("anchors_contaminated", Severity.WARNING if grave else Severity.NOTE, message, advice)
                )
    if len({a.trust for a in known}) == 1:
        message = "one human anchor set only: the estimate is the excess over what machine text that set may hold"
        out.append(_finding("anchors_unverified", Severity.NOTE, message, "a second trusted set would tell"))
    if unscored := int(sum(own.counts.unscored.sum() for own in atoms.values())):
        message = f"{unscored} eligible documents have no finite score and are in no estimate"
        out.append(_finding("unscored", Severity.NOTE, message, "see the skips of each shard"))
    return out


def _finding(kind: str, severity: Severity, message: str, advice: str) -> Finding:
    return Finding(kind, severity, "corpus", CORPUS, message, advice)
