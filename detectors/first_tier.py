"""The first tier: detectors that read every document, and the one score that they give, in units of human text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from auditor.detectors import registry
from auditor.detectors.calibration_file import Combination, FirstTierCalibration, read_first_tier
from auditor.detectors.first.kinds import Kinds
from auditor.detectors.first.two_heads import TwoHeaded, soft_maximum
from auditor.detectors.first.units import KindTable, standard_words
from auditor.detectors.interface import Card, Description, Detector, Evidence, Explaining
from auditor.errors import DetectorError
from auditor.run_columns import HIGHEST, LOWEST
from auditor.text.batch import TextBatch

MODELS = Path(__file__).parent / "models"
PHRASES = "phrases"  # the detector of left-over phrases: added to the score as it is
LEVELS = ("measured", "calibrated", "transferred", "none")
CLAIMED = ("measured", "calibrated")  # levels at which fractions are estimated


@dataclass(frozen=True, slots=True)
class Scores:
    """Of n documents: logit (n,) float32 (NaN without one), tier (n,) uint8, members name -> (n,) float32."""

    logit: np.ndarray
    tier: np.ndarray
    members: dict[str, np.ndarray]

    @property
    def probability(self) -> np.ndarray:
        """(n,) float32: of machine origin in a corpus that is half machine-written; not a prevalence."""
        return np.exp(-np.logaddexp(0, -self.logit))


@dataclass(frozen=True)
class Ensemble:
    """Members and what combines them; safe to share among threads."""

    detectors: tuple[Detector, ...]
    calibration: FirstTierCalibration
    kinds: Kinds

    @classmethod
    def load(cls, names: Sequence[str] = (), *, folder: Path = MODELS) -> Ensemble:
        """The named detectors of the first tier, or all of it; `folder` holds first_tier.json and the kinds of text.

        Deep detectors among the names are left to the deep sample (see second_tier).

        Raises: DetectorError where a detector cannot be loaded, or where nothing combines those named
        """
        deep = registry.deep_names(names)
        detectors = tuple(registry.usable([name for name in names if name not in deep], tier=0))
        ensemble = cls(detectors, read_first_tier(folder), Kinds.load(folder))
        if not ensemble.combinations:
            have = sorted(d.description.name for d in detectors)
            known = sorted({m for own in ensemble.calibration.combinations.values() for c in own for m in c.members})
            raise DetectorError(
                f"no calibration combines {', '.join(have)} alone: add one of {', '.join(known)}, "
                "or calibrate on known texts with --human-reference and --known-ai"
            )
        return ensemble

    @cached_property
    def combinations(self) -> dict[str, tuple[Combination, ...]]:
        """By language: the combinations whose members are all loaded, best first."""
        have = {detector.description.name for detector in self.detectors}
        found = {
            language: tuple(c for c in own if have.issuperset(c.members))
            for language, own in self.calibration.combinations.items()
        }
        return {language: own for language, own in found.items() if own}

    @cached_property
    def table(self) -> KindTable:
        """Location and log-scale of human scores by kind of text."""
        return self.calibration.table(self.kinds.names)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages in which fractions are estimated: those where human and machine text was held out and scored."""
        return tuple(language for language, level in self.reach.items() if level in CLAIMED)

    @property
    def reach(self) -> dict[str, str]:
        """Language -> how far the score was measured there, one of LEVELS; languages that are not named have `none`.

        measured: two families of each class held out; calibrated: one; transferred: by a model of other languages
        """
        return dict(self.calibration.reach)

    @property
    def revision(self) -> str:
        """A digest of the calibration, which a score depends on besides the members' weights."""
        return self.calibration.revision

    def score(self, batch: TextBatch) -> Scores:
        """Every member's score and the logit of their combination: the first one whose members all have a score."""
        heads: dict[str, np.ndarray] = {}
        members: dict[str, np.ndarray] = {}
        for detector in self.detectors:
            name = detector.description.name
            if isinstance(detector, TwoHeaded):
                heads[name] = detector.heads(batch)
                members[name] = soft_maximum(heads[name]).astype(np.float32)
            else:
                members[name] = detector.score(batch).astype(np.float32)
        score = self._combined(batch, heads)
        if PHRASES in members:
            score += self.calibration.phrases * np.nan_to_num(members[PHRASES].astype(float))
        logit = np.clip(self.calibration.intercept + self.calibration.slope * score, LOWEST, HIGHEST)
        return Scores(logit.astype(np.float32), np.zeros(len(batch), np.uint8), members)

    def _combined(self, batch: TextBatch, heads: Mapping[str, np.ndarray]) -> np.ndarray:
        """(n,) float64 in human units of the language; documents of unknown language are treated as English."""
        out = np.full(len(batch), np.nan)
        spoken = batch.languages.fill_null("en")
        for language in spoken.unique().to_list():
            rows = (spoken == language).arg_true().to_numpy()
            own = {name: values[rows] for name, values in heads.items()}
            for combination in self.combinations.get(language, ()):
                found = combination.score(own)
                out[rows] = np.where(np.isnan(out[rows]), found, out[rows])
        return out

    def in_human_units(self, batch: TextBatch, logit: np.ndarray) -> tuple[np.ndarray, pl.Series]:
        """(n,) float64 logits in human units of each document's kinds of text and length, and its kind (n,) String.

        0 is the median of human text of the kind over the sources that the calibration knows, 1 half the distance
        between its 16% and 84% quantiles. NaN and null without a logit.
        """
        score = (np.asarray(logit, float) - self.calibration.intercept) / self.calibration.slope
        kinds = self.kinds.soft(batch)
        units = self.table.soft_units(score, kinds)
        spoken = batch.languages.fill_null("en").to_numpy()
        words = standard_words(batch.tokens.words, spoken)
        for language, term in self.calibration.length.items():
            own = spoken == "en" if language == "en" else spoken != "en"
            location, log_scale = term.at(words)
            units = np.where(own, (units - location) / np.exp(log_scale), units)
        names = pl.select(pl.when(pl.Series(np.isfinite(score))).then(kinds.nearest())).to_series()
        return np.clip(units, LOWEST, HIGHEST), names.alias("kind")

    def cards(self) -> list[Card]:
        """The `detectors` section of report.json."""
        first = self.combinations.get("en", next(iter(self.combinations.values())))[0]
        share = dict(zip(first.members, first.shares, strict=True)) | {PHRASES: self.calibration.phrases}
        slope = self.calibration.slope
        known = (d.description for d in self.detectors)
        return [Card.of(own, float(share.get(own.name, 0.0)) * slope, reach(own)) for own in known]

    def explain(self, text: str, language: str = "en") -> list[Evidence]:
        """What moved the score, each member in units of the logit, strongest first within a member."""
        batch = TextBatch.of(pl.Series([text], dtype=pl.String), pl.Series([language]))
        heads = {d.description.name: d.heads(batch) for d in self.detectors if isinstance(d, TwoHeaded)}
        usable = (c for c in self.combinations.get(language, ()) if np.isfinite(c.score(heads))[0])
        combination = next(usable, None)
        if combination is None:
            return []
        slope, joint, found = self.calibration.slope, combination.heads(heads)[0], []
        for detector in self.detectors:
            name = detector.description.name
            if name in combination.members:
                weights = combination.head_weights(name, joint)
                moved = float(np.dot(weights, heads[name][0]))
                found.append(Evidence(name, "score", slope * moved))
                found += _scaled(detector.explain(text, weights=weights), slope)  # type: ignore[attr-defined]
            elif name == PHRASES and isinstance(detector, Explaining):
                share = slope * self.calibration.phrases
                found.append(Evidence(name, "score", share * float(detector.score(batch)[0])))
                found += _scaled(detector.explain(text), share)
        return found


def reach(description: Description) -> str:
    """Where a detector applies, in words."""
    languages = "any language" if description.languages is None else ", ".join(sorted(description.languages))
    return languages + (f"; at least {description.minimum_words} words" if description.minimum_words > 1 else "")


def _scaled(found: Sequence[Evidence], factor: float) -> list[Evidence]:
    return [Evidence(e.detector, e.what, factor * e.weight, e.start, e.end) for e in found]
