"""A small corpus, what its audit in a folder gives, and a stand-in of an object store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.main import run as command
from tests.pipeline.run.buckets import SECRET
from tests.pipeline.runs import write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus", files=3, documents=80)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert command(["audit", str(corpus), "--out", str(run), "--workers", "1", "--quiet"]) == 0
    return run


@pytest.fixture
def store(monkeypatch) -> Iterator[Any]:
    server = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    here = server.ThreadedMotoServer(port=0)
    here.start()
    try:
        url = "http://{}:{}".format(*here.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        s3fs.S3FileSystem.clear_instance_cache()
        store = s3fs.S3FileSystem(endpoint_url=url, use_listings_cache=False)
        if store.exists("bucket"):
            store.rm("bucket", recursive=True)
        store.mkdir("bucket")
        yield store
    finally:
        here.stop()
        s3fs.S3FileSystem.clear_instance_cache()
