"""Meaning: retained documents of lowest hash are embedded and compared, in the corpus, in each kind and in the
reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from auditor.config import Config
from auditor.errors import DetectorError
from auditor.estimate.diversity.meaning.figures import LEAST, Embedded, Meaning, measure_meaning
from auditor.pipeline.diversity.reference import DATED, GIVEN
from auditor.pipeline.documents.view import register
from auditor.pipeline.fraction.deep_sample import retained_documents
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS, HUMAN, Plan, Task
from auditor.pipeline.run.run import Run
from auditor.run_columns import HUMAN_BEFORE, SAMPLE, SAMPLE_PER_CELL
from auditor.store.database import query
from auditor.text.batch import TextBatch

NOT_ASKED = "not asked for: give --meaning N, the number of documents to embed"
NO_TEXT = "no texts were kept to embed (--retain none, or forgotten)"
MOST_READ = 0.9  # share of the documents drawn that the encoder must read for the corpus to be measured
CHUNK = 64  # documents between notes of progress
Say = Callable[[str], None]


class Encoder(Protocol):
    """What embeds texts; see detectors.deep.encoder.Encoder."""

    def figures(self, batch: TextBatch) -> np.ndarray:
        """(n, d) embeddings, NaN for a text that the encoder does not apply to."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """The corpus' figures, and those of each kind of text with enough documents."""

    corpus: Meaning
    kinds: Mapping[str, Meaning] = field(default_factory=dict)


def measure_meanings(connection: Any, run: Run, reference: str, say: Say) -> Meanings:
    """Embed as many documents as were asked for, half of them with a reference from it, and compare them.

    Parameters: connection, with the view `docs`; reference, the origin of the human text (diversity.reference)
    """
    config = run.config
    if not config.meaning:
        return Meanings(Meaning.nothing(NOT_ASKED, level=config.level))
    try:
        encoder = sentence_encoder()
    except DetectorError as missing:
        return Meanings(Meaning.nothing(str(missing), level=config.level))
    role = {GIVEN: HUMAN, DATED: CORPUS}.get(reference)
    ours = _chosen(connection, run.folder, run.plan, CORPUS, config.meaning)
    theirs = None
    if role == HUMAN:
        theirs = _chosen(connection, run.folder, run.plan, HUMAN, config.meaning)
    elif role == CORPUS:
        theirs = ours.filter("dated")
    if not ours.height:
        return Meanings(Meaning.nothing(NO_TEXT, level=config.level))
    read = ours if theirs is None else pl.concat([ours, theirs]).unique("stable_id").sort("stable_id")
    embedded = _embedded(read, encoder, say)
    return compared(ours, theirs, embedded, config)


def sentence_encoder() -> Encoder:
    """MiniLM, read for meaning.

    Raises: DetectorError where it is not installed, with the command that installs it
    """
    from auditor.detectors.deep import encoder  # late: few audits embed anything

    return encoder.of_meaning()


def compared(ours: pl.DataFrame, theirs: pl.DataFrame | None, embedded: pl.DataFrame, config: Config) -> Meanings:
    """The figures of the corpus and of its kinds.

    Parameters: ours, theirs: stable_id, kind, unit of the documents chosen; embedded: stable_id and vector of those
        that could be
    """
    order = ["stable_id"]
    own = ours.join(embedded, on="stable_id").sort(order)
    human = None if theirs is None else theirs.join(embedded, on="stable_id").sort(order)
    sizes = own.drop_nulls("kind").group_by("kind").len().filter(pl.col("len") >= LEAST)
    found = {}
    for kind in sorted(sizes["kind"]):
        beside = None if human is None else _body(human.filter(kind=kind))
        found[kind] = measure_meaning(_body(own.filter(kind=kind)), beside, level=config.level)
    whole = measure_meaning(_body(own), None if human is None else _body(human), level=config.level)
    if own.height < MOST_READ * ours.height:
        whole = whole.doubted(
            f"the encoder reads {own.height:,} of the {ours.height:,} documents drawn: English of at least 50 words"
        )
    return Meanings(whole, found)


def _chosen(connection: Any, run: Path, plan: Plan, role: str, wanted: int) -> pl.DataFrame:
    """The eligible documents of lowest hash of one role, at most `wanted`: stable_id, kind, unit, dated, text.

    A split keeps its documents of lowest hash in each language and stratum. Every document was kept up to the lowest
    hash at which any stratum was full, whatever its language and score: those are a random sample of all.
    """
    tasks: dict[str, Sequence[Task]] = {role: plan.of_role(role)}
    kept = retained_documents(run, tasks)
    cells = kept.group_by("part", "language", "stratum").agg(pl.len(), last=pl.col("stable_id").max())
    bound = cells.filter(pl.col("len") >= SAMPLE_PER_CELL)["last"].min()
    if bound is not None:
        kept = kept.filter(pl.col("stable_id") <= bound)
    register(connection, f"meaning_{role}", kept.select("stable_id"))
    known = query(
        connection,
        f"""SELECT stable_id, kind, unit, coalesce(date < DATE '{HUMAN_BEFORE}', false) AS dated
            FROM docs JOIN meaning_{role} USING (stable_id)
            WHERE role = '{role}' AND eligible AND NOT in_corpus ORDER BY stable_id LIMIT {wanted}""",
    )
    texts = scan(run, tasks[role], "sample", SAMPLE).select("stable_id", "language", "text")
    return texts.join(known.lazy(), on="stable_id").collect().sort("stable_id")


def _embedded(read: pl.DataFrame, encoder: Encoder, say: Say) -> pl.DataFrame:
    """stable_id and vector of the documents that the encoder applies to."""
    found = []
    for start in range(0, read.height, CHUNK):
        part = read.slice(start, CHUNK)
        found.append(encoder.figures(TextBatch.of(part["text"], part["language"])))
        say(f"meaning: {start + part.height:,} of {read.height:,} documents embedded")
    vectors = np.concatenate(found).astype(np.float64)
    there = np.isfinite(vectors).all(1) & vectors.any(1)
    frame = read.select("stable_id").with_columns(vector=pl.Series(vectors))
    return frame.filter(pl.Series(there))


def _body(rows: pl.DataFrame) -> Embedded:
    return Embedded(rows["vector"].to_numpy(), rows["unit"].to_numpy())
