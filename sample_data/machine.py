"""The machine-written texts that are committed here, and the rule that removes broken generations."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import zstandard

from auditor.sample_data.surface import sentences, settle

FOLDER = Path(__file__).parent / "machine"
SMALL = "SmolLM2-135M-Instruct.Q4_1"  # the writer of the small model's texts
SHORTEST = 110
# A loop: fewer than this share of the word trigrams are different. Human passages of this length have .95 and more.
DISTINCT_TRIGRAMS = 0.75
DIGIT_WORDS = 0.12
REFUSAL = re.compile(
    r"\A.{0,200}\bI(?:'m sorry| am sorry| am unable| cannot| can't)\b|\bas an AI\b|\blanguage model\b", re.I | re.S
)
PLACEHOLDER = re.compile(r"\[[A-Z][^\]]{2,30}\]")
HEADING = re.compile(r"(?m)^\s*(?:#+ .*|\*\*[^*\n]{1,80}\*\*:?|[A-Z][^.!?\n]{0,60}:?)\s*$")
BULLET = re.compile(r"(?m)^\s*(?:[-*•]|\d+[.)])\s+")
CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Generation:
    """One text by a language model, with what it was asked."""

    writer: str
    genre: str
    prompt: str
    text: str


def machine_texts(folder: Path = FOLDER) -> list[Generation]:
    """Read the committed texts, file by file, in the order they were written."""
    rows = [json.loads(line) for path in sorted(folder.glob("*.jsonl.zst")) for line in lines(path)]
    return [Generation(row["writer"], row["genre"], row["prompt"], row["text"]) for row in rows]


def lines(path: Path) -> list[str]:
    return zstandard.ZstdDecompressor().decompress(path.read_bytes()).decode().splitlines()


def prose(text: str) -> str:
    """A model's answer as running text: code blocks, headings, bullets and a last sentence cut off are left out."""
    plain = BULLET.sub("", HEADING.sub("", CODE_BLOCK.sub("", text)))
    kept = sentences(settle(plain))
    if kept and kept[-1].rstrip("\"')")[-1:] not in ".!?":
        kept = kept[:-1]
    return " ".join(kept)


def keep(text: str) -> bool:
    """Whether a generation is a whole text: long enough, no refusal or placeholder, no loop, no run of numbers."""
    words = prose(text).split()
    trigrams = list(zip(words, words[1:], words[2:], strict=False))
    digits = sum(any(mark.isdigit() for mark in word) for word in words)
    return (
        len(words) >= SHORTEST
        and not REFUSAL.search(text)
        and not PLACEHOLDER.search(text)
        and len(set(trigrams)) >= DISTINCT_TRIGRAMS * len(trigrams)
        and digits <= DIGIT_WORDS * len(words)
    )


def pack(generated: Path, out: Path) -> tuple[int, int]:
    """Weed what `generate` wrote and compress it for this folder; returns how many were kept, of how many."""
    rows = [json.loads(line) for line in generated.read_text("utf-8").splitlines()]
    kept = [row for row in rows if keep(row["text"])]
    packed = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    out.write_bytes(zstandard.ZstdCompressor(level=19).compress(packed.encode()))
    return len(kept), len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=pack.__doc__)
    parser.add_argument("generated", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    print("kept {} of {}".format(*pack(asked.generated, asked.out)))


if __name__ == "__main__":
    main()
