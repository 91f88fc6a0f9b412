"""Provenance of a real run: valid Croissant and PROV, and a corpus that is checked by its content."""

import gzip
import json
import shutil

import pytest

from auditor.cli.main import run as command
from auditor.pipeline.finished.record import write_record
from auditor.pipeline.finished.verify import verify
from auditor.pipeline.run.reopen import open_database
from auditor.store.database import query


@pytest.fixture
def corpus(sample, tmp_path):
    return shutil.copytree(sample, tmp_path / sample.name)


def test_the_record_holds_every_shard_with_what_it_declares_and_what_was_measured(audited, report):
    found = write_record(audited, "json")
    assert [line["shard"] for line in found["ledger"]] == [shard["shard"] for shard in report["shards"]]
    for line in found["ledger"]:
        assert line["measured_synthetic_fraction"]["method"]
        assert line["declared_synthetic_share"] is None  # no column and no sidecar has a place for a generator
    assert found["top_hosts"]["listed"] == -(-found["top_hosts"]["hosts"] // 10)


def test_the_ledger_stands_in_the_store_too(audited):
    with open_database(audited) as connection:
        found = query(connection, "SELECT shard, value FROM provenance WHERE name = 'digest' ORDER BY shard")
    ledger = write_record(audited, "json")["ledger"]
    assert found.rows() == sorted((line["shard"], line["digest"]) for line in ledger)


def test_croissant_has_the_terms_of_its_specification(audited):
    found = write_record(audited, "croissant")
    assert found["conformsTo"][0] == "http://mlcommons.org/croissant/1.0"
    assert "interval" in found["rai:syntheticDataExplanation"]
    assert all(len(file["sha256"]) == 64 for file in found["distribution"])
    assert found["prov:wasGeneratedBy"]["@type"] == "prov:Activity"


def test_croissant_is_valid_by_its_own_library(audited, tmp_path):
    import mlcroissant

    path = tmp_path / "croissant.json"
    assert command(["provenance", str(audited), "--format", "croissant", "--out", str(path)]) == 0
    metadata = mlcroissant.Dataset(str(path)).metadata  # raises where it is not valid
    assert not metadata.ctx.issues.errors
    assert len(metadata.distribution) == len(write_record(audited, "json")["ledger"])


def test_prov_refers_to_nothing_that_it_does_not_define(audited):
    found = write_record(audited, "prov")
    defined = {name for kind in ("entity", "activity", "agent") for name in found[kind]}
    for kind in ("used", "wasGeneratedBy", "wasAssociatedWith", "wasDerivedFrom", "wasAttributedTo"):
        for relation in found.get(kind, {}).values():
            assert set(relation.values()) <= defined
    assert len(found["used"]) == len(found["entity"]) - 1


def test_prov_is_read_by_the_w3c_toolkit(audited):
    from prov.model import ProvActivity, ProvDocument

    found = write_record(audited, "prov")
    document = ProvDocument.deserialize(content=json.dumps(found))
    assert len(list(document.get_records())) >= len(found["entity"]) + len(found["used"])
    (activity,) = document.get_records(ProvActivity)
    assert activity.get_startTime() is not None


def test_the_same_corpus_verifies_wherever_it_lies(audited, corpus):
    assert verify(audited, [str(corpus)]).verdict == "same"
    assert command(["verify", str(audited), str(corpus)]) == 0


def test_a_changed_word_a_missing_file_and_a_new_one_are_named(audited, corpus, capsys):
    path = corpus / "part-1.jsonl.gz"
    octets = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(octets.replace(b" the ", b" teh ", 1)))
    assert verify(audited, [str(corpus)]).compared.changed == ("part-1.jsonl.gz",)
    (corpus / "part-0.parquet").unlink()
    (corpus / "extra.jsonl").write_text(json.dumps({"text": "one more document here"}) + "\n")
    found = verify(audited, [str(corpus)])
    assert (found.compared.missing, found.compared.new) == (("part-0.parquet",), ("extra.jsonl",))
    assert command(["verify", str(audited), str(corpus), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "changed"


def test_shuffled_and_renamed_files_are_the_same_content(audited, corpus):
    path = corpus / "part-1.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.unlink()
    (corpus / "renamed.jsonl.gz").write_bytes(gzip.compress(b"".join(reversed(lines))))
    found = verify(audited, [str(corpus)])
    assert found.verdict == "rearranged"
    assert found.compared.moved == {"renamed.jsonl.gz": "part-1.jsonl.gz"}


def test_a_damaged_file_is_unreadable_not_changed(audited, corpus):
    path = corpus / "part-1.jsonl.gz"
    path.write_bytes(path.read_bytes()[:2000])
    found = verify(audited, [str(corpus)])
    assert found.verdict == "unreadable"
    assert command(["verify", str(audited), str(corpus)]) == 3


def test_mistakes_are_said(audited, tmp_path, capsys):
    assert command(["provenance", str(audited), "--format", "xml"]) == 2
    assert command(["provenance", str(tmp_path / "none")]) == 2
    assert command(["verify", str(audited), str(tmp_path / "none")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_sidecar_is_read_and_a_broken_one_said(sample, tmp_path, capsys):
    folder = tmp_path / "corpus"
    folder.mkdir()
    shutil.copy(sample / "part-1.jsonl.gz", folder)
    run = tmp_path / "run"
    assert command(["audit", str(folder), "--out", str(run), "--quiet"]) == 0
    beside = folder / "part-1.jsonl.gz.provenance.json"
    beside.write_text('{"licence": "CC0-1.0", "origin": "a press archive"}')
    found = write_record(run, "json")["ledger"][0]
    assert (list(found["licences"]), found["origin"]) == (["CC0-1.0"], "a press archive")
    assert write_record(run, "croissant")["license"] == ["CC0-1.0"]
    beside.write_text("{")
    assert command(["provenance", str(run)]) == 2
    assert "provenance.json" in capsys.readouterr().err
