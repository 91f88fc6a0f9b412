"""Is the corpus still what was audited, and does the run account for every record?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from auditor.errors import AuditError, ConfigError, SourceError
from auditor.pipeline.report.conservation import Conservation, conservation
from auditor.pipeline.run.plan import source_options
from auditor.pipeline.run.reopen import open_database, read_report
from auditor.pipeline.run.run import load_run
from auditor.provenance.ledger import total_digest
from auditor.records import Json
from auditor.sketch.content import content_hashes, record_hashes, skips_digest, summed, written
from auditor.sources.find.files import blocks
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import Shard, SourceOptions
from auditor.text.arrow import buffers

# The digest is not cryptographic (sketch/content.py): it detects changes, not deliberate collisions.
NOT_COMPARED = (
    "the order of documents and the names of their files",
    "columns that no figure uses",
    "what records that could not be read hold, beyond their number and the reason",
    "which bytes that are no text a replacement character stands for",
    "markup around the text of archived pages",
    "files that were passed over, sidecars, references and labels",
)


@dataclass(frozen=True, slots=True)
class Content:
    """What a shard holds: its digest, how many documents, and how many records were left out for each reason.

    The two counts are None where the digest was taken on trust.
    """

    digest: str
    documents: int | None = None
    skips: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The corpus as it is now beside what was audited, by the names of shards.

    verdict: same | rearranged | changed | unreadable; shards: how many were audited; differences: of changed ones, in
    words; moved: new name to audited name; unreadable: with the reason
    """

    verdict: str
    audited_digest: str
    digest: str
    shards: int
    same: tuple[str, ...]
    changed: tuple[str, ...]
    differences: Mapping[str, str]
    missing: tuple[str, ...]
    new: tuple[str, ...]
    moved: Mapping[str, str]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a run accounts for every record, and whether its corpus is what was audited.

    compared: None where no corpus was given
    """

    conservation: Conservation
    compared: Compared | None = None

    @property
    def verdict(self) -> str:
        """same | rearranged | changed | unreadable | not_compared."""
        return self.compared.verdict if self.compared else "not_compared"

    def as_json(self) -> Json:
        """One object: the comparison's fields, `conservation`, and what no digest covers."""
        law = self.conservation
        found = {f.name: getattr(self.compared, f.name) for f in fields(Compared)} if self.compared else {}
        return {
            "verdict": self.verdict,
            **found,
            "conservation": asdict(law) | {"holds": law.holds},
            "not_compared": NOT_COMPARED,
        }


def file_hash(shard: Shard) -> str:
    """SHA-256 of a shard's file.

    Raises: ConfigError where it is no longer there
    """
    digest = hashlib.sha256()
    try:
        for block in blocks(shard.path, {}):
            digest.update(block)
    except SourceError as wrong:
        raise ConfigError(f"Croissant needs the hash of every file: {wrong}") from None
    return digest.hexdigest()


def verify(run: Path, corpus: Sequence[str] = (), *, quick: bool = False) -> Verification:
    """Whether a run accounts for every record and, where a corpus is given, whether it is still what was audited.

    Shards are compared one by one and as a whole; the order of documents and files does not matter.
    Parameters: quick, trust files whose size, time of change, head and tail are unchanged
    """
    opened = load_run(run)
    plan, config = opened.plan, opened.config
    report = read_report(run)
    with open_database(run) as connection:
        law = conservation(run, plan, report, connection)
    if not corpus:
        return Verification(law)
    rows = {row["shard"]: row for row in report["shards"]}
    audited = {
        line["shard"]: (
            line,
            Content(line["digest"], rows[line["shard"]]["documents"], rows[line["shard"]]["skip_counts"]),
        )
        for line in report["provenance"]["inputs"]
    }
    options = source_options(config)
    now = plan_corpus(corpus, options, sample=config.shards_sample, seed=config.seed)
    contents: dict[str, Content] = {}
    unreadable = {unread.name: unread.reason for unread in now.failed}
    for shard in now.shards:
        line, _ = audited.get(shard.name, (None, None))
        if quick and line is not None and line["fingerprint"] == shard.fingerprint:
            contents[shard.name] = Content(line["digest"])
            continue
        try:
            contents[shard.name] = content_of(shard, options)
        except AuditError as wrong:
            unreadable[shard.name] = str(wrong)
    before = {name: content for name, (_, content) in audited.items()}
    return Verification(law, _compared(before, contents, unreadable))


def _compared(before: Mapping[str, Content], now: Mapping[str, Content], unreadable: Mapping[str, str]) -> Compared:
    """The verdict on shards by name."""
    held = {name: content.digest for name, content in before.items()}
    digests = {name: content.digest for name, content in now.items()}
    new = [name for name in digests if name not in held]
    missing = [name for name in held if name not in digests and name not in unreadable]
    moved = {
        name: next(n for n in missing if held[n] == digests[name])
        for name in new
        if any(held[n] == digests[name] for n in missing)
    }
    changed = tuple(name for name in digests if name in held and held[name] != digests[name])
    whole = total_digest(digests.values()) == total_digest(held.values())
    verdict = "unreadable" if unreadable else "changed"
    if not unreadable and whole:
        verdict = "rearranged" if changed or new or missing else "same"
    return Compared(
        verdict=verdict,
        audited_digest=total_digest(held.values()),
        digest=total_digest(digests.values()),
        shards=len(held),
        same=tuple(name for name in digests if held.get(name) == digests[name]),
        changed=changed,
        differences={name: _difference(before[name], now[name]) for name in changed},
        missing=tuple(name for name in missing if name not in moved.values()),
        new=tuple(name for name in new if name not in moved),
        moved=moved,
        unreadable=unreadable,
    )


def content_of(shard: Shard, options: SourceOptions) -> Content:
    """What a shard holds now, counted and hashed as the audit does.

    Raises: SourceError where it cannot be read whole
    """
    total = documents = 0
    skips: Counter[str] = Counter()
    for split in shard.splits:
        for batch in read_split(shard, split, options):
            text, given = (content_hashes(*buffers(batch.frame[name])) for name in ("text", "given"))
            total += summed(record_hashes(text, given))
            documents += batch.frame.height
            for skip in batch.skips:
                skips[skip.reason] += skip.documents
    return Content(written(total + skips_digest(skips)), documents, skips)


def _difference(before: Content, now: Content) -> str:
    """What differs, for people."""
    said = []
    if now.documents != before.documents:
        said.append(f"{now.documents:,} documents, {before.documents:,} were audited")
    old, new = before.skips or {}, now.skips or {}
    for reason in sorted(old.keys() | new.keys()):
        if old.get(reason, 0) != new.get(reason, 0):
            said.append(f"{new.get(reason, 0):,} records left out as {reason}, {old.get(reason, 0):,} when audited")
    return "; ".join(said) or "as many records, but a text or a column beside it is another"
