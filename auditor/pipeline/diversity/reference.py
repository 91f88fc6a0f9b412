"""The spectrum of human text that scopes are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from auditor.estimate.diversity.lost_general import Law
from auditor.estimate.diversity.spectrum import Body
from auditor.pipeline.diversity.language_frequencies import general_law, main_language
from auditor.pipeline.diversity.spectra import Spectra

GIVEN, DATED = "--human-reference", "the corpus' own documents dated before November 2022"
NONE = "none: give --human-reference"
LEAST_REFERENCE_TOKENS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The human text that diversity is compared with: its spectra, origin and size."""

    text: Body | None
    origin: str
    tokens: int
    documents: int = 0
    law: Law | None = None

    @property
    def said(self) -> str:
        """Its origin and its size, in words."""
        return f"{self.origin} ({self.tokens:,} words)" if self.text is not None else self.origin


def find_reference(spectra: Spectra) -> Reference:
    """The user's human reference, else the corpus' own documents from before November 2022, else none."""
    frame, given = spectra.reference()
    tokens = _tokens(frame)
    if given or tokens >= LEAST_REFERENCE_TOKENS:
        return Reference(Body(frame), GIVEN if given else DATED, tokens)
    return Reference(None, NONE, 0)


def of_general_language(reference: Reference, words: dict[str, float]) -> Reference:
    """The reference, or where there is none the frequencies of the language that nearly all words are in.

    Parameters: words, of a scope by language
    """
    if reference.text is not None:
        return reference
    language = main_language(words)
    law = general_law(language) if language else None
    why = f"{NONE} (several languages: see the strata)" if len(words) > 1 and not language else NONE
    return Reference(None, why, 0) if law is None else Reference(None, law.name, 0, law=law)


def human_spectrum(spectra: Spectra) -> pl.DataFrame:
    """The spectrum that sizes the reservoir: that of the human reference or, without one, of the corpus."""
    reference = find_reference(spectra)
    return spectra.corpus() if reference.text is None else reference.text.frame


def _tokens(frame: pl.DataFrame) -> int:
    whole = frame.filter((pl.col("level") == 1) & pl.col("type").is_null())
    return int(whole["count"].sum())
