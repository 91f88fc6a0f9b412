"""Stable ids and resampling groups: the same everywhere, apart where documents are, together where hosts are."""

import numpy as np

from auditor.run_columns import GROUPS
from auditor.sketch.identity import groups, host_hashes, stable_ids

ROWS = np.arange(5000)


def test_ids_depend_on_corpus_shard_and_row_alone():
    ids = stable_ids("corpus", "a.parquet", ROWS)
    assert np.array_equal(ids[10:20], stable_ids("corpus", "a.parquet", ROWS[10:20]))
    others = [stable_ids("corpus", "b.parquet", ROWS), stable_ids("human", "a.parquet", ROWS)]
    assert len(np.unique(np.concatenate([ids, *others]))) == 3 * len(ROWS)


def test_an_id_is_what_it_was_in_earlier_runs():
    assert stable_ids("corpus", "a.parquet", np.array([0, 1])).dtype == np.uint64
    assert stable_ids("ab", "c", np.array([7])) != stable_ids("a", "bc", np.array([7]))


def test_documents_of_one_host_share_a_group_and_others_spread_evenly():
    hosts = host_hashes(["one.example"] * 50 + [None] * 4950)
    found = groups(hosts, stable_ids("corpus", "a", ROWS))
    assert len(set(found[:50])) == 1 and found.max() < GROUPS
    counts = np.bincount(found[50:], minlength=GROUPS)
    assert counts.min() > 0.6 * 4950 / GROUPS and counts.max() < 1.4 * 4950 / GROUPS


def test_no_host_is_zero_and_a_host_never_is():
    assert host_hashes([None, "a.example", "a.example", ""]).tolist()[0] == 0
    hashes = host_hashes(["a.example", "b.example", "a.example"])
    assert hashes[0] == hashes[2] != hashes[1] and (hashes > 0).all()
