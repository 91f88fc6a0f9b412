"""The files of a corpus that no figure covers: not read at all, passed over, or read in part."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.reports.model.schema import Report
from auditor.reports.model.sections import Unread


@dataclass(frozen=True, slots=True)
class FilesUnread:
    """Files of which no figure says anything: nothing of them could be read, or they were passed over.

    names, of those of which nothing could be read; passed, how many were passed over; partly, how many lack a part
    """

    names: tuple[str, ...]
    passed: int
    partly: int
    shards: int

    @property
    def most(self) -> int:
        """The count that heads the report: files that could not be read, with those passed over if most files are
        unread."""
        gone = len(self.names)
        return gone + self.passed if 2 * (gone + self.passed) > self.shards + self.passed else gone

    @property
    def files(self) -> int:
        """Of how many files `most` is a part."""
        return self.shards + (self.passed if self.most > len(self.names) else 0)


def files_unread(report: Report) -> FilesUnread:
    """What of the corpus' files was not read, by the report."""
    shards, unread = report.shards, report.corpus.unread or Unread()
    failed = [skip.shard for skip in report.skips if skip.reason == "unreadable_file" and not skip.documents]
    broken = [shard for shard in shards if not shard.complete]
    nothing = [shard for shard in broken if not shard.documents]
    passed = unread.files - len(failed) - sum(not shard.skipped for shard in nothing)
    names = (*failed, *(shard.shard for shard in nothing))
    return FilesUnread(names, max(passed, 0), len(broken) - len(nothing), len(shards) + len(failed))
