"""The browser, one for all tests of a worker, and axe-core; tests skip, and say so, where either is absent."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Chromium, Page, find_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium here: nothing is known of the pages in a browser (apt-get install chromium)")
    chromium = Chromium(program)
    yield chromium
    chromium.close()


@pytest.fixture
def show(browser) -> Iterator[Callable[..., Page]]:
    """Opens a file in a tab of its own: show(path, dark=…, width=…, zoom=…, scripts=…)."""
    pages: list[Page] = []

    def show(file: Path, **how: Any) -> Page:
        pages.append(browser.open(file, **how))
        return pages[-1]

    yield show
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core: the file that AUDITOR_AXE names, else the one that a Python wheel carries."""
    named = os.environ.get("AUDITOR_AXE")
    found = importlib.util.find_spec("axe_core_python")
    if named is None and found is None:
        pytest.skip("no axe-core here: the accessibility of the pages is not scanned")
    folder = Path(found.origin).parent if found and found.origin else Path()
    return (Path(named) if named else folder / "axe.min.js").read_text(encoding="utf-8")
