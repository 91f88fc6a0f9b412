"""Atoms: every document is in exactly one, small kinds are together, and the layout of files changes nothing."""

import numpy as np
import polars as pl

from auditor.estimate.fraction.atoms import LEAST_DOCUMENTS, atoms_of
from tests.estimate.fraction.worlds import atoms


def sizes(*rows):
    return pl.DataFrame(
        rows, schema={"scope": pl.String, "language": pl.String, "kind": pl.String, "n": pl.Int64}, orient="row"
    )


def test_large_kinds_are_atoms_and_the_others_one_together():
    plan = atoms_of(sizes(("s", "en", "en/a", 400), ("s", "en", "en/b", 90), ("s", "en", "en/c", 100)))
    groups = dict(plan.select("kind", "group").iter_rows())
    assert groups == {"en/a": "en/a", "en/b": "en/rest", "en/c": "en/rest"}
    assert plan["n"].sum() == 590


def test_a_handful_joins_the_largest_kind_of_its_language_but_never_another_language():
    plan = atoms_of(sizes(("s", "en", "en/a", 400), ("s", "en", "en/b", 9), ("s", "de", "de/a", 9)))
    groups = dict(plan.select("kind", "group").iter_rows())
    assert groups == {"en/a": "en/a", "en/b": "en/a", "de/a": "de/rest"}


def test_a_small_scope_is_one_atom():
    plan = atoms_of(sizes(("s", "en", "en/a", 3), ("s", "en", "en/b", 4)))
    assert plan["atom"].n_unique() == 1 and plan["group"].unique().to_list() == ["en/rest"]


def test_the_least_size_is_what_it_says():
    plan = atoms_of(sizes(("s", "en", "en/a", LEAST_DOCUMENTS), ("s", "en", "en/b", LEAST_DOCUMENTS - 1)))
    assert dict(plan.select("kind", "group").iter_rows()) == {"en/a": "en/a", "en/b": "en/a"}


def test_atoms_of_two_audits_stand_side_by_side_and_share_groups_by_name():
    rng = np.random.default_rng(1)
    a = atoms({"x": rng.normal(size=30)}, kinds={"x": "en/a"})["en"]
    b = atoms({"y": rng.normal(size=40)}, kinds={"y": "en/b"})["en"]
    c = atoms({"z": rng.normal(size=50)}, kinds={"z": "en/a"})["en"]
    joined = a + b + c
    assert joined.groups == ("en/a", "en/b")
    assert joined.group.tolist() == [0, 1, 0]
    assert joined.counts.sizes.tolist() == [30, 40, 50]
