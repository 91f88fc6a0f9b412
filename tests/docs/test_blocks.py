"""The documentation is true: its commands and code run as they stand and print what it shows.

One sample corpus and one audit of it serve all pages, in this one file, so that one worker makes them once.
"""

import json
import re
import tomllib
from importlib.metadata import EntryPoint

import polars as pl
import pytest

from auditor.cli.main import run as run_command
from auditor.detectors import registry
from auditor.detectors.first_tier import Ensemble
from auditor.text.batch import TextBatch
from tests.docs import places
from tests.docs.blocks import agrees, blocks, fresh, shell_lines

README = places.DOCS.parent / "README.md"


@pytest.fixture(scope="module")
def ready(tmp_path_factory) -> places.Ready:
    return places.prepare(tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.parametrize("page", places.run_pages(), ids=lambda page: page.stem)
def test_every_block_of_a_page_runs_and_prints_what_the_page_shows(page, ready):
    for block, printed in places.run_page(page, ready):
        if block.shown is not None:
            assert agrees(block.shown, printed), (
                f"{page.name} shows\n{block.shown}\nbut {block.text}\nprints\n{fresh(block.shown, printed)}\n"
                "run `python docs/make.py --outputs`"
            )


def test_the_readme_shows_what_the_audit_says_of_the_sample(ready):
    """The table is the audit's own; other library versions may move a digit, not a point."""
    report = json.loads((ready.folder / "run" / "report.json").read_text())
    truth = json.loads((ready.folder / "sample.truth.json").read_text())
    rows = re.findall(r"\| `(part-[\w.-]+)` \| (\d+)% \| ([\d.]+)% \(([\d.]+) to ([\d.]+)\)", README.read_text())
    assert len(rows) == len(report["shards"])
    true = {shard["shard"]: shard["synthetic_fraction"] for shard in truth["shards"]}
    found = {shard["shard"]: shard["synthetic_fraction"] for shard in report["shards"]}
    for shard, said, value, lower, upper in rows:
        assert abs(true[shard] - float(said) / 100) < 0.01
        for shown, key in ((value, "value"), (lower, "lower"), (upper, "upper")):
            assert abs(100 * found[shard][key] - float(shown)) < 4, (shard, key)


def test_the_two_commands_of_the_readme_are_what_ci_runs():
    lines = [
        " ".join(words)
        for block in blocks(README.read_text())
        if block.language == "sh"
        for words in shell_lines(block.text)
    ]
    ci = (README.parent / ".ci" / "run").read_text()
    for line in ("sh sample_data/demo", "sh tests/run"):
        assert line in lines and line in ci


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 12.5% (6.5–24.0) of b\n", "a 13% (7–25.1) of\nb\n", True),
        ("−3.3% (−17.3 to 9.0)\n", "1% (0–2)\n", True),
        ("first line\n…\n", "first line\nsecond line\n", True),
        ("first line\n", "first line\nsecond line\n", False),
        ("3 shards are above\n", "3 shards stand above\n", False),
    ],
)
def test_shown_output_is_compared_by_its_words(shown, printed, same):
    assert agrees(shown, printed) is same


def test_outputs_are_renewed_whole_or_as_far_as_they_were_shown():
    assert fresh("a\n…\n", "b  \nc\nd\n") == "b\n…\n"
    assert fresh("a\n", "b  \nc\n") == "b\nc\n"


def test_a_block_that_is_not_run_says_why():
    for page in [README, *places.DOCS.rglob("*.md")]:
        for block in blocks(page.read_text(encoding="utf-8")):
            assert block.is_run or len(block.mark) > len("not run: ") + 5, (page, block.text)
            assert block.language, f"{page.name}: a block without a language: {block.text[:60]}"


def test_the_detector_of_the_how_to_joins_the_ensemble_by_its_entry_point(tmp_path, monkeypatch, capsys):
    page = list(blocks((places.DOCS / "how-to.md").read_text(encoding="utf-8")))
    (module,) = [block for block in page if block.file == "long_words.py"]
    (entry,) = [block for block in page if "entry-points" in block.text]
    named = tomllib.loads(entry.text)["project"]["entry-points"][registry.GROUP]
    (tmp_path / "long_words.py").write_text(module.text)
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, value, registry.GROUP) for name, value in named.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert run_command(["detectors", "list"]) == 0
    assert "long-words" in capsys.readouterr().out
    texts = ["word " * 60, "extraordinary " * 60, "short"]
    scores = Ensemble.load().score(TextBatch.of(pl.Series(texts), pl.Series(["en", "en", "en"]))).members["long-words"]
    assert scores[0] < scores[1]
    assert scores[2] != scores[2]
