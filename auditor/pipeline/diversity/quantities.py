"""The measured quantities of a scope under their names in report.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.pipeline.diversity.scope import Richness
from auditor.pipeline.fraction.measure import Synthetic, authorship_of, estimates_of, mixed_of
from auditor.records import Estimate

NOT_LOST = Estimate.not_measured("tail retention needs a human reference with a held-out part")


def quantities(
    synthetic: Synthetic, duplicates: Mapping[str, Estimate], richness: Richness, *, place: int | None
) -> dict[str, Any]:
    """All estimates of the corpus (place None) or of the shard at a place, under their names in report.json."""
    scope = synthetic.prevalence.corpus if place is None else synthetic.prevalence.shards
    kind, at = ("corpus", 0) if place is None else ("shard", place)
    fractions = estimates_of(scope, at) | mixed_of(synthetic, kind, at)
    if place is None and "mixed_fraction" in synthetic.from_labels:
        fractions["mixed_fraction"] = synthetic.from_labels["mixed_fraction"]
    coverage = synthetic.coverage.of("" if place is None else scope.scopes[place])
    words = {key: value for key, value in richness.diversity.items() if key != "levels"}
    words.setdefault("tail_retention", richness.loss.get("tail_retention", NOT_LOST))
    levels = {
        name: {**measures, "tail_retention": measures.get("tail_retention", NOT_LOST)}
        for name, measures in richness.diversity.get("levels", {}).items()
    }
    loss = {key: richness.loss[key] for key in ("q0", "q1", "q2", "from_duplication", "from_synthetic", "rest")}
    loss |= {key: richness.loss[key] for key in ("general",) if key in richness.loss}
    loss["levels"] = richness.loss.get("levels", {})
    return {
        **fractions,
        "authorship": authorship_of(synthetic, kind, at),
        "anchor_coverage": coverage,
        **duplicates,
        "diversity": {**words, "levels": levels},
        "diversity_loss": loss,
    }
