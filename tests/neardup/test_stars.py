"""Buckets to stars and stars to components, against their definitions."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.neardup.components import components
from auditor.neardup.stars import EDGES, exact_duplicates, stars

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 15)), max_size=60)


def bands_of(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"band": pl.UInt8, "hash": pl.UInt64, "document": pl.UInt64}, orient="row")


def naive_stars(rows: list[tuple[int, int, int]], without: set[int]) -> list[tuple[int, int]]:
    found = []
    for bucket in {row[:2] for row in rows}:
        inside = sorted({d for *key, d in rows if tuple(key) == bucket} - without)
        found += [(d, inside[0]) for d in inside[1:]]
    return sorted(found)


@given(ROWS, st.sets(st.integers(0, 15)))
def test_each_bucket_is_one_star_to_its_smallest_id(rows, without):
    edges = stars(bands_of(rows), without=np.array(sorted(without), np.uint64))
    assert edges.schema == EDGES and edges.rows() == naive_stars(rows, without)


@given(ROWS)
def test_partitions_that_keep_buckets_whole_give_the_same_edges(rows):
    frame = bands_of(rows)
    parts = [stars(frame.filter((pl.col("hash") % 3 == i) & (pl.col("band") == b))) for i in range(3) for b in range(3)]
    assert pl.concat(parts).sort("document", "centre").equals(stars(frame))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 99)), max_size=30, unique_by=lambda r: r[2])
)
def test_copies_point_to_the_smallest_id_of_their_text_and_half_a_hash_is_not_enough(rows):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("content_1", "content_2", "document"), pl.UInt64), orient="row")
    expected = {}
    for *key, d in rows:
        first = min(other for *k, other in rows if k == key)
        if first != d:
            expected[d] = first
    assert dict(exact_duplicates(frame).iter_rows()) == expected


@pytest.mark.parametrize("parts", [1, 3])
@given(edges=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_components_are_those_of_a_walk_over_the_graph(parts, edges):
    frame = pl.DataFrame(edges, schema=EDGES, orient="row")
    found = components([frame[i::parts].lazy() for i in range(parts)])
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    walked, expected = set(), []
    for start in sorted(near):
        if start not in walked:
            inside, todo = set(), [start]
            while todo:
                node = todo.pop()
                if node not in inside:
                    inside.add(node)
                    todo += near[node]
            walked |= inside
            expected.append(sorted(inside))
    got = [found.documents[a:b].tolist() for a, b in zip(found.starts, found.starts[1:], strict=False)]
    assert got == expected and found.edges == len(edges)
    assert found.documents[found.place(found.documents)].tolist() == found.documents.tolist()
    assert found.place(np.array([31, 10**9], np.uint64)).tolist() == [-1, -1]


def test_nothing_in_gives_nothing_out():
    assert stars(bands_of([])).is_empty()
    empty = components([pl.DataFrame(schema=EDGES).lazy()])
    assert len(empty.documents) == 0 and empty.place(np.array([1], np.uint64)).tolist() == [-1]
