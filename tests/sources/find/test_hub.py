"""A dataset on the hub is read at one commit, which its paths name; what the hub refuses is said."""

import json
from pathlib import Path

import pytest

from auditor.cli.main import run as command
from auditor.config import load
from auditor.errors import ConfigError
from auditor.pipeline.audit import audit
from auditor.sources.find.plan import plan_corpus
from auditor.sources.read.chooser import read_split
from auditor.sources.read.interface import SourceOptions
from tests.sources.find.hub_stand_in import NAME, Hub, serving

FIRST, SECOND = "a" * 40, "b" * 40
SECRET = "hf_not_to_be_written_anywhere"


def write(folder: Path, name: str, word: str, documents: int = 30) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = " ".join(f"{word}{i % 37} of the long report about rivers" for i in range(30))
    path.write_text("".join(json.dumps({"text": f"{text} {word} {i}"}) + "\n" for i in range(documents)))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    fs = pytest.importorskip("huggingface_hub").HfFileSystem
    from huggingface_hub import constants

    hub = Hub()
    for commit, word in ((FIRST, "early"), (SECOND, "late")):
        folder = tmp_path / commit[:3]
        for split in ("train-0", "train-1", "test-0"):
            write(folder, f"data/{split}.jsonl", word + split)
        (folder / "README.md").write_text("a card")
        hub.commits[commit] = folder
    hub.branches = {"main": FIRST, "v1": FIRST}
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with serving(hub):
        # What HF_ENDPOINT sets where it is there when the library is imported.
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        fs.clear_instance_cache()
        yield hub
        fs.clear_instance_cache()


def paths(*corpus: str) -> dict[str, str]:
    return {shard.name: shard.path for shard in plan_corpus(corpus, SourceOptions()).shards}


def test_a_branch_becomes_the_commit_that_it_names(hub):
    found = paths(f"hf://datasets/{NAME}@main/data")
    assert found == {
        f"{split}.jsonl": f"hf://datasets/{NAME}@{FIRST}/data/{split}.jsonl"
        for split in ("test-0", "train-0", "train-1")
    }
    assert paths(f"hf://datasets/{NAME}/data") == paths(f"hf://datasets/{NAME}@v1/data") == found


def test_a_split_is_chosen_by_a_pattern_and_a_file_by_its_name(hub):
    assert list(paths(f"hf://datasets/{NAME}@{SECOND}/data/train-*.jsonl")) == ["train-0.jsonl", "train-1.jsonl"]
    assert list(paths(f"hf://datasets/{NAME}/data/test-0.jsonl").values()) == [
        f"hf://datasets/{NAME}@{FIRST}/data/test-0.jsonl"
    ]


def test_a_whole_dataset_is_read_and_its_card_passed_over(hub):
    assert set(paths(f"hf://datasets/{NAME}")) == {f"data/{name}.jsonl" for name in ("test-0", "train-0", "train-1")}


def test_an_audit_records_the_commit_keeps_no_token_and_sees_that_the_branch_has_moved(
    hub, tmp_path, monkeypatch, capsys
):
    hub.token = SECRET
    monkeypatch.setenv("HF_TOKEN", SECRET)
    corpus, run = f"hf://datasets/{NAME}@main/data/train-*.jsonl", tmp_path / "run"
    assert audit(load(corpus=[corpus], workers=1), run).exit_code == 0
    report = json.loads((run / "report.json").read_text())
    capsys.readouterr()
    assert command(["provenance", str(run), "--format", "json"]) == 0
    recorded = json.loads(capsys.readouterr().out)
    assert [line["path"] for line in recorded["ledger"]] == [
        f"hf://datasets/{NAME}@{FIRST}/data/train-{i}.jsonl" for i in (0, 1)
    ]
    assert not [path for path in run.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    hub.branches["main"] = SECOND
    assert audit(load(corpus=[corpus], workers=1), run).exit_code == 0
    moved = json.loads((run / "report.json").read_text())
    assert all(f"@{SECOND}/" in shard["path"] for shard in moved["shards"])
    assert moved["audit"]["id"] != report["audit"]["id"]


@pytest.mark.parametrize("token", [None, "hf_wrong"])
def test_what_may_not_be_read_names_the_token(hub, monkeypatch, token):
    hub.token = SECRET
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(ConfigError, match=r"refuses to give it \(401\).*HF_TOKEN") as caught:
        paths(f"hf://datasets/{NAME}/data")
    assert "hf_wrong" not in str(caught.value)


def test_a_revision_and_a_folder_that_are_not_there_are_said(hub):
    with pytest.raises(ConfigError, match="has no such revision"):
        paths(f"hf://datasets/{NAME}@v9/data")
    with pytest.raises(ConfigError, match=r"there is no such file or folder|cannot be reached"):
        paths(f"hf://datasets/{NAME}/nowhere")
    with pytest.raises(ConfigError, match="nothing matches"):
        paths(f"hf://datasets/{NAME}/data/valid-*.jsonl")


def test_no_network_is_said(hub, monkeypatch):
    from huggingface_hub import HfFileSystem, constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    HfFileSystem.clear_instance_cache()
    with pytest.raises(ConfigError, match="the hub could not be reached"):
        paths(f"hf://datasets/{NAME}/data")


def test_a_file_is_read_from_any_web_server(hub):
    url = f"{hub.url}/datasets/{NAME}/resolve/main/data/train-0.jsonl"
    assert paths(url) == {"train-0.jsonl": url}
    options = SourceOptions()
    (shard,) = plan_corpus([url], options).shards
    batches = [batch for split in shard.splits for batch in read_split(shard, split, options)]
    texts = [text for batch in batches for text in batch.frame["text"].to_list()]
    assert len(texts) == 30 and all("earlytrain-0" in text for text in texts)


@pytest.mark.parametrize(
    "query", ["X-Amz-Signature=0123", "X-Goog-Signature=0123", "sv=2026&sig=0123", "access_token=0123"]
)
def test_a_signed_address_is_refused_before_it_can_be_recorded(query):
    with pytest.raises(ConfigError, match="would end up in reports") as caught:
        paths(f"https://example.org/a.jsonl?{query}")
    assert "0123" not in str(caught.value)


@pytest.mark.parametrize(("url", "extra"), [("gs://b/c", "gcs"), ("az://b/c", "azure"), ("hf://datasets/a/b", "hf")])
def test_a_missing_package_is_named_by_its_extra(monkeypatch, url, extra):
    def missing(url, **options):
        raise ImportError("no such package")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(ConfigError, match=rf"pip install 'corpus-auditor\[{extra}\]'"):
        paths(url)
