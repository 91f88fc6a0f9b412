"""The measured quantities of a scope under their names in report.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.pipeline.diversity.scope import Richness
from auditor.pipeline.fraction.measure import Synthetic, estimates_of
from auditor.records import Estimate

NOT_LOST = Estimate.not_measured("tail retention needs a human reference with a held-out part")


def quantities(
    synthetic: Synthetic, duplicates: Mapping[str, Estimate], richness: Richness, *, place: int | None
) -> dict[str, Any]:
    """All estimates of the corpus (place None) or of the shard at a place, under their names in report.json."""
    scope = synthetic.prevalence.corpus if place is None else synthetic.prevalence.shards
    fractions = estimates_of(scope, place or 0)
    mixed = synthetic.prevalence.mixed
    fractions["mixed_fraction"] = mixed if place is not None else synthetic.from_labels.get("mixed_fraction", mixed)
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
        "anchor_coverage": coverage,
        **duplicates,
        "diversity": {**words, "levels": levels},
        "diversity_loss": loss,
    }
