"""Sphinx: `sphinx-build -W docs build/docs` turns these pages and the docstrings into a site that needs no network."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pkgutil import iter_modules, walk_packages
from typing import Any

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # kernels are shown as the plain functions that they are

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

from auditor.distribution import program_version

project = "auditor"
author = "the auditor maintainers"
version = release = program_version()
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = f"auditor {version}"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_display_short_literal_types = True
toc_object_entries = False
html_math_renderer = "mathml"  # drawn by the browser; MathJax would be fetched from elsewhere

PACKAGES = (
    "auditor",
    "auditor.text",
    "auditor.statistics",
    "auditor.sources",
    "auditor.sketch",
    "auditor.detectors",
    "auditor.neardup",
    "auditor.estimate",
    "auditor.collapse",
    "auditor.store",
    "auditor.gate",
    "auditor.provenance",
    "auditor.pipeline",
    "auditor.reports",
    "auditor.sample_data",
)
WIDE = "overflow: auto hidden; padding: .5em 0"  # a long formula scrolls by itself on a narrow screen
HEADED = re.compile(r"([A-Z][a-z]+|[a-z_]+(?:, [a-z_]+)*): ")
SPECIAL = re.compile(r"([\\*|_])")


def setup(app: Any) -> None:
    app.add_html_math_renderer("mathml", inline_renderers=(mathml, None), block_renderers=(block_mathml, None))
    app.connect("source-read", with_modules)
    app.connect("autodoc-process-docstring", as_restructured)


def mathml(writer: Any, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def block_mathml(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula" style="{WIDE}">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def with_modules(app: Any, page: str, source: list[str]) -> None:
    """Puts the modules of all packages where api.md asks for them."""
    if page == "api":
        source[0] = source[0].replace("<!-- modules -->", "\n".join(package_section(name) for name in PACKAGES))


def package_section(name: str) -> str:
    """The modules of a package and of the packages inside it, each with its docstrings."""
    package = import_module(name)
    walk = (
        iter_modules(package.__path__, f"{name}.") if name == "auditor" else walk_packages(package.__path__, f"{name}.")
    )
    lines = [f"## {name}"]
    for full in sorted(module.name for module in walk if not module.ispkg):
        if not full.rpartition(".")[2].startswith("_") and full != "auditor.api":  # stands at the head of the page
            lines += [f"### {full}", "```{eval-rst}", f".. automodule:: {full}", "   :members:", "```"]
    return "\n\n".join(lines[:1]) + "\n\n" + "\n".join(lines[1:]) + "\n"


def as_restructured(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text: `names` become literals, indented lines stay as they are, "Returns: …" is headed."""
    out: list[str] = []
    for block in "\n".join(lines).strip("\n").split("\n\n"):
        rows = block.splitlines()
        if any(row.startswith((" ", "-", "|", ">>>")) for row in rows):
            out += ["::", "", *(f"    {row}" for row in rows), ""]
            continue
        for row in rows:
            head = HEADED.match(row)
            if head and out:
                out += ["", f"*{head[1].replace('_', chr(92) + '_')}:* {plain(row[head.end() :])}"]
            else:
                out.append(plain(row))
        out.append("")
    lines[:] = out


def plain(row: str) -> str:
    """A row with `names` as literals and no other markup."""
    pieces = row.split("`")
    return "".join(f"``{piece}``" if i % 2 and piece else SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces))
