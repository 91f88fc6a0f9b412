"""How much of a text is its draft's."""

import numpy as np
import polars as pl
import pytest

from auditor.detectors.edited import class_of, edited_cells
from auditor.detectors.training.data.extent import common_words, edited
from auditor.errors import DetectorError

DRAFT = (
    "The river was low that autumn and we walked across it twice a day, once to fetch the milk and once to bring "
    "the empty cans back, and nobody ever thought of asking whose bridge had stood there before the war."
)


def naive(first: list[str], second: list[str]) -> int:
    table = np.zeros((len(first) + 1, len(second) + 1), int)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


def test_common_subsequences_are_those_of_the_textbook():
    rng = np.random.default_rng(0)
    words = ["ash", "birch", "cedar", "elm", "fir", "oak"]
    pairs = [(rng.choice(words, rng.integers(1, 40)), rng.choice(words, rng.integers(1, 40))) for _ in range(50)]
    texts, others = (pl.Series([" ".join(pair[k]) for pair in pairs]) for k in (0, 1))
    assert common_words(texts, others).tolist() == [naive(list(a), list(b)) for a, b in pairs]


def frame(texts: dict[str, str]) -> pl.DataFrame:
    rows = [("h", DRAFT, "human", "none")] + [(name, text, "mixed", name) for name, text in texts.items()]
    return pl.DataFrame(rows, schema=["id", "text", "label", "attack"], orient="row").with_columns(
        source=pl.lit("imbd"), pair_id=pl.lit("p")
    )


def test_extents_of_what_people_do_to_a_draft():
    texts = {
        "same": DRAFT,
        "case and marks": DRAFT.upper().replace(",", ";"),
        "cut": " ".join(DRAFT.split()[:25]),
        "two words": DRAFT.replace("low", "shallow").replace("milk", "bread"),
        "doubled": DRAFT + " " + " ".join(f"word{k}" for k in range(len(DRAFT.split()))),
        "other": " ".join(f"word{k}" for k in range(40)),
    }
    found = dict(edited(frame(texts)).select("attack", "extent").iter_rows())
    assert found["same"] == found["case and marks"] == found["cut"] == 0
    assert found["two words"] == pytest.approx(2 / len(DRAFT.split()))
    assert found["doubled"] == pytest.approx(0.5)
    assert found["other"] == 1
    classes = {name: class_of(extent) for name, extent in found.items()}
    assert classes["two words"] == "light"
    assert classes["doubled"] == classes["other"] == "machine"
    assert class_of(0.15) == class_of(0.499) == "assisted"


def test_rows_without_a_draft_or_with_hardly_any_words_are_left_out():
    lonely = frame({"few": "Only five words are here", "same": DRAFT})
    assert edited(lonely)["attack"].to_list() == ["same"]
    assert edited(lonely.filter(pl.col("label") != "human")).is_empty()


def test_the_shipped_cells_are_of_licensed_sources_and_have_a_class():
    cells = edited_cells()
    assert {cell.extent for cell in cells} == {"light", "assisted", "machine"}
    assert {cell.source for cell in cells} <= {"imbd", "l2r"}
    assert all(sum(cell.counts) == cell.documents >= 5 for cell in cells)


def test_a_folder_without_the_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DetectorError, match=r"edited\.json"):
        edited_cells(tmp_path)
