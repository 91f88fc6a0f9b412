"""Tokens with their places, one document at a time: the slow form of `tokens`, for explaining and showing."""

from dataclasses import dataclass

from auditor.text import alphabet
from auditor.text.alphabet import GAP, JOINER, MARK, SIZE, SOLO, WORD
from auditor.text.tokens import MURMUR_1, MURMUR_2, PRIME

MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Span:
    """One token: its lower-cased form and where it is in the text (characters, end excluded)."""

    word: str
    start: int
    end: int

    @property
    def hash(self) -> int:
        """The token's hash, the same as the kernel's."""
        h = 0
        for byte in self.word.encode("utf-8", "surrogatepass"):
            h = (h * int(PRIME) & MASK) ^ byte
        for multiplier in (int(MURMUR_1), int(MURMUR_2)):
            h ^= h >> 33
            h = h * multiplier & MASK
        return h ^ (h >> 33)


def spans(text: str) -> list[Span]:
    """The tokens of a text in order; hashes and number equal those of `tokens.tokenise`."""
    classes, lower = alphabet.classes(), alphabet.lower()
    found: list[Span] = []
    word, start, end = "", 0, 0

    def close() -> None:
        nonlocal word
        if word:
            found.append(Span(word, start, end))
        word = ""

    pending = ""
    for place, character in enumerate(text):
        point = ord(character)
        small = chr(lower[point]) if point < SIZE else character
        kind = classes[point] if point < SIZE else (SOLO if point in alphabet.IDEOGRAPHS else GAP)
        if kind == WORD or (kind == MARK and word):
            if not word:
                start = place
            word, pending, end = word + pending + small, "", place + 1
        elif kind == JOINER and word and not pending:
            pending = small
        else:
            close()
            pending = ""
            if kind == SOLO:
                found.append(Span(small, place, place + 1))
    close()
    return found
