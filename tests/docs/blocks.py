"""The code blocks of the documentation: found, run in a folder of their own, compared with the output they show.

A comment right before a block says what is special about it: `<!-- not run: why -->` leaves it out (its commands and
options are checked all the same), `<!-- file: NAME -->` writes it to a file. A block of `text` right after one of `sh`
or `python` is its output, whole or, where `…` ends it, its beginning.
"""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.cli.main import run as run_command

BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>(?:not run|file): [^>]*?) -->\n)?```(?P<language>[^\n]*)\n(?P<text>.*?)^```\n"
    r"(?:\n```text\n(?P<shown>.*?)^```\n)?",
    flags=re.DOTALL | re.MULTILINE,
)
NUMBER = re.compile(r"[−+(-]*\d[\d.,%?)e–−+-]*…?")
DONE = (0, 1, 4)  # done, failed a policy, inconclusive: the command ran


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a page; span: where the output that it shows stands in the page."""

    language: str
    text: str
    mark: str
    shown: str | None
    span: tuple[int, int]

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run")

    @property
    def file(self) -> str | None:
        return self.mark.removeprefix("file: ") if self.mark.startswith("file: ") else None


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page's text, but for those that only show something."""
    for found in BLOCK.finditer(page):
        if found["language"] != "text" and not found["language"].startswith("{"):
            yield Block(found["language"], found["text"], found["mark"] or "", found["shown"], found.span("shown"))


def shell_lines(text: str) -> list[list[str]]:
    """The commands of a block, split as a shell would; comments are left out."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def run_block(block: Block, folder: Path, names: dict[str, Any], before: dict[str, str]) -> str:
    """Run a block in the current folder, which is `folder`; returns what it printed.

    Parameters: names, what the page's Python blocks share; before, outputs of commands that need not run again
    """
    if block.file:
        (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.file).write_text(block.text, encoding="utf-8")
    if block.language == "sh":
        return "".join(_run_line(words, folder, before) for words in shell_lines(block.text))
    if block.language == "python" and not block.file:
        return _run_python(block.text, names)
    {"toml": tomllib.loads, "json": json.loads, "python": ast.parse}.get(block.language, str)(block.text)
    return ""


def _run_line(words: list[str], folder: Path, before: dict[str, str]) -> str:
    line = shlex.join(words)
    if line in before:
        return before[line]
    target = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if target else words
    assert words[0] == "auditor", f"no way to run {line!r}: mark the block `not run` and say why"
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = run_command(words[1:])
    assert code in DONE, f"{line}: exit code {code}"
    if target:
        (folder / target).write_text(printed.getvalue(), encoding="utf-8")
    return "" if target else printed.getvalue()


def _run_python(text: str, names: dict[str, Any]) -> str:
    """Run statements; as in a notebook, the value of a last expression is shown."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(tree, "block", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "block", "eval"), names)  # noqa: S307 (our own pages)
            if value is not None:
                print(value)
    return printed.getvalue()


def agrees(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed, in its words; digits may differ with the versions of libraries."""
    head = shown.rstrip().removesuffix("…")
    return (
        _words(printed).startswith(_words(head)) if shown.rstrip().endswith("\n…") else _words(head) == _words(printed)
    )


def fresh(shown: str, printed: str) -> str:
    """The output to show in the place of `shown`: whole, or as many lines of its beginning as there were."""
    printed = "\n".join(line.rstrip() for line in printed.rstrip().splitlines()) + "\n"
    if not shown.rstrip().endswith("\n…"):
        return printed
    return "".join(printed.splitlines(keepends=True)[: len(shown.rstrip().splitlines()) - 1]) + "…\n"


def _words(text: str) -> str:
    masked = NUMBER.sub("#", " ".join(text.split()))
    return re.sub(r"#(?: ?(?:to )?#)+", "#", masked)
