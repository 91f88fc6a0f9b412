"""What two near-duplicates share and where they differ, for people to see: two texts at a time, never the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from auditor.text.spans import Span, spans

WIDTH = 5  # texts are aligned by shingles, as they were found: single words such as "the" would align anything
CHARACTERS = 100_000  # of each text; what lies beyond is not compared


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of both texts in turn, the same words or not; empty where one text has nothing there.

    left, right: as they stand in the texts, punctuation included; left_start, right_start: characters before them
    """

    same: bool
    left: str
    right: str
    left_start: int
    right_start: int


def differences(left: str, right: str, *, width: int = WIDTH) -> list[Passage]:
    """Both texts as passages in order, shared and differing ones; joined, they give the texts back.

    Words count, not their case or the characters between them: texts of the same words are one shared passage.
    Texts are compared up to CHARACTERS.
    """
    left, right = left[:CHARACTERS], right[:CHARACTERS]
    a, b = spans(left), spans(right)
    found: list[Passage] = []
    done, ends = (0, 0), (0, 0)
    for i, j, n in [*_shared_runs([s.hash for s in a], [s.hash for s in b], width), (len(a), len(b), 0)]:
        for same, goal in ((False, (i, j)), (True, (i + n, j + n))):
            if goal != done:
                stops = _start(left, a, goal[0]), _start(right, b, goal[1])
                found.append(Passage(same, left[ends[0] : stops[0]], right[ends[1] : stops[1]], *ends))
                done, ends = goal, stops
    return found


def longest_shared(left: str, right: str) -> str:
    """The longest passage that both texts have, as the first one writes it; empty where they share no shingle."""
    shared = [passage.left.strip() for passage in differences(left, right) if passage.same]
    return max(shared, key=len, default="")


def _shared_runs(a: list[int], b: list[int], width: int) -> list[tuple[int, int, int]]:
    """Runs (i, j, n) of equal tokens a[i:i+n] == b[j:j+n], rising in both, at least a shingle long except at the
    ends."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    middle_a, middle_b = (
        [tuple(side[i : i + width]) for i in range(start, len(side) - end - width + 1)] for side in (a, b)
    )
    runs = [(0, 0, start)] if start else []
    for i, j, n in SequenceMatcher(None, middle_a, middle_b).get_matching_blocks():
        i, j, n = i + start, j + start, n + width - 1 if n else 0
        past = max((runs[-1][0] + runs[-1][2] - i, runs[-1][1] + runs[-1][2] - j, 0) if runs else (0,))
        if n > past:
            runs.append((i + past, j + past, n - past))
    if end:
        runs.append((len(a) - end, len(b) - end, end))
    return runs


def _start(text: str, tokens: list[Span], index: int) -> int:
    """Where a token starts in its text; the end of the text behind the last one."""
    return tokens[index].start if index < len(tokens) else len(text)
