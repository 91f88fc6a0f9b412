"""Human drafts that a model edited: how the extent of an edit classifies a text, and the scores of known edited text.

The extent of an edit is the share of a text's words that are not in the human draft in the same order (one minus the
longest common subsequence of word tokens over the text's words). It is 0 for the draft and for a draft with words left
out, and .73 to .88 for machine text on the draft's subject that hardly saw it, since common words recur anywhere.
"""

from __future__ import annotations

import json
from pathlib import Path

from auditor.errors import DetectorError
from auditor.known_scores import EditedCell

MODELS = Path(__file__).parent / "models"
FILE = "edited.json"
# Extents from which on a text is assisted, and from which on it counts as machine-written: most of its words are.
ASSISTED, MACHINE = 0.15, 0.5
CLASSES = ("light", "assisted", "machine")


def class_of(extent: float) -> str:
    """The class of an edited text: light (it counts as human), assisted or machine."""
    return CLASSES[(extent >= ASSISTED) + (extent >= MACHINE)]


def edited_cells(folder: Path = MODELS) -> list[EditedCell]:
    """Counts of the out-of-family scores of edited text, on the grid of first_tier.json.

    Raises: DetectorError where the file cannot be read
    """
    try:
        return list(map(EditedCell.from_dict, json.loads((folder / FILE).read_text("utf-8"))["cells"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DetectorError(f"{folder / FILE}: no scores of edited text there ({error})") from None
