"""The plan: what is found under paths, how it is named, and what is refused."""

import gzip
import io
import json
import re
import tarfile

import polars as pl
import pytest

from auditor.errors import ConfigError
from auditor.sources.find import files
from auditor.sources.find.plan import is_unchanged, plan_corpus
from auditor.sources.read.interface import Corpus, SourceOptions
from tests.sources.corpora import COMPRESS, TEXTS, batches, jsonl, parquet, plan, put

OPTIONS = SourceOptions()


def test_a_plan_survives_json(tmp_path):
    put(tmp_path, "a.parquet", parquet(TEXTS))
    put(tmp_path, "b/c.jsonl.gz", COMPRESS[".gz"](jsonl(TEXTS)))
    put(tmp_path, "b/broken.parquet", b"PAR1 and no footer")
    corpus = plan(tmp_path)
    assert Corpus.from_dict(json.loads(json.dumps(corpus.as_dict()))) == corpus
    assert [shard.name for shard in corpus.shards] == ["a.parquet", "b/c.jsonl.gz"]
    assert [unread.name for unread in corpus.failed] == ["b/broken.parquet"]


def test_a_mistyped_path_never_passes_and_its_like_is_named(tmp_path):
    put(tmp_path, "corpus/a.jsonl", jsonl(TEXTS))
    with pytest.raises(ConfigError, match=r"corpuss.*did you mean .*corpus\?"):
        plan(tmp_path / "corpuss")
    with pytest.raises(ConfigError, match="no such file"):
        plan(tmp_path / "quite different" / "path")
    with pytest.raises(ConfigError, match="nothing matches"):
        plan(tmp_path / "corpus" / "*.parquet")
    with pytest.raises(ConfigError, match="no corpus given"):
        plan_corpus([], OPTIONS)


def test_an_empty_folder_and_one_without_known_formats_are_errors(tmp_path):
    with pytest.raises(ConfigError, match="nothing to read"):
        plan(tmp_path)
    put(tmp_path, "table.xlsx", b"PK\x03\x04")
    put(tmp_path, "empty.jsonl", b"")
    with pytest.raises(ConfigError, match="Excel"):
        plan(tmp_path)


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("a.xlsx", b"PK\x03\x04", "zip archive"),
        ("a.pdf", b"%PDF-1.7", "PDF"),
        ("a.zip", b"PK\x03\x04", "zip archive"),
        ("a.pkl", b"\x80\x04\x95aaaa", "pickle"),
        ("a.exe", b"MZ\0\0", "no known format"),
    ],
)
def test_a_format_that_is_not_read_is_refused_by_name(tmp_path, name, octets, said):
    with pytest.raises(ConfigError, match=said):
        plan(put(tmp_path, name, octets))
    put(tmp_path, "good.jsonl", jsonl(TEXTS))
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["good.jsonl"]
    assert [unread.name for unread in corpus.ignored] == [name]


@pytest.mark.parametrize(
    ("name", "octets", "said"),
    [
        ("a.parquet", b'{"text": "json"}\n', "doesn't begin with"),
        ("a.parquet", parquet(TEXTS)[:-20], "truncated"),
        ("a.jsonl", b"id,text\n1,hello\n", "no JSON object"),
        ("a.json", b'[{"text": "a"}]', "array"),
        ("a.jsonl.gz", COMPRESS[".gz"](jsonl(TEXTS))[:15], "gz"),
        ("a.warc", b"<html>", "doesn't begin with"),
    ],
)
def test_a_file_that_cannot_be_read_fails_alone_and_is_named(tmp_path, name, octets, said):
    put(tmp_path, name, octets)
    put(tmp_path, "good.jsonl", jsonl(TEXTS))
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["good.jsonl"]
    (unread,) = corpus.failed
    assert unread.name == name and said in unread.reason and name in unread.reason


def test_content_wins_where_the_name_lies(tmp_path):
    put(tmp_path, "served.json.gz", jsonl(TEXTS))
    put(tmp_path, "packed.jsonl", COMPRESS[".zst"](jsonl(TEXTS)))
    put(tmp_path, "table.jsonl", parquet(TEXTS))
    found = {shard.name: (shard.format, shard.compression) for shard in plan(tmp_path).shards}
    assert found == {
        "packed.jsonl": ("jsonl", "zst"),
        "served.json.gz": ("jsonl", None),
        "table.jsonl": ("parquet", None),
    }


def test_a_missing_text_column_is_an_error_with_the_columns_and_the_option(tmp_path):
    path = put(tmp_path, "a.jsonl", b'{"words": "x", "n": 1}\n')
    with pytest.raises(ConfigError, match=r"'words', 'n'.*--text-column"):
        plan(path)
    assert plan(path, text_column="words").shards[0].columns.text == "words"
    with pytest.raises(ConfigError, match=r"no column 'wrods'.*'words'"):
        plan(path, text_column="wrods")


def test_a_column_of_text_must_hold_text(tmp_path):
    path = put(tmp_path, "a.parquet", parquet(TEXTS))
    pl.DataFrame({"text": [1, 2]}).write_parquet(path)
    with pytest.raises(ConfigError, match="holds"):
        plan(path)


def test_names_stay_unique_over_several_roots_and_nothing_is_read_twice(tmp_path):
    for root in ("x", "y", "z/x"):
        put(tmp_path / root, "part.jsonl", jsonl([root]))
    roots = [str(tmp_path / root) for root in ("x", "y", "z/x")]
    corpus = plan_corpus([*roots, roots[0] + "/part.jsonl"], OPTIONS)
    assert [shard.name for shard in corpus.shards] == ["x/part.jsonl", "y/part.jsonl", "x~2/part.jsonl"]
    assert [unread.reason for unread in corpus.ignored] == ["given twice"]


def test_globs_find_what_they_say(tmp_path):
    for name in ("a/1.jsonl", "a/2.jsonl", "b/1.jsonl", "b/deep/3.jsonl", "b/notes.md"):
        put(tmp_path, name, jsonl([name]))
    assert [s.name for s in plan(f"{tmp_path}/*/1.jsonl").shards] == ["a/1.jsonl", "b/1.jsonl"]
    assert [s.name for s in plan(f"{tmp_path}/b/**").shards] == ["1.jsonl", "deep/3.jsonl"]
    odd = put(tmp_path, "odd[1].jsonl", jsonl(["odd"]))
    assert [s.name for s in plan(odd).shards] == ["odd[1].jsonl"]


@pytest.mark.parametrize("name", ["-dash.jsonl", "new\nline.jsonl", "..jsonl", "a b'\".jsonl", "ü.jsonl"])
def test_odd_names_are_read_like_others(tmp_path, name):
    put(tmp_path / "c", name, jsonl(TEXTS))
    corpus = plan(tmp_path / "c" / name)
    assert corpus.shards[0].name == name
    assert batches(corpus.shards[0])[0][0].frame["text"].to_list() == TEXTS


def test_standard_input_is_kept_for_the_second_pass_and_is_the_same_shard_again(tmp_path):
    options = SourceOptions(spool=tmp_path / "spool")
    octets = COMPRESS[".gz"](jsonl(TEXTS))
    shards = [plan_corpus(["-"], options, stdin=io.BytesIO(octets)).shards for _ in range(2)]
    assert shards[0] == shards[1]
    (shard,) = shards[0]
    assert (shard.name, shard.format, shard.compression) == ("standard-input", "jsonl", "gz")
    assert batches(shard)[0][0].frame["text"].to_list() == TEXTS
    with pytest.raises(ConfigError, match="standard input"):
        plan_corpus(["-"], OPTIONS, stdin=io.BytesIO(octets))


def test_a_changed_file_is_noticed(tmp_path):
    import os

    path = put(tmp_path, "a.jsonl", jsonl(TEXTS))
    (shard,) = plan(path).shards
    assert is_unchanged(shard, OPTIONS)
    octets = path.read_bytes()
    stamp = path.stat().st_mtime_ns
    path.write_bytes(octets.replace(b"plain", b"plane"))
    os.utime(path, ns=(stamp, stamp))
    assert not is_unchanged(shard, OPTIONS)
    path.unlink()
    assert not is_unchanged(shard, OPTIONS)


def test_hidden_files_and_markers_are_passed_over_and_said(tmp_path):
    put(tmp_path, "a.jsonl", jsonl(TEXTS))
    put(tmp_path, "_SUCCESS", b"")
    put(tmp_path, ".cache/b.jsonl", jsonl(TEXTS))
    corpus = plan(tmp_path)
    assert len(corpus.shards) == 1 and [u.name for u in corpus.ignored] == [".cache/b.jsonl", "_SUCCESS"]


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ConfigError) as caught:
        plan_corpus(["s3://key:verysecret@bucket/x"], OPTIONS)
    assert "verysecret" not in str(caught.value)


def test_a_url_whose_package_is_absent_names_the_command_to_install_it(monkeypatch):
    import fsspec.core

    def absent(*_args, **_options):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", absent)
    with pytest.raises(ConfigError, match=r"pip install 'corpus-auditor\[s3\]'"):
        plan_corpus(["s3://bucket/x"], OPTIONS)


def test_files_behind_fsspec_are_read_like_local_ones(monkeypatch):
    monkeypatch.setattr(files, "PROTOCOLS", files.PROTOCOLS | {"memory"})
    import fsspec

    fs = fsspec.filesystem("memory")
    for name, octets in (("a.jsonl.gz", COMPRESS[".gz"](jsonl(TEXTS))), ("d/b.parquet", parquet(TEXTS)), ("c.md", b"")):
        fs.pipe_file(f"/bucket/{name}", octets)
    corpus = plan_corpus(["memory://bucket"], OPTIONS)
    assert [shard.name for shard in corpus.shards] == ["a.jsonl.gz", "d/b.parquet"]
    for shard in corpus.shards:
        assert batches(shard)[0][0].frame["text"].to_list() == TEXTS
    assert len(plan_corpus(["memory://bucket/*.gz"], OPTIONS).shards) == 1
    with pytest.raises(ConfigError, match="no such file"):
        plan_corpus(["memory://bucket/missing"], OPTIONS)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.txt.gz"])
def test_a_tar_archive_of_files_under_another_name_is_refused_as_what_it_is(tmp_path, name):
    """Its first record was lost in the archive's own header."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo("inside.jsonl")
        entry.size = len(jsonl(TEXTS))
        archive.addfile(entry, io.BytesIO(jsonl(TEXTS)))
    packed = gzip.compress(sink.getvalue()) if name.endswith(".gz") else sink.getvalue()
    put(tmp_path, "good.jsonl", jsonl(TEXTS))
    put(tmp_path, name, packed)
    corpus = plan(tmp_path)
    assert [shard.name for shard in corpus.shards] == ["good.jsonl"]
    assert re.search("a tar archive .* unpack it first", corpus.failed[0].reason)
