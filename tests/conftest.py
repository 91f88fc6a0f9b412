"""What all tests share: where the labelled sources are, and how property tests run."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("auditor", deadline=None, max_examples=int(os.environ.get("AUDITOR_EXAMPLES", "100")))
settings.load_profile("auditor")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def labelled() -> Path:
    """The folder of the labelled sources (not part of the project); its tests skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the labelled sources are not here")
    return folder
