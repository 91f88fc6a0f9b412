"""A model folder is checked before it is opened, and what is refused says why."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from auditor.detectors.deep import language_model, loading
from auditor.detectors.deep.loading import CAUSAL, CLASSIFIER, check
from auditor.errors import DetectorError
from tests.detectors.deep import tiny_models

LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def folder(tmp_path, *, weights="model.safetensors", tokeniser=True, **fields):
    made = tiny_models.config(tmp_path / "model", **(LLAMA | fields))
    if weights.endswith("safetensors"):
        save_file({"w": np.zeros(2, np.float32)}, made / weights)
    elif weights:
        (made / weights).write_bytes(b"x")
    if tokeniser:
        (made / "tokenizer.json").write_text("{}")
    return made


def refused(path, kind, words):
    with pytest.raises(DetectorError, match=words):
        check(path, kind)


def test_a_sound_folder_passes_and_its_revision_follows_its_content(tmp_path):
    made = folder(tmp_path)
    first = check(made, CAUSAL)
    assert first == check(made, CAUSAL) and len(first.revision) == 12
    save_file({"w": np.ones(2, np.float32)}, made / "model.safetensors")
    assert check(made, CAUSAL).revision != first.revision


def test_pickled_weights_are_refused(tmp_path):
    refused(folder(tmp_path, weights="pytorch_model.bin"), CAUSAL, r"pytorch_model.bin, which can run code")


def test_pickles_beside_safetensors_are_left_alone(tmp_path):
    made = folder(tmp_path)
    (made / "pytorch_model.bin").write_bytes(b"x")
    assert check(made, CAUSAL).gguf is None


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_of_its_own_is_refused(tmp_path, name):
    made = folder(tmp_path)
    (made / name).write_text(json.dumps(LLAMA | {"auto_map": {"AutoModel": "modeling.Own"}}))
    refused(made, CAUSAL, rf"{name} asks for code of its own \(auto_map\)")


def test_another_architecture_is_refused(tmp_path):
    refused(folder(tmp_path), CLASSIFIER, "is LlamaForCausalLM, wanted: a sequence classifier")
    refused(folder(tmp_path, architectures=None), CAUSAL, "none named, wanted: a causal language model")


def test_an_unknown_kind_of_model_is_refused(tmp_path):
    refused(folder(tmp_path, model_type="nosuch"), CAUSAL, "does not know 'nosuch' models")


def test_missing_files_are_named(tmp_path):
    refused(tmp_path / "absent", CAUSAL, "no such model folder")
    refused(folder(tmp_path, weights=""), CAUSAL, "model.safetensors missing")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", CAUSAL, "no config.json")


def test_a_tokeniser_must_be_there(tmp_path):
    refused(folder(tmp_path, tokeniser=False), CAUSAL, "no tokeniser in it")


def test_a_missing_part_of_sharded_weights_is_named_and_none_lies_outside(tmp_path):
    made = folder(tmp_path, weights="model-00001-of-00002.safetensors")
    index = made / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "two.safetensors"}}))
    refused(made, CAUSAL, "two.safetensors missing")
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    refused(made, CAUSAL, "outside the folder")


def test_damaged_weights_and_configurations_are_refused(tmp_path):
    made = folder(tmp_path)
    (made / "model.safetensors").write_bytes(b"\xff" * 40)
    refused(made, CAUSAL, "damaged, or not safetensors")
    (made / "config.json").write_text("[1")
    refused(made, CAUSAL, "config.json: cannot be read")
    (made / "config.json").write_text("[]")
    refused(made, CAUSAL, "not a JSON object")


def test_a_hub_id_is_not_fetched_unless_that_is_allowed(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    refused("nobody/no-such-model", CAUSAL, "nothing is downloaded: set HF_HUB_OFFLINE=0")


def test_gguf_is_for_language_models_and_ambiguity_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: object())
    one = tmp_path / "one.gguf"
    one.write_bytes(b"GGUF....")
    assert check(tmp_path, CAUSAL).gguf == "one.gguf"
    refused(one, CLASSIFIER, "GGUF holds causal language models")
    (tmp_path / "two.gguf").write_bytes(b"nope")
    refused(tmp_path, CAUSAL, "2 GGUF files: name one")
    refused(tmp_path / "two.gguf", CAUSAL, "damaged, or not GGUF")


def test_a_missing_extra_is_an_obstacle_with_its_command(monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == "torch" else object())
    found = language_model.obstacle()
    assert found.reason == "torch not installed" and found.command == "pip install 'corpus-auditor[lm]'"
    with pytest.raises(DetectorError, match=r"torch not installed; run: pip install 'corpus-auditor\[lm\]'"):
        language_model.load("anything")


def test_missing_weights_are_an_obstacle_with_their_command(monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "find_spec", lambda name: object())
    monkeypatch.setenv("AUDITOR_CACHE", str(tmp_path))
    assert language_model.obstacle().command == "auditor detectors install lm"


def test_a_model_without_a_trained_head_is_refused(tmp_path):
    torch = pytest.importorskip("torch", reason="the extra [lm] is not installed")
    made = tiny_models.classifier(tmp_path / "bert", ("human", "ai"))
    from safetensors.torch import load_file
    from safetensors.torch import save_file as save_tensors

    kept = {key: value for key, value in load_file(made / "model.safetensors").items() if "classifier" not in key}
    save_tensors(kept, made / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DetectorError, match=r"the weights lack classifier\.bias, classifier\.weight"):
        check(made, CLASSIFIER).model(torch.float32)


def test_an_adapter_is_refused_before_anything_of_it_is_opened(tmp_path):
    folder = tiny_models.config(tmp_path / "adapter", architectures=["LlamaForCausalLM"], model_type="llama")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "/etc"}')
    with pytest.raises(DetectorError, match="an adapter"):
        check(folder, CAUSAL)
