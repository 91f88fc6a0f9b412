"""Kinds of input: tables without a name, UTF-16 and UTF-32, pipes; a mistyped column."""

import io
import os
import threading

import pytest

from auditor.errors import ConfigError
from auditor.sources.find.plan import plan_corpus
from auditor.sources.open.lines import wide_encoding, without_bom
from auditor.sources.read.interface import SourceOptions
from tests.sources.corpora import COMPRESS, TEXTS, batches, delimited, jsonl, plan, put, read

WORDS = ["A plain sentence.", "Zwei Sätze mit Umlauten.", "日本語のテキスト", "emoji 😀"]


def texts_of(corpus, options) -> list[str]:
    (shard,) = corpus.shards
    found, failure = batches(shard, spool=options.spool)
    assert failure is None
    return [text for batch in found for text in batch.frame["text"].to_list()]


@pytest.mark.parametrize("packed", ["", ".gz", ".zst"])
@pytest.mark.parametrize(("delimiter", "format"), [(",", "csv"), (";", "csv"), ("\t", "tsv"), ("|", "csv")])
def test_a_table_on_standard_input_is_a_table(tmp_path, delimiter, format, packed):
    options = SourceOptions(spool=tmp_path)
    octets = COMPRESS[packed](delimited(TEXTS, delimiter))
    corpus = plan_corpus(["-"], options, stdin=io.BytesIO(octets))
    assert corpus.shards[0].format == format and texts_of(corpus, options) == TEXTS


def test_a_text_with_commas_on_standard_input_is_a_text(tmp_path):
    options = SourceOptions(spool=tmp_path)
    for text in (b"Text, content, and more,\nof the same.\n", b"One line, with text, only", b"id,name\n1,x\n"):
        corpus = plan_corpus(["-"], options, stdin=io.BytesIO(text))
        assert corpus.shards[0].format == "text" and texts_of(corpus, options) == [text.decode()]


ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texts_in_wide_encodings_are_decoded(tmp_path, encoding):
    long = "The baker walked past the broken bridge. " * 40
    assert read(put(tmp_path, "one/a.txt", long.encode(encoding)))[0]["text"].to_list() == [long]
    for i, text in enumerate((long, long + "2")):
        put(tmp_path, f"many/{i}.txt", text.encode(encoding))
    assert read(tmp_path / "many")[0]["text"].to_list() == [long, long + "2"]


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv"])
def test_tables_and_lines_in_wide_encodings_are_decoded(tmp_path, suffix, encoding, packed):
    made = {".jsonl": jsonl(WORDS), ".csv": delimited(WORDS), ".tsv": delimited(WORDS, "\t")}[suffix]
    octets = COMPRESS[packed](made.decode().encode(encoding))
    frame, skips, _, failure = read(put(tmp_path, f"a{suffix}{packed}", octets), split_bytes=200)
    assert frame["text"].to_list() == WORDS and (skips, failure) == ({}, None)


def test_other_texts_are_not_taken_for_wide_ones():
    for octets in (b"", b"a\0b", b"plain text " * 9, "日本語".encode() * 9, bytes(600), b"\0" * 8 + b"x" * 300):
        assert wide_encoding(octets) is None
        assert b"".join(without_bom([octets[i : i + 3] for i in range(0, len(octets), 3)])) == octets


@pytest.mark.parametrize("name", ["pipe.jsonl", "pipe.csv", "pipe"])
def test_a_pipe_is_read_like_a_file(tmp_path, name):
    os.mkfifo(path := tmp_path / name)
    octets = delimited(TEXTS) if name.endswith("csv") else jsonl(TEXTS)
    writer = threading.Thread(target=lambda: path.write_bytes(octets))
    writer.start()
    options = SourceOptions(spool=tmp_path / "spool")
    corpus = plan_corpus([str(path)], options)
    writer.join()
    assert texts_of(corpus, options) == TEXTS and corpus.shards[0].name == name


def test_a_process_substitution_is_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, jsonl(WORDS))
    os.close(writing)
    options = SourceOptions(spool=tmp_path)
    corpus = plan_corpus([f"/dev/fd/{reading}"], options)
    os.close(reading)
    assert texts_of(corpus, options) == WORDS and corpus.shards[0].name == f"pipe-{reading}"


def test_a_pipe_inside_a_folder_is_passed_over_and_said(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    put(tmp_path, "a.jsonl", jsonl(WORDS))
    corpus = plan(tmp_path)
    assert [u.reason for u in corpus.ignored] == ["a pipe or device; name it itself to have it read"]


def test_a_column_that_most_files_lack_is_an_error_and_not_an_audit_of_the_rest(tmp_path):
    put(tmp_path, "0.jsonl", b'{"body": "a text", "text": "x"}\n')
    for i in range(1, 6):
        put(tmp_path, f"{i}.jsonl", b'{"text": "a text"}\n')
    with pytest.raises(ConfigError, match=r"5 of 6 files lack a column .* no column 'body' \(--text-column\)"):
        plan(tmp_path, text_column="body")
    few = plan(put(tmp_path, "6.jsonl", b'{"other": "a text"}\n').parent, text_column="text")
    assert [unread.name for unread in few.failed] == ["6.jsonl"] and len(few.shards) == 6


def test_the_hint_for_an_array_is_a_command_that_runs(tmp_path):
    put(tmp_path, "good.jsonl", b'{"text": "x"}\n')
    put(tmp_path, "a.json.gz", COMPRESS[".gz"](b'[{"text": "x"}]'))
    put(tmp_path, "b.json", b'{\n"text": "x"\n}\n')
    array, pretty = plan(tmp_path).failed
    assert "gzip -dc FILE | jq -c '.[]' > FILE.jsonl" in array.reason
    assert "cat FILE | jq -c . > FILE.jsonl" in pretty.reason
