"""What each filter would do stands in the report: documents, machine-written share and tail, before anyone filters."""

import json

import pytest

from auditor.cli.main import run as command

SAME = {"threshold": "threshold", "weights": "weights", "weights that keep the tail": "protected"}
TAIL, FRACTION = "diversity.tail_retention", "synthetic_fraction"


@pytest.fixture
def found(report) -> dict:
    return {row["name"]: row for row in report["filtering"]}


def test_all_choices_account_for_every_document(found, report):
    choices = [name for name in found if not name.startswith("drop ")]
    assert choices == ["threshold", "weights", "weights that keep the tail", "deduplicate"]
    for row in found.values():
        assert row["documents_kept"] + row["documents_dropped"] == report["corpus"]["documents"]
        assert 0 < row["tokens_kept"] <= report["corpus"]["tokens"]
        assert row["before"][FRACTION] == report["corpus"][FRACTION]
        assert sum(row["lost_by_kind"].values()) <= row["human_tokens_lost"] + len(row["lost_by_kind"])
        for e in row["after"].values():
            assert e["status"] == "not_measured" or e["lower"] <= e["value"] <= e["upper"]


def test_filters_that_cost_rare_words_are_seen_and_protection_keeps_them(found):
    after = {name: row["after"] for name, row in found.items()}
    for name in ("threshold", "weights"):
        assert after[name][FRACTION]["value"] < 0.8 * found[name]["before"][FRACTION]["value"]
    kept = after["weights that keep the tail"]
    assert kept[TAIL]["value"] > after["weights"][TAIL]["value"]
    assert after["weights"][FRACTION]["value"] < kept[FRACTION]["value"]
    assert kept[FRACTION]["value"] < found["weights"]["before"][FRACTION]["value"]


def test_it_agrees_with_what_the_export_then_does(found, audited, tmp_path, capsys):
    arguments = ["export", str(audited), "--weights", str(tmp_path / "w.parquet"), "--json"]
    assert command(arguments) == 0
    done = {row["choice"]: row for row in json.loads(capsys.readouterr().out)["weights"]["choices"]}
    # The export leaves duplicates out as well, 4% of the documents.
    for ours, theirs in SAME.items():
        assert found[ours]["documents_kept"] == pytest.approx(done[theirs]["documents"], rel=0.06)
        e = found[ours]["after"][FRACTION]
        # ... and those of one kind with the others: their share of machine text is a little another.
        assert e["lower"] - 0.02 < done[theirs]["machine_share"] < e["upper"] + 0.02
