"""Human prose taken at build time from what is installed: gensim's test texts, documentation of Python packages.

Nothing of it is kept in this repository. English Wikipedia of 2014-2016 and Australian news of 2000-2001 (both in
gensim's wheel) are older than chat models; the language reference and docstrings are Python's own;
the docstrings of scientific packages explain mathematics and statistics.
"""

from __future__ import annotations

import ast
import bz2
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from auditor.distribution import install_command
from auditor.errors import ConfigError
from auditor.sample_data.surface import is_prose
from auditor.sample_data.wikitext import paragraphs as wiki_paragraphs

ENCYCLOPAEDIA_FILES = (
    "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
    "enwiki-table-markup.xml.bz2",
)
SCIENTIFIC = ("numpy", "scipy", "sklearn", "polars")
NEWS_FILE = "lee_background.cor"
# Tests and vendored packages hold few sentences; idlelib and the deprecated packages differ between Python versions.
SKIPPED_FOLDERS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "ensurepip", "__pycache__"}
SHORTEST_ARTICLE = 3


@dataclass(frozen=True, slots=True)
class Writing:
    """One work by people: an article, a news item, a manual topic or a module, as its paragraphs of prose."""

    genre: str
    source: str
    paragraphs: tuple[str, ...]


@cache
def human_writings() -> tuple[Writing, ...]:
    """Read every human work that is installed, once; the order depends on nothing but the versions installed."""
    folder = gensim_texts()
    works = [*encyclopaedic(folder), *news(folder), *manual_topics(), *docstrings(), *scientific()]
    return tuple(work for work in works if work.paragraphs)


def gensim_texts() -> Path:
    """The folder of texts that gensim's wheel carries; found without importing gensim.

    Raises: ConfigError when gensim isn't installed, or without its test texts
    """
    spec = find_spec("gensim")
    folder = Path(spec.origin).parent / "test" / "test_data" if spec and spec.origin else None
    if folder is None or not (folder / NEWS_FILE).is_file():
        raise ConfigError(
            "the sample's human text comes with gensim, which is not installed here: " + install_command("sample")
        )
    return folder


def encyclopaedic(folder: Path) -> Iterator[Writing]:
    """Articles of the English Wikipedia in gensim's shortened dumps; redirects and stubs left out."""
    seen: set[str] = set()
    for name in ENCYCLOPAEDIA_FILES:
        if not (folder / name).is_file():
            continue
        with bz2.open(folder / name) as stream:
            for title, text in pages(stream):
                found = tuple(wiki_paragraphs(text))
                if title not in seen and len(found) >= SHORTEST_ARTICLE:
                    seen.add(title)
                    yield Writing("encyclopaedic", f"wikipedia:{title}", found)


def pages(stream: bz2.BZ2File) -> Iterator[tuple[str, str]]:
    """Title and wikitext of each article in a MediaWiki export, whatever its schema's version."""
    for _, element in ElementTree.iterparse(stream):
        if element.tag.rpartition("}")[2] != "page":
            continue
        parts = {part.tag.rpartition("}")[2]: part.text or "" for part in element.iter()}
        if parts.get("ns") == "0" and not parts["text"].upper().startswith("#REDIRECT"):
            yield parts["title"], parts["text"]
        element.clear()


def news(folder: Path) -> Iterator[Writing]:
    """News items of the Lee corpus, one a line."""
    lines = (folder / NEWS_FILE).read_text("utf-8").splitlines()
    for number, line in enumerate(dict.fromkeys(line.strip() for line in lines)):
        yield Writing("news", f"lee:{number}", (line,) if line else ())


def manual_topics() -> Iterator[Writing]:
    """The language reference that `help()` shows, without grammar and code."""
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield Writing("technical", f"topic:{name}", tuple(prose_blocks(topics[name])))


def docstrings() -> Iterator[Writing]:
    """Docstrings of the standard library, one work a module, read from the source without importing it."""
    yield from documented_modules(Path(sysconfig.get_path("stdlib")), "technical", "stdlib")


def scientific() -> Iterator[Writing]:
    """Docstrings of the scientific packages that `auditor` itself needs, one work a module."""
    for package in SCIENTIFIC:
        spec = find_spec(package)
        if spec and spec.origin:
            yield from documented_modules(Path(spec.origin).parent, "scientific", package)


def documented_modules(root: Path, genre: str, source: str) -> Iterator[Writing]:
    """The prose in the docstrings of every module below a folder, read without importing anything."""
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        if SKIPPED_FOLDERS.intersection(relative.parts) or relative.name.startswith("_sysconfigdata"):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        found = dict.fromkeys(block for text in documented(tree) for block in prose_blocks(text))
        yield Writing(genre, f"{source}:{relative.as_posix()}", tuple(found))


def documented(owner: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    """Docstrings of a module and of what it defines; statements are not walked, which saves most of the time."""
    yield ast.get_docstring(owner) or ""
    for node in owner.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield from documented(node)


def prose_blocks(text: str) -> Iterator[str]:
    """Paragraphs that read as prose, unwrapped; code, grammar, signatures, lists and tables are dropped."""
    for block in re.split(r"\n\s*\n", text):
        line = " ".join(block.split())
        if is_prose(line):
            yield line
