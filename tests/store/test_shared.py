"""One store for many audits: copies replace themselves, writers wait for each other, strangers are left alone."""

import multiprocessing

import duckdb
import pytest

from auditor.errors import ConfigError, StoreError
from auditor.store.database import SHARED_TABLES, StoreLocked, connect, create_tables, query
from auditor.store.shared import check_store, copy_audit, open_store


def run_of(path, audit_id):
    with connect(path) as connection:
        create_tables(connection)
        connection.execute(
            """INSERT INTO audits BY NAME SELECT ? AS audit_id, 'c' AS corpus, now()::TIMESTAMP AS started_at,
               now()::TIMESTAMP AS finished_at, '1' AS version, 'h' AS config_hash, 'k' AS calibration,
               '{}' AS config, '{}' AS seeds, true AS complete, 'd' AS digest""",
            [audit_id],
        )
        connection.execute(
            "INSERT INTO estimates BY NAME SELECT ? AS audit_id, 'corpus' AS scope_kind, 'corpus' AS scope, "
            "'q' AS quantity, 0.1 AS value, 0.95 AS level, 'm' AS method, 1 AS n, 'measured' AS status",
            [audit_id],
        )
    return path


def audits(store) -> list[str]:
    with open_store(store) as connection:
        return query(connection, "SELECT audit_id FROM audits ORDER BY 1")["audit_id"].to_list()


def test_copies_add_up_and_replace_themselves(tmp_path):
    store = tmp_path / "s.duckdb"
    for name in ("a", "b", "a"):
        copy_audit(run_of(tmp_path / f"{name}{len(list(tmp_path.iterdir()))}.duckdb", name), store)
    assert audits(store) == ["a", "b"]
    with open_store(store) as connection:
        assert query(connection, "SELECT count(*) FROM estimates").item() == 2
    assert "documents" not in SHARED_TABLES


def copy(run, store):
    copy_audit(run, store, wait=60)


def test_audits_that_finish_together_all_arrive(tmp_path):
    store = tmp_path / "s.duckdb"
    runs = [run_of(tmp_path / f"{i}.duckdb", f"audit{i}") for i in range(5)]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=copy, args=(run, store)) for run in runs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 5
    assert audits(store) == [f"audit{i}" for i in range(5)]


def hold(path, ready, release):
    connection = duckdb.connect(str(path))
    ready.set()
    release.wait(60)
    connection.close()


def test_a_held_store_is_waited_for_and_then_said(tmp_path):
    store, run = tmp_path / "s.duckdb", run_of(tmp_path / "r.duckdb", "a")
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(store, ready, release))
    holder.start()
    assert ready.wait(60)
    slept = []
    with pytest.raises(StoreLocked, match="open in another program"):
        copy_audit(run, store, wait=1, clock=lambda: float(len(slept)), sleep=slept.append)
    assert slept
    check_store(store)  # in use at this moment, free again when the audit ends
    release.set()
    holder.join(60)
    assert copy_audit(run, store) == "a"


def test_a_store_that_breaks_off_is_said_to_be_damaged(tmp_path):
    store, run = tmp_path / "s.duckdb", tmp_path / "r.duckdb"
    run_of(run, "a")
    with connect(run) as connection:  # so many rows that they are read in later blocks
        connection.execute(
            "INSERT INTO estimates SELECT e.* REPLACE (random()::VARCHAR AS scope) FROM estimates e, range(200000)"
        )
    copy_audit(run, store)
    with store.open("r+b") as file:
        file.truncate(store.stat().st_size // 2)
    with (
        pytest.raises(StoreError, match=r"damaged|cannot be opened|not a readable DuckDB file"),
        open_store(store) as connection,
    ):
        query(connection, "SELECT max(scope) FROM estimates")


def test_what_is_not_ours_or_damaged_is_left_as_it_was(tmp_path):
    run = run_of(tmp_path / "r.duckdb", "a")
    damaged, foreign = tmp_path / "damaged.duckdb", tmp_path / "foreign.duckdb"
    damaged.write_bytes(b"not a database" * 1000)
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("CREATE TABLE thesis (page INTEGER)")
    for store in (damaged, foreign):
        before = store.read_bytes()
        with pytest.raises(StoreError):
            copy_audit(run, store)
        with pytest.raises(StoreError):
            check_store(store)
        assert store.read_bytes() == before
    with pytest.raises(ConfigError, match="no store"):
        open_store(tmp_path / "none.duckdb")
    check_store(tmp_path / "new.duckdb")
    assert not (tmp_path / "new.duckdb").exists()
    with pytest.raises(ConfigError, match="no folder"):
        check_store(tmp_path / "none" / "s.duckdb")
    with pytest.raises(ConfigError, match="no folder"):
        copy_audit(run, tmp_path / "none" / "s.duckdb")
