"""The file beside a shard: the shard's own before the folder's; a broken one is never taken for silence."""

import json

import pytest

from auditor.errors import ConfigError
from auditor.pipeline.documents.sidecar import LARGEST_SIDECAR, sidecar
from auditor.sources.read.interface import Shard


def shard(path) -> Shard:
    return Shard("a.parquet", str(path), "parquet", None, 1, 0.0, "f")


def test_the_shards_own_file_comes_before_that_of_its_folder(tmp_path):
    (tmp_path / "provenance.json").write_text('{"licence": "of the folder"}')
    assert sidecar(shard(tmp_path / "a.parquet")) == {"licence": "of the folder"}
    (tmp_path / "a.parquet.provenance.json").write_text('{"licence": "its own"}')
    assert sidecar(shard(tmp_path / "a.parquet")) == {"licence": "its own"}


@pytest.mark.parametrize("content", ["{", "[1]", '"text"', "[" * 100_000])
def test_a_broken_file_is_an_error_that_names_it_unless_it_may_be_broken(tmp_path, content):
    (tmp_path / "provenance.json").write_text(content)
    with pytest.raises(ConfigError, match=r"provenance\.json"):
        sidecar(shard(tmp_path / "a.parquet"))
    assert sidecar(shard(tmp_path / "a.parquet"), strict=False) == {}


def test_without_a_file_and_for_a_url_nothing_is_stated(tmp_path):
    assert sidecar(shard(tmp_path / "a.parquet")) == {}
    assert sidecar(shard("s3://bucket/a.parquet")) == {}


def test_a_huge_file_is_not_read(tmp_path):
    (tmp_path / "provenance.json").write_text(json.dumps({"licence": "x" * LARGEST_SIDECAR}))
    assert sidecar(shard(tmp_path / "a.parquet")) == {}
