"""A store that cannot be reached, or goes away while it is read, is named; its library's own errors don't get out."""

import pytest

from auditor.errors import ConfigError
from auditor.sources.find.files import as_os_errors
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.interface import SourceOptions
from tests.sources.corpora import MAKE, batches


@pytest.fixture
def s3(monkeypatch):
    library = pytest.importorskip("s3fs").S3FileSystem
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(library, "retries", 1)
    library.clear_instance_cache()
    yield library
    library.clear_instance_cache()


@pytest.mark.parametrize("path", ["s3://bucket/corpus", "s3://bucket/*.parquet", "s3://bucket/a.parquet"])
def test_no_network_is_said_of_a_bucket(s3, monkeypatch, path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"s3://bucket/.*: cannot be reached .*Could not connect"):
        plan_corpus([path], SourceOptions())


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".arrow", ".csv", ".wet"])
def test_a_bucket_that_goes_away_fails_the_shard(s3, monkeypatch, suffix):
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = s3(endpoint_url=url)
        if not store.exists("away"):  # its memory outlives a server
            store.mkdir("away")
        store.pipe(f"away/a{suffix}", MAKE[suffix]([f"document {i}" for i in range(30)]))
        (shard,) = plan_corpus([f"s3://away/a{suffix}"], SourceOptions()).shards
    finally:
        server.stop()
    found, failure = batches(shard)
    assert not found and failure is not None and f"s3://away/a{suffix}" in str(failure)


def test_errors_of_other_kinds_are_left_as_they_are():
    for error in (KeyError("x"), PermissionError("denied")):
        with pytest.raises(type(error)), as_os_errors():
            raise error
