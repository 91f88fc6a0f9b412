"""The card: figures with intervals in a dataset's README, written again without touching what others wrote."""

import pytest
import yaml

from auditor.errors import ConfigError
from auditor.reports.model.schema import check
from auditor.reports.render.card import BEGIN, END, merge_card
from auditor.reports.render.write import write_reports
from tests.reports.fixture import build_report

README = "---\nlicense: cc-by-4.0\ntags:\n- text\n---\n\n# My corpus\n\nCollected by hand.\n"


def front(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def test_a_card_has_the_figures_as_text_and_as_metadata():
    report = build_report(4)
    card = merge_card("", check(report))
    e = report["corpus"]["synthetic_fraction"]
    said = front(card)["corpus_audit"]
    assert said["synthetic_fraction"]["value"] == pytest.approx(e["value"], rel=1e-5)
    assert said["synthetic_fraction"]["status"] == "measured"
    assert said["documents"] == report["corpus"]["documents"]
    text = card.replace("\\", "")
    assert (
        f"| machine-written | {100 * e['value']:.1f}% ({100 * e['lower']:.1f}–{100 * e['upper']:.1f}) | measured |"
        in text
    )
    assert "configuration 9f86d081884c7d65" in text and "1 March 2026" in text


def test_what_people_wrote_stays_and_a_second_run_changes_nothing():
    once = merge_card(README, check(build_report(4)))
    assert front(once)["license"] == "cc-by-4.0" and front(once)["tags"] == ["text"]
    assert "Collected by hand." in once
    assert merge_card(once, check(build_report(4))) == once
    edited = once.replace("Collected by hand.", "Collected by hand, twice.") + "\n## Citation\n\nUs.\n"
    again = merge_card(edited, check(build_report(5, seed=2)))
    assert "twice." in again and again.rstrip().endswith("Us.") and again.count(BEGIN) == again.count(END) == 1
    assert front(again)["corpus_audit"]["documents"] == build_report(5, seed=2)["corpus"]["documents"]


@pytest.mark.parametrize("kind", ["inconclusive", "not_measured", "clean"])
def test_every_kind_of_run_makes_a_card_whose_metadata_can_be_read(kind):
    said = front(merge_card("", check(build_report(3, kind=kind))))["corpus_audit"]["synthetic_fraction"]
    assert (said["value"] is None) == (kind == "not_measured")
    assert kind == "clean" or said["reason"]


def test_hostile_names_break_neither_the_metadata_nor_the_section():
    card = merge_card(README, check(build_report(14, hostile=True)))
    assert "<script" in front(card)["corpus_audit"]["corpus"]
    assert "<script" not in card.replace("\\<", "")
    assert merge_card(card, check(build_report(14, hostile=True))) == card
    report = build_report(2)
    report["audit"]["corpus"] = f"{END} # auditor: end"
    once = merge_card(README, check(report))
    assert merge_card(once, check(report)) == once


@pytest.mark.parametrize("broken", [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}", "---\nlicense: mit\n"])
def test_a_card_with_half_a_pair_of_markers_is_left_alone(broken, tmp_path):
    (tmp_path / "README.md").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"README\.md"):
        write_reports(build_report(2), tmp_path, ["card"])
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == broken
