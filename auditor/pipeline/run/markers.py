"""The marker of a finished split: what was read in it, and the digests of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from auditor.records import Json, Skip


@dataclass(frozen=True, slots=True)
class Counts:
    """What was read: records, documents, those eligible, their word tokens, bytes of all, records left out.

    Counts add up.
    """

    records: int = 0
    documents: int = 0
    eligible_documents: int = 0
    tokens: int = 0
    bytes: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))


@dataclass(frozen=True, slots=True)
class Marker:
    """What a split held, and what of it was written.

    skips, notes, ineligible: records left out, documents repaired, documents not eligible, by reason
    named: some of the skips one by one; error: where reading broke off
    digest, text_digest: of the records as the source has them, and of the texts in their normal form, in any order
    files: digests of the parts by name; forgotten: parts that were removed since
    role, shard, split: whose it is
    """

    counts: Counts
    skips: Mapping[str, int]
    notes: Mapping[str, int]
    ineligible: Mapping[str, int]
    named: tuple[Skip, ...]
    digest: str
    text_digest: str
    error: str | None
    role: str = ""
    shard: str = ""
    split: int = 0
    files: Mapping[str, str] | None = None
    forgotten: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the split was read to its end."""
        return self.error is None

    def of_files(self, files: Mapping[str, str]) -> Marker:
        """The marker of the same split with the parts that were written."""
        return replace(self, files=files)

    def as_json(self) -> Json:
        """The content of the file."""
        return {
            **asdict(self.counts),
            "skips": dict(self.skips),
            "notes": dict(self.notes),
            "ineligible": dict(self.ineligible),
            "named": [asdict(skip) for skip in self.named],
            "digest": self.digest,
            "text_digest": self.text_digest,
            "complete": self.complete,
            "error": self.error,
            "task": {"role": self.role, "shard": self.shard, "split": self.split},
            "files": dict(self.files or {}),
            **({"forgotten": list(self.forgotten)} if self.forgotten else {}),
        }

    @classmethod
    def of_json(cls, content: Any) -> Marker | None:
        """The marker that `as_json` wrote; None where the content is another."""
        try:
            task = content.get("task", {})
            return cls(
                counts=Counts(*(int(content[field.name]) for field in fields(Counts))),
                skips=_counted(content["skips"]),
                notes=_counted(content["notes"]),
                ineligible=_counted(content["ineligible"]),
                named=tuple(Skip(**skip) for skip in content["named"]),
                digest=f"{int(content['digest'], 16):016x}",
                text_digest=f"{int(content['text_digest'], 16):016x}",
                error=_reason(content["complete"], content["error"]),
                role=str(task.get("role", "")),
                shard=str(task.get("shard", "")),
                split=int(task.get("split", 0)),
                files={str(name): str(digest) for name, digest in content["files"].items()},
                forgotten=tuple(content.get("forgotten", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def _counted(stored: Mapping[str, Any]) -> dict[str, int]:
    return {str(reason): int(count) for reason, count in stored.items()}


def _reason(complete: bool, error: str | None) -> str | None:
    return None if complete else str(error or "it broke off")
