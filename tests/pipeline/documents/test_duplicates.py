"""Overlaps between shards agree with the duplicate fractions of the same shards."""

import duckdb
import pytest

from auditor.pipeline.documents.duplicates import overlap_matrix, overlap_rows

# shard, cluster: two copies of cluster 1 in a, three of cluster 2 in a, one of cluster 2 in b, two of cluster 3 in b
MEMBERS = [
    ("a", 1),
    ("a", 1),
    ("a", 2),
    ("a", 2),
    ("a", 2),
    ("b", 2),
    ("b", 3),
    ("b", 3),
    *[("a", None)] * 5,
    ("b", None),
]


@pytest.fixture
def docs():
    connection = duckdb.connect()
    connection.execute("CREATE TABLE docs (role VARCHAR, shard VARCHAR, cluster_id UBIGINT)")
    connection.executemany("INSERT INTO docs VALUES ('corpus', ?, ?)", MEMBERS)
    return connection


def test_the_diagonal_counts_repeats_and_leaves_one_of_each_cluster_out(docs):
    cells = {(c.a, c.b): c for c in overlap_matrix(overlap_rows(docs, "shard"), "shard").cells}
    assert (cells["a", "a"].documents, cells["a", "a"].share_of_a) == (3, 3 / 10)
    assert (cells["b", "b"].documents, cells["b", "b"].share_of_a) == (1, 1 / 4)


def test_beside_the_diagonal_every_document_with_a_copy_in_the_other_shard_counts(docs):
    cells = {(c.a, c.b): c for c in overlap_matrix(overlap_rows(docs, "shard"), "shard").cells}
    assert (cells["a", "b"].documents, cells["a", "b"].share_of_a, cells["a", "b"].share_of_b) == (
        3,
        0.3,
        0.25,
    )
