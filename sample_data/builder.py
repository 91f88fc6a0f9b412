"""The sample corpus: six shards whose synthetic fraction is known, and a disjoint human reference beside them."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from auditor.errors import ConfigError
from auditor.sample_data.duplicates import Planted, near_copy, plant
from auditor.sample_data.human import human_writings
from auditor.sample_data.machine import SMALL, machine_texts
from auditor.sample_data.passages import MINIMUM_WORDS, Overlap, Passage, human_passages, jaccard, machine_passages
from auditor.sample_data.setting import Dating, draw_date, draw_host
from auditor.sample_data.slots import Slot, apportion, fill, make_slots, shortfall
from auditor.sample_data.truth import (
    HUMAN,
    ClusterTruth,
    DocumentTruth,
    ReferenceTruth,
    SampleTruth,
    ShardTruth,
    fraction,
)
from auditor.sample_data.writers import Document, write_shard


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A shard's file, its share of machine text among eligible documents, its dates (None: no dates)."""

    file: str
    share: float
    dating: Dating | None


PLAN = (
    ShardPlan("part-0.parquet", 0.0, Dating(before=0.7)),
    ShardPlan("part-1.jsonl.gz", 0.02, Dating(before=0.5)),
    ShardPlan("part-2.warc.wet.gz", 0.10, Dating(crawl=datetime(2024, 2, 20, tzinfo=UTC))),
    ShardPlan("part-3.parquet", 0.30, Dating(before=0.3)),
    ShardPlan("part-4.jsonl.gz", 0.60, Dating(before=0.3)),
    ShardPlan("part-5.parquet", 0.05, None),
)
# Eligible documents of a shard: the first of these as the installed and the committed texts suffice for.
ELIGIBLE = (576, 480, 360, 240, 120, 60)
REFERENCE = 400
PACKAGES = ("gensim", "numpy", "scipy", "scikit-learn", "polars")  # whose texts are read
REFERENCE_FILES = ("human-0.parquet", "human-1.jsonl.gz")
# The reference draws on many short works, not on a few long ones.
PASSAGES_PER_REFERENCE_WORK = 9


def build_sample(directory: Path, *, seed: int = 7) -> SampleTruth:
    """Write the sample corpus into `directory`, its truth and its human reference beside it.

    The human text comes from what is installed (gensim's test texts, Python's own documentation, the docstrings of
    scientific packages), so that the bytes are the same for a seed in one environment; the machine text is committed
    here.

    Returns: the truth, as written to DIR.truth.json
    Raises: ConfigError when `directory` holds something else, or the human texts are not installed
    """
    directory = directory.resolve()
    reference_folder = directory.with_name(directory.name + ".reference")
    refuse_strangers(directory, [plan.file for plan in PLAN])
    refuse_strangers(reference_folder, REFERENCE_FILES)
    rng = np.random.default_rng(seed)
    supply = passages(rng)
    for folder in (directory, reference_folder):
        folder.mkdir(parents=True, exist_ok=True)
    reference, supply = set_apart(supply, rng)
    slots, planted = planned_slots(supply, rng)
    fill(slots, supply, rng)
    clusters = [copy_out(cluster, slots, rng) for cluster in planted]
    shards = [write_planned(directory, number, slots, rng) for number in range(len(PLAN))]
    truth = SampleTruth(
        corpus=directory,
        reference_folder=reference_folder,
        path=directory.with_name(directory.name + ".truth.json"),
        seed=seed,
        minimum_words=MINIMUM_WORDS,
        shards=tuple(shards),
        clusters=tuple(
            ClusterTruth(
                number, cluster.kind, closest, tuple((PLAN[slots[i].shard].file, slots[i].row) for i in cluster.slots)
            )
            for number, (cluster, closest) in enumerate(zip(planted, clusters, strict=True))
        ),
        reference=write_reference(reference_folder, reference, rng),
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    )
    truth.write()
    return truth


def refuse_strangers(folder: Path, names: Sequence[str]) -> None:
    """Stop before anything is read where the folder holds other files than a sample's own."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file: name a folder for the sample")
    strangers = sorted({path.name for path in folder.glob("*")} - set(names))
    if strangers:
        raise ConfigError(f"{folder} holds {strangers[0]!r}, which is no part of a sample: name a new or empty folder")


def passages(rng: np.random.Generator) -> list[Passage]:
    """All passages there are, machine-written first: the human ones follow their lengths."""
    overlap = Overlap()
    machine = mostly_large(machine_passages(machine_texts(), overlap, rng))
    lengths = [passage.words for passage in machine]
    return machine + human_passages(human_writings(), lengths, overlap, rng)


def mostly_large(machine: Sequence[Passage]) -> list[Passage]:
    """The passages with so few of the small model's that these are a tenth at most."""
    large = sum(passage.writer != SMALL for passage in machine)
    rest = large // 9
    kept = []
    for passage in machine:
        if passage.writer == SMALL:
            rest -= 1
        if passage.writer != SMALL or rest >= 0:
            kept.append(passage)
    return kept


def set_apart(supply: Sequence[Passage], rng: np.random.Generator) -> tuple[list[Passage], list[Passage]]:
    """Divide into the human reference and what is left for the corpus: no work gives passages to both."""
    human = [passage for passage in supply if passage.label == HUMAN]
    reference: list[Passage] = []
    taken: set[str] = set()
    for genre, wanted in Counter(apportion(REFERENCE)).items():
        size = Counter(passage.source for passage in human if passage.genre == genre)
        # A long work is left to the corpus, which needs its passages.
        sources = sorted(source for source in size if size[source] <= PASSAGES_PER_REFERENCE_WORK)
        chosen: list[Passage] = []
        for index in rng.permutation(len(sources)):
            if len(chosen) >= wanted:
                break
            taken.add(sources[index])
            own = [passage for passage in human if passage.source == sources[index]]
            chosen += own
        reference += chosen[:wanted]
    return reference, [passage for passage in supply if passage.source not in taken]


def planned_slots(supply: Sequence[Passage], rng: np.random.Generator) -> tuple[list[Slot], list[Planted]]:
    """The slots of the largest corpus that the supply suffices for, with the duplicates marked."""
    for eligible in ELIGIBLE:
        slots = make_slots([(eligible, plan.share) for plan in PLAN])
        planted = plant(slots, rng)
        missing = shortfall(slots, supply)
        if not missing:
            return slots, planted
    raise ConfigError(
        f"too little text is installed for a sample: missing {dict(missing)}; reinstall 'corpus-auditor[sample]'"
    )


def copy_out(cluster: Planted, slots: Sequence[Slot], rng: np.random.Generator) -> float:
    """Fill a cluster's copies from its original; returns the least Jaccard similarity between it and a copy."""
    original = slots[cluster.slots[0]].passage
    assert original is not None, "originals are filled before copies"
    closeness = 1.0
    for index in cluster.slots[1:]:
        text = original.text if cluster.kind == "exact" else near_copy(original.text, rng)
        slots[index].passage = replace(original, text=text)
        closeness = min(closeness, jaccard(original.text, text))
    return round(closeness, 4)


def write_planned(directory: Path, number: int, slots: Sequence[Slot], rng: np.random.Generator) -> ShardTruth:
    """Write one shard with its documents in random order and note where each went."""
    plan = PLAN[number]
    own = [slot for slot in slots if slot.shard == number]
    documents: list[Document] = []
    rows: list[DocumentTruth] = []
    for row, index in enumerate(rng.permutation(len(own))):
        slot = own[index]
        assert slot.passage is not None, "every slot is filled before it is written"
        slot.row = row
        host, date = draw_host(slot.label, rng), draw_date(plan.dating, slot.label, rng)
        documents.append(Document(f"https://{host}/{number}/{row:04d}", slot.passage.text, date))
        rows.append(
            DocumentTruth(
                row=row,
                label=slot.label,
                genre=slot.passage.genre,
                eligible=slot.passage.words >= MINIMUM_WORDS,
                words=slot.passage.words,
                writer=slot.passage.writer,
                source=slot.passage.source,
                host=host,
                date=date,
                cluster=slot.cluster,
            )
        )
    write_shard(directory / plan.file, documents)
    return ShardTruth(
        shard=plan.file,
        dated=plan.dating is not None,
        documents=len(rows),
        eligible_documents=sum(row.eligible for row in rows),
        synthetic_fraction=fraction(rows),
        synthetic_fraction_tokens=fraction(rows, by_words=True),
        rows=tuple(rows),
    )


def write_reference(folder: Path, reference: Sequence[Passage], rng: np.random.Generator) -> ReferenceTruth:
    """Write the human reference, all of it dated before the machine era, into its files in equal parts."""
    order = rng.permutation(len(reference))
    for number, file in enumerate(REFERENCE_FILES):
        documents = [
            Document(
                f"https://{draw_host(HUMAN, rng)}/reference/{index:04d}",
                reference[index].text,
                draw_date(Dating(before=1.0), HUMAN, rng),
            )
            for index in order[number :: len(REFERENCE_FILES)]
        ]
        write_shard(folder / file, documents)
    return ReferenceTruth(len(reference), REFERENCE_FILES, tuple(sorted({passage.source for passage in reference})))
