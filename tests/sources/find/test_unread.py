"""Files passed over: counted by reason, descriptions apart."""

import json

import pytest

from auditor.sources.find.formats import SIDECAR, is_sidecar
from auditor.sources.find.unread import UnreadCounts, sentence, unread_counts
from tests.sources.corpora import TEXTS, jsonl, plan, put, read

DESCRIPTIONS = (
    "README README.md README.txt readme.rst README.de.md LICENSE LICENSE.txt LICENSE-APACHE LICENSE_CC.txt COPYING "
    "NOTICE CITATION.cff a.jsonl.provenance.json provenance.json dataset_info.json dataset_infos.json state.json "
    "dataset_dict.json SHA256SUMS a.jsonl.sha256 checksums.txt md5sums.txt croissant.json"
).split()
DOCUMENTS = (
    "readmelater.txt reader.txt license_plates.jsonl notices.txt provenance.jsonl states.json authors.jsonl "
    "license.csv README.jsonl manifest.jsonl statement.json"
).split()


def test_descriptions_are_told_from_documents():
    assert [name for name in DESCRIPTIONS if not is_sidecar(f"some/where/{name}")] == []
    assert [name for name in DOCUMENTS if is_sidecar(f"some/where/{name}")] == []


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_is_neither_a_document_nor_a_fault(tmp_path, name):
    put(tmp_path, "data/a.jsonl", jsonl(TEXTS))
    text = json.dumps({"text": "No document.", "licence": "CC0", "origin": "x"}).encode()
    for folder in ("", "data/"):
        put(tmp_path, folder + name, text)
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["data/a.jsonl"] and corpus.failed == ()
    assert {unread.reason for unread in corpus.ignored} == {SIDECAR}
    assert unread_counts(corpus, {}, {"data/a.jsonl": len(TEXTS)}) == UnreadCounts(0, 0, 0, {})


def test_a_description_that_the_user_names_is_a_document(tmp_path):
    path = put(tmp_path, "README.txt", b"Read me as a document.")
    assert read(path)[0]["text"].to_list() == ["Read me as a document."]


def test_a_readme_in_a_folder_of_texts_is_no_document(tmp_path):
    for name in ("a.txt", "b.txt", "README.txt", "LICENSE.txt"):
        put(tmp_path, f"texts/{name}", name.encode())
    assert read(tmp_path)[0]["doc_id"].to_list() == ["a.txt", "b.txt"]


def test_files_passed_over_are_counted_by_reason(tmp_path):
    put(tmp_path, "a.jsonl", jsonl(TEXTS))
    put(tmp_path, "empty.jsonl", b"")
    put(tmp_path, "_data/b.jsonl", jsonl(TEXTS))
    put(tmp_path, "_data/c.jsonl", jsonl(TEXTS))
    put(tmp_path, "c.jsonl.lz4", b"\x04\x22\x4d\x18xx")
    put(tmp_path, "bad.arrow", b"ARROW1\0\0")
    put(tmp_path, ".hidden", b"x")
    put(tmp_path, "README.md", b"x")
    corpus = plan(tmp_path)
    counts = unread_counts(corpus, {"a.jsonl": {"bad_json": 3}}, {"a.jsonl": 5})
    assert (counts.records, counts.files, counts.shards) == (3, 6, 1)
    assert sum(counts.by_reason.values()) == counts.records + counts.files
    assert counts.by_reason["in a folder whose name begins with a dot or an underscore"] == 2
    assert counts.by_reason["empty"] == counts.by_reason["the file could not be read"] == 1
    assert "Not read: 3 records and 6 files. Reasons: " in sentence(counts)


def test_a_shard_of_which_nothing_was_read_is_counted(tmp_path):
    corpus = plan(put(tmp_path, "a.jsonl", b'{"text": ["x"]}\n' * 5))
    assert unread_counts(corpus, {"a.jsonl": {"no_text": 5}}, {"a.jsonl": 0}).shards == 1
    assert unread_counts(corpus, {"a.jsonl": {}}, {"a.jsonl": 5}) == UnreadCounts(0, 0, 0, {})
    assert sentence(UnreadCounts(0, 0, 0, {})) == ""
