"""Words that are rare in human text: which drawn documents carry them, and how many a choice of documents loses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from auditor.estimate.diversity.spectrum import Body, Counted
from auditor.gate.selection import COPY, DROPPED, Choice, decisions
from auditor.gate.weights import CARRIERS, RARE, tail_shares
from auditor.pipeline.diversity.reference import find_reference
from auditor.pipeline.diversity.spectra import Spectra
from auditor.pipeline.map.word_sample import PART
from auditor.pipeline.run.parts import scan
from auditor.pipeline.run.plan import CORPUS, Plan
from auditor.run_columns import WORD
from auditor.sketch.types_kernel import key_of
from auditor.store.database import query

MOST = 8192  # documents of lowest hash whose words are examined
WORDS: dict[str, pl.DataType] = {"stable_id": pl.UInt64(), "words": pl.List(pl.UInt64)}
NO_REFERENCE = "there is no human reference"
FORGOTTEN = "no document's words were kept"


@dataclass(frozen=True, slots=True)
class TailLoss:
    """Rare types that the drawn documents carry, and how many of them no document carries after a choice.

    by_kind: the lost ones among those that documents of a kind carry; a type may occur in several kinds
    """

    types: int
    lost: float
    by_kind: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class TailSample:
    """The rare types of the drawn documents.

    keys (k,) uint64 ascending: types that occur at most RARE times in the human reference and in some drawn document;
    total (k,): their occurrences in the corpus; type, document, count (m,): each document's occurrences of each;
    documents: stable_id, shard, kind, words, probability of the drawn ones, in the order of `document`
    """

    keys: np.ndarray
    total: np.ndarray
    type: np.ndarray
    document: np.ndarray
    count: np.ndarray
    documents: pl.DataFrame

    def loss(
        self, chance: np.ndarray, others: float, dropped: Sequence[str] = (), gone: float | np.ndarray = 0.0
    ) -> TailLoss:
        """What is lost if each document is kept with some probability: a type is lost if all its carriers are.

        Carriers that were not drawn are taken to be as many as the occurrences not seen in drawn documents, each kept
        with probability `others`. If all documents are drawn this is a count, otherwise an expectation.

        Parameters: chance (n,) of the drawn documents; others, mean chance of a word outside the dropped shards;
            gone (k,) occurrences in the dropped shards
        """
        with np.errstate(divide="ignore"):
            missed = np.bincount(self.type, np.log1p(-np.clip(chance, 0.0, 1.0))[self.document], self.keys.size)
        stays = ~self.documents["shard"].is_in(list(dropped)).to_numpy()
        seen = np.bincount(self.type, self.count * stays[self.document], self.keys.size)
        rest = np.maximum(self.total - gone - seen, 0.0)
        lost = np.exp(missed) * np.where(rest > 0, (1 - min(max(others, 0.0), 1.0)) ** rest, 1.0)
        kinds, by_kind = self.documents["kind"], {}
        for kind in sorted(kinds.drop_nulls().unique()):
            own = np.unique(self.type[(kinds == kind).fill_null(False).to_numpy()[self.document]])
            by_kind[kind] = float(lost[own].sum())
        return TailLoss(self.keys.size, float(lost.sum()), by_kind)

    def protected(self, plain: np.ndarray) -> np.ndarray:
        """Weights (n,) that never fall below a document's share of the scarce rare types: the rule of gate.weights."""
        scarce = self.total[self.type] <= CARRIERS
        held = np.bincount(
            self.document[scarce], 1 / np.maximum(self.total[self.type[scarce]], 1.0), self.documents.height
        )
        words = self.documents["words"].to_numpy().astype(float)
        return np.maximum(plain, tail_shares(held, words, plain, float(plain @ words)))

    def occurrences(self, frames: Iterable[pl.DataFrame]) -> np.ndarray:
        """Occurrences (k,) of the rare types in these spectra, added up."""
        out = np.zeros(self.keys.size)
        for frame in frames:
            keys, counts = _counts(Body(frame))
            at = np.minimum(np.searchsorted(keys, self.keys), max(keys.size - 1, 0))
            if keys.size:
                out += np.where(keys[at] == self.keys, counts[at], 0.0)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The rare types of a run, and the spectra of the shards that a choice may drop; without a sample, why."""

    sample: TailSample | None
    reason: str | None
    spectra: Spectra

    @classmethod
    def of(cls, connection: Any, run: Path, plan: Plan, spectra: Spectra, bodies: tuple[Body, Body | None]) -> Tail:
        """Of a run with its table `documents`; bodies: the spectra of the corpus and of the human reference."""
        found = read_tail(connection, run, plan, *bodies)
        return cls(None, found, spectra) if isinstance(found, str) else cls(found, None, spectra)

    @classmethod
    def of_run(cls, connection: Any, run: Path, plan: Plan) -> Tail:
        """The same of a finished run, whose spectra are read again."""
        spectra = Spectra(run, plan)
        reference = find_reference(spectra).text
        if reference is None:
            return cls(None, NO_REFERENCE, spectra)
        return cls.of(connection, run, plan, spectra, (Body(spectra.corpus()), reference))

    def loss(self, connection: Any, choice: Choice) -> TailLoss | None:
        """What a choice of documents loses; near-duplicates of what stays are no loss."""
        if self.sample is None:
            return None
        chosen, stays = decisions(choice), f"(c.keep OR {COPY})"
        listed = self.sample.documents.select("stable_id")
        if not listed.height:
            return None
        kept = query(
            connection,
            f"SELECT d.stable_id, {stays} AS stays FROM ({chosen}) c JOIN documents d USING (shard, row) "
            f"WHERE d.stable_id <= {int(listed['stable_id'].to_numpy()[-1])}",
        )
        others = query(
            connection,
            f"SELECT sum(c.words) FILTER ({stays}) AS kept, sum(c.words) FILTER (NOT {DROPPED}) AS every "
            f"FROM ({chosen}) c",
        ).row(0)
        chance = listed.join(kept, on="stable_id", how="left", maintain_order="left")["stays"].cast(pl.Float64)
        gone = self.sample.occurrences(self.spectra.shards(list(choice.shards))) if choice.shards else 0.0
        return self.sample.loss(chance.to_numpy(), float(others[0] or 0) / float(others[1] or 1), choice.shards, gone)


def read_tail(connection: Any, run: Path, plan: Plan, text: Body, reference: Body | None) -> TailSample | str:
    """The rare types of up to MOST drawn documents of a run with its table `documents`; or why there are none.

    Parameters: text, reference: the spectra of the corpus and of the human reference
    """
    if reference is None:
        return NO_REFERENCE
    rare, total = _rare(text, reference)
    words = scan(run, plan.of_role(CORPUS), PART, WORDS).select(*WORDS)
    lowest = words.select(pl.col("stable_id").bottom_k(MOST)).collect()
    if not lowest.height:
        return FORGOTTEN
    last = int(lowest["stable_id"].max())  # type: ignore[arg-type]
    drawn = words.filter(pl.col("stable_id") <= last).unique("stable_id").sort("stable_id").collect()
    columns = query(connection, "SELECT column_name FROM information_schema.columns WHERE table_name = 'documents'")
    kind = "kind" if "kind" in columns["column_name"].to_list() else "NULL::VARCHAR AS kind"
    known = query(
        connection, f"SELECT stable_id, shard, {kind}, words, probability FROM documents WHERE stable_id <= {last}"
    )
    listed = drawn.rename({"words": "hashes"}).join(known, on="stable_id", how="inner", maintain_order="left")
    types, document, count = _pairs(listed["hashes"], rare)
    kept, place = np.unique(types, return_inverse=True)
    return TailSample(rare[kept], total[kept], place, document, count, listed.drop("hashes"))


def _rare(text: Body, reference: Body) -> tuple[np.ndarray, np.ndarray]:
    """Keys of the types that are rare in the reference, as far as the corpus' sample would hold them, and their
    occurrences in the corpus."""
    theirs, ours = reference.whole(WORD), text.whole(WORD)
    rate = min(theirs.rate, ours.rate)
    theirs, ours = theirs.thinned(rate), ours.thinned(rate)
    held = Counted.tokens(theirs).totals()
    rare = theirs.types[(held > 0) & (held <= RARE)]
    known = np.isin(ours.types, rare)
    return ours.types[known], Counted.tokens(ours).totals()[known]


def _counts(body: Body) -> tuple[np.ndarray, np.ndarray]:
    spectrum = body.whole(WORD)
    return spectrum.types, Counted.tokens(spectrum).totals()


def _pairs(words: pl.Series, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which keys (ascending) occur in which document, and how often."""
    if not keys.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    lengths = words.list.len().fill_null(0).to_numpy().astype(np.int64)
    found = key_of(words.explode(empty_as_null=False).to_numpy()) if lengths.sum() else np.zeros(0, np.uint64)
    place = np.minimum(np.searchsorted(keys, found), keys.size - 1)
    hit = keys[place] == found
    document = np.repeat(np.arange(len(lengths)), lengths)[hit]
    pairs, count = np.unique(place[hit] * len(lengths) + document, return_counts=True)
    return pairs // max(len(lengths), 1), pairs % max(len(lengths), 1), count.astype(float)
