"""The site builds offline without a warning, docstrings included, and asks nothing of any other host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(DOCS), str(out / "html")]
    ended = subprocess.run([*command, "-d", str(out / "trees")], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return out / "html"


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*\"", text), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.slow
def test_docstrings_and_formulas_are_in_it(site):
    api = (site / "api.html").read_text(encoding="utf-8")
    for name in (
        "auditor.audit",
        "auditor.records.Estimate",
        "auditor.estimate.fraction.prevalence",
        "auditor.detectors.registry.load",
    ):
        assert f'id="{name}"' in api or f'id="module-{name}"' in api, name
    assert "<math" in (site / "method.html").read_text(encoding="utf-8")
