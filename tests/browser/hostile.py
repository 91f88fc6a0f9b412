"""A corpus whose every name and text attacks the reports: shards, ids, hosts, topics, titles, dates, texts."""

from __future__ import annotations

import json
import random
from pathlib import Path

# Each sets window.broken where it runs as script, or reads as something else than text where it is not escaped.
ATTACKS = (
    "<script>window.broken=1</script>",
    "</style></script><script>window.broken=2</script><style>*{display:none}",
    "<img src=x onerror=window.broken=3>",
    "javascript:window.broken=4",
    "{{7*7}}{% raw %}${7*7}",
    "\u202egpj.exe\u202c \u2066isolated\u2069 \u200b\u200f",
    '=HYPERLINK("https://evil.example";"x")',
    "[click](javascript:window.broken=5) ![i](https://evil.example/i.png) | **b** `c` <https://evil.example> @all #1",
    "w" * 10_000,
    "</table></section></main><iframe src=https://evil.example></iframe><!--",
    "' onpointermove=window.broken=6 onfocus=window.broken=7 autofocus x=\"",
    "]]>--><svg/onload=window.broken=8><a href=//evil.example>free</a>",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a" * 40,
)
FILES = (
    "<script>window.broken=11<",
    "<img src=x onerror=window.broken=12>",
    "{{7*7}}",
    "javascript:window.broken=13",
    "\u202egpj.jsonl",
    '=HYPERLINK("http:evil")',
    "w" * 180,
)
WORDS = (
    "the committee said that it would not be able to decide before spring whether river towns should pay for walls "
    "when rain came earlier than anyone had expected and old bridges were closed to heavy traffic for many weeks "
    "because nobody could tell how long the repairs might take or who in the valley was going to answer for them"
).split()


def write_corpus(folder: Path, *, documents: int = 60, seed: int = 0) -> Path:
    """One JSON-lines shard for each hostile file name; every sixth document repeats the one before it."""
    rng = random.Random(seed)
    for number, name in enumerate(FILES):
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [_document(rng, number, i) for i in range(documents)]
        for i in range(5, documents, 6):
            rows[i]["text"] = rows[i - 1]["text"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def _document(rng: random.Random, number: int, i: int) -> dict[str, str]:
    attack, other = ATTACKS[i % len(ATTACKS)], ATTACKS[(i + number) % len(ATTACKS)]
    words = [rng.choice(WORDS) for _ in range(140)]
    return {
        "id": f"{attack} {number}-{i}",
        "text": f"{attack} {' '.join(words)} {other}",
        "title": attack,
        # One host is common enough for a figure of its own.
        "url": f"https://{'<b onclick=window.broken=9>{{7*7}}' if i % 2 else other[:60]}.example/{attack[:80]}",
        "date": f"{2017 + (i + number) % 9}-0{1 + i % 9}-11",
        "topic": ATTACKS[i % 3],
        "source": ATTACKS[(number + 4) % len(ATTACKS)],
    }
