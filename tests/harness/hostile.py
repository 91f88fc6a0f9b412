"""Files that strangers made, against every command that opens them: nothing runs, nothing hangs, one clear line.

python -m tests.harness.hostile

Model folders, policies, label files and sidecars. Each attack that could run code writes a mark; after every command it
is asked: no mark, no traceback, no internal error, a documented exit code, no control character on the terminal.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.pipeline.runs import write_corpus

CODES = {0, 1, 2, 3, 4, 5}
LIMIT = 300
ESCAPE = "\x1b]0;taken\x07"
DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


class Runs:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.mark}",)


def policies() -> dict[str, bytes]:
    """Policies of a stranger."""
    rule = '[[rule]]\nquantity = "synthetic_fraction"\nerror_above = {}\n'
    return {
        "empty": b"",
        "binary": bytes(range(256)) * 50,
        "a database": b"DUCK" * 1000,
        "deep": b"a = " + b"[" * 100_000,
        "deep tables": ("[" + ".".join(["a"] * 20_000) + "]\n").encode(),
        "many rules": (rule.format(0.5) * 20_000).encode(),
        "no number": rule.format("nan").encode(),
        "infinite": rule.format("inf").encode(),
        "huge number": rule.format("9" * 400).encode(),
        "a list": rule.format("[1, 2]").encode(),
        "escapes": rule.format('"\\u001b]0;taken\\u0007"').encode(),
        "escaped key": b'"\\u001b[2J" = 1\n',
        "patterns": b'[[rule]]\nquantity = "synthetic_fraction"\nscope = "(a+)+$"\nerror_above = 0.1\n',
        "rule is text": b'rule = "x"\n',
        "not UTF-8": b"name = '\xff\xfe'\n",
    }


def label_files() -> dict[str, bytes]:
    """Label files of a stranger."""
    return {
        "empty.csv": b"",
        "binary.csv": bytes(range(256)) * 50,
        "nul.csv": b"id,label\n\0,human\n",
        "wide.csv": b"id,label" + b",x" * 100_000 + b"\n1,human\n",
        "quote.csv": b'id,label\n"1,human\n' * 2000,
        "long.csv": b"id,label\n" + b"9" * 2_000_000 + b",human\n",
        "formula.csv": b"id,label\n\"=cmd|' /C calc'!A0\",human\n",
        "escapes.csv": f"id,label\n{ESCAPE},human\n".encode(),
        "escaped label.csv": f"id,label\n1,{ESCAPE}\n".encode(),
        "negative.csv": b"id,label\n-1,human\n99999999999999999999999999,human\n1e400,human\n",
        "twice.csv": b"id,label,label\n1,human,machine\n",
        "deep.jsonl": DEEP.encode() + b"\n",
        "list.jsonl": b"[1, 2]\nnull\n7\n",
        "types.jsonl": b'{"id": {"a": 1}, "label": ["human"]}\n{"id": 1e400, "label": null}\n',
        "half.jsonl": b'{"id": "\\ud800", "label": "human"}\n',
        "not UTF-8.csv": b"id,label\n\xff,human\n",
    }


def sidecars() -> dict[str, bytes]:
    """Declarations beside a shard, of a stranger."""
    return {
        "empty": b"",
        "binary": bytes(range(256)),
        "deep": DEEP.encode(),
        "a list": b'["CC0"]',
        "a number": b"7",
        "types": b'{"licence": {"a": [1]}, "generator": [[]], "origin": 1e400}',
        "escapes": json.dumps({"licence": ESCAPE, "origin": ESCAPE, "generator": ESCAPE}).encode(),
        "markup": b'{"licence": "<script>alert(1)</script>", "origin": "\\u202egnp.exe"}',
        "long": json.dumps({"licence": "x" * 3_000_000}).encode(),
        "half": b'{"licence": "\\ud800"}',
        "huge": b'{"licence": ' + b"9" * 6000 + b"}",
    }


def model_folders(folder: Path, mark: Path) -> Iterator[tuple[str, Path]]:
    """(scheme, model folder) of a stranger."""
    code = f"import os\nos.system('touch {mark}')\n"
    weights = pickle.dumps(Runs(mark))
    sound = {"architectures": ["LlamaForCausalLM", "LlamaForSequenceClassification"], "model_type": "llama"}
    made: dict[str, dict[str, object]] = {
        "pickle": {"config.json": sound, "pytorch_model.bin": weights, "tokenizer.json": {}},
        "pickle named safetensors": {"config.json": sound, "model.safetensors": weights, "tokenizer.json": {}},
        "auto_map": {
            "config.json": sound | {"auto_map": {"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.Evil"}},
            "evil.py": code,
            "model.safetensors": b"x",
        },
        "own type": {
            "config.json": {"architectures": ["EvilForCausalLM"], "model_type": "evil"},
            "configuration_evil.py": code,
            "modeling_evil.py": code,
        },
        "tokenizer with code": {
            "config.json": sound,
            "tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["evil.Evil", None]}, "tokenizer_class": "Evil"},
            "evil.py": code,
        },
        "generation with code": {"config.json": sound, "generation_config.json": {"auto_map": {}}, "x.py": code},
        "adapter": {
            "config.json": sound,
            "adapter_config.json": {"base_model_name_or_path": "/etc", "peft_type": "LORA"},
            "adapter_model.bin": weights,
        },
        "outside": {
            "config.json": sound,
            "model.safetensors.index.json": {"weight_map": {"a": "../../../../etc/passwd"}},
        },
        "deep": {"config.json": DEEP.encode()},
        "not gguf": {"model.gguf": weights},
        "package": {"__init__.py": code, "config.json": sound, "setup.py": code, "conftest.py": code},
    }
    for name, files in made.items():
        place = folder / name.replace(" ", "-")
        place.mkdir(parents=True)
        for file, content in files.items():
            octets = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
            (place / file).write_bytes(json.dumps(content).encode() if octets is None else octets)
        yield from (("lm", place), ("hf", place))


def asked(*arguments: object) -> subprocess.CompletedProcess:
    """Run a command and hold it to what is promised. Raises: AssertionError"""
    done = subprocess.run(
        [sys.executable, "-m", "auditor.cli", *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode in CODES, f"exit code {done.returncode}: {said[-500:]}"
    assert "Traceback" not in said and "internal error" not in said, said[-1000:]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said), repr(said[-500:])
    return done


def against_policies(folder: Path, run: Path) -> None:
    for name, octets in policies().items():
        path = folder / "policy.toml"
        path.write_bytes(octets)
        print(f"policy, {name}: {asked('gate', run, '--policy', path).returncode}", flush=True)


def against_label_files(folder: Path, run: Path) -> None:
    for name, octets in label_files().items():
        path = folder / name
        path.write_bytes(octets)
        print(f"labels, {name}: {asked('label', run, path, '--quiet').returncode}", flush=True)


def against_sidecars(folder: Path, run: Path, corpus: Path) -> None:
    beside = corpus / "part-0.parquet.provenance.json"
    for name, octets in sidecars().items():
        beside.write_bytes(octets)
        print(f"sidecar, {name}: {asked('provenance', run).returncode}", flush=True)
        beside.unlink()
    os.mkfifo(beside)  # nobody will ever write into it
    print(f"sidecar, a pipe: {asked('provenance', run).returncode}", flush=True)
    beside.unlink()
    beside.symlink_to("/dev/zero")
    print(f"sidecar, without end: {asked('provenance', run).returncode}", flush=True)
    beside.unlink()


def against_model_folders(folder: Path, corpus: Path) -> None:
    mark = folder / "mark"
    for scheme, place in model_folders(folder / "models", mark):
        done = asked(
            *("audit", corpus, "--out", folder / "refused", "--detector", f"{scheme}:{place}", "--deep-sample", "2"),
            *("--quiet", "--workers", "1"),
        )
        assert not mark.exists(), f"{scheme}:{place} ran code"
        assert done.returncode == 2, f"{scheme}:{place}: {done.returncode}"
        assert not (folder / "refused" / "report.json").exists()
        print(f"model, {scheme}:{place.name}: {done.stderr.decode().strip()[:110]}", flush=True)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="auditor-hostile-"))
    corpus, run = write_corpus(folder / "corpus", files=1, documents=30), folder / "run"
    assert asked("audit", corpus, "--out", run, "--quiet", "--workers", "1").returncode == 0
    against_policies(folder, run)
    against_sidecars(folder, run, corpus)
    against_model_folders(folder, corpus)
    against_label_files(folder, run)
    shutil.rmtree(folder)  # kept where something was wrong


if __name__ == "__main__":
    main()
