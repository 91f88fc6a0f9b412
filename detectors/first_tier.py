"""Stacks the detectors' scores into one logit per document, whichever members are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.detectors import registry
from auditor.detectors.interface import Description, Detector, Evidence, Explaining
from auditor.errors import DetectorError
from auditor.text.batch import TextBatch

MODELS = Path(__file__).parent / "models"
LOWEST, HIGHEST = -12.0, 12.0  # the grid that estimates count scores on


@dataclass(frozen=True, slots=True)
class Scores:
    """Of n documents: logit (n,) float32 (NaN without a stack), tier (n,) uint8, members name -> (n,) float32."""

    logit: np.ndarray
    tier: np.ndarray
    members: dict[str, np.ndarray]

    @property
    def probability(self) -> np.ndarray:
        """(n,) float32: of machine origin in a corpus that is half machine-written; not a prevalence."""
        return np.exp(-np.logaddexp(0, -self.logit))


@dataclass(frozen=True, slots=True)
class Stack:
    """One linear combination: logit = intercept + sum over members of weight * score."""

    members: tuple[str, ...]
    intercept: float
    weights: tuple[float, ...]

    def logit(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) float64 in [-12, 12], NaN where a member's score is."""
        terms = [weight * scores[name].astype(float) for name, weight in zip(self.members, self.weights, strict=True)]
        return np.clip(self.intercept + sum(terms), LOWEST, HIGHEST)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Members and the stacks that combine them; safe to share among threads."""

    detectors: tuple[Detector, ...]
    stacks: tuple[Stack, ...]
    stored: Mapping[str, Any]

    @classmethod
    def load(cls, names: Sequence[str] = (), *, folder: Path = MODELS) -> Ensemble:
        """The named detectors of the first tier, or all of it; `folder` holds first_tier.json and calibration.json.

        Deep detectors among the names are left to the deep sample (see second_tier).

        Raises: DetectorError where a detector cannot be loaded, or where nothing combines those named
        """
        deep = registry.deep_names(names)
        detectors = tuple(registry.usable([name for name in names if name not in deep], tier=0))
        stored = _read(folder / "first_tier.json")
        have = {detector.description.name for detector in detectors}
        stacks = [_stack(entry) for entry in stored["stacks"]]
        usable = tuple(stack for stack in stacks if have.issuperset(stack.members))
        if not usable:
            known = sorted({name for stack in stacks for name in stack.members})
            raise DetectorError(
                f"no calibration combines {', '.join(sorted(have))} alone: add one of {', '.join(known)}, "
                "or calibrate on known texts with --human-reference and --known-ai"
            )
        return cls(detectors, usable, stored)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which the combination was measured."""
        return tuple(self.stored["languages"])

    @property
    def revision(self) -> str:
        return self.stored["revision"]

    def score(self, batch: TextBatch) -> Scores:
        """Every member's score and their combination; the first stack whose members all scored a document is used."""
        members = {d.description.name: d.score(batch).astype(np.float32) for d in self.detectors}
        return self.combine(members, len(batch))

    def combine(self, members: dict[str, np.ndarray], n: int) -> Scores:
        """Members' scores (n,) to the logit; members without a score for a document are left out for it."""
        logit = np.full(n, np.nan)
        tier = np.zeros(n, np.uint8)
        tiers = {d.description.name: d.description.tier for d in self.detectors}
        for stack in self.stacks:
            if not members.keys() >= set(stack.members):
                continue
            found = stack.logit(members)
            fresh = np.isnan(logit) & np.isfinite(found)
            logit[fresh] = found[fresh]
            tier[fresh] = max(tiers.get(name, 1) for name in stack.members)
        return Scores(logit.astype(np.float32), tier, members)

    def cards(self) -> list[dict[str, Any]]:
        """The `detectors` section of report.json."""
        first = self.stacks[0]
        share = dict(zip(first.members, np.abs(first.weights), strict=True))
        return [
            {
                "name": d.description.name,
                "version": d.description.version,
                "revision": d.description.revision,
                "weight": float(share.get(d.description.name, 0.0)),
                "reach": reach(d.description),
            }
            for d in self.detectors
        ]

    def calibration(self) -> dict[str, Any]:
        """Out-of-family score counts of known documents (see models/calibration.json); empty where none are shipped."""
        return self.stored.get("calibration", {})

    def explain(self, text: str) -> list[Evidence]:
        """What moved the score, each member in units of the logit, strongest first."""
        batch = TextBatch.of(pl.Series([text], dtype=pl.String))
        scores = self.score(batch)
        stack = next((s for s in self.stacks if np.isfinite(s.logit(scores.members))[0]), None)
        weights = {} if stack is None else dict(zip(stack.members, stack.weights, strict=True))
        found = [Evidence(name, "score", weight * float(scores.members[name][0])) for name, weight in weights.items()]
        for detector in self.detectors:
            name = detector.description.name
            if isinstance(detector, Explaining) and name in weights:
                found += [
                    Evidence(name, e.what, weights[name] * e.weight, e.start, e.end) for e in detector.explain(text)
                ]
        return found


def reach(description: Description) -> str:
    """Where a detector applies, in words."""
    languages = "any language" if description.languages is None else ", ".join(sorted(description.languages))
    return f"{languages}; at least {description.minimum_words} words"


def _stack(entry: Mapping[str, Any]) -> Stack:
    return Stack(tuple(entry["members"]), entry["intercept"], tuple(entry["weights"]))


@cache
def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DetectorError(f"{path}: no calibration of the ensemble ({error}); run auditor detectors train") from None
