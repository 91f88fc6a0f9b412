"""The container's recipe: linted, complete, and its steps run here as far as they need no daemon."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")


def joined() -> list[str]:
    """The instructions, each in one line, without comments."""
    lines = "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))
    return [line.strip() for line in lines.replace("\\\n", " ").splitlines() if line.strip()]


def test_the_linter_has_nothing_to_say():
    tool = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert tool, "hadolint comes with the extra `test`"
    done = subprocess.run([tool, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_program_runs_without_rights():
    last = TEXT.rpartition("\nFROM ")[2]
    user = re.search(r"^USER (\d+)$", last, re.M)
    assert user and int(user[1]) > 0
    assert last.index("USER ") < last.index("ENTRYPOINT ")
    assert "ENTRYPOINT" in last and not re.search(r"^(COPY|ADD|RUN) ", last[last.index("USER ") :], re.M)


def test_what_is_copied_is_enough_to_build_and_the_entry_point_answers(tmp_path):
    source, target = tmp_path / "source", tmp_path / "installed"
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for line in joined():
        if line.startswith("COPY ") and "--from" not in line:
            *names, to = line.split()[1:]
            for name in names:
                assert f"!{name.split('/')[0]}" in ignored, f"{name} is not sent to the builder"
                place = source / to / (Path(name).name if to.endswith("/") else "")
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, place)
    assert any(".[${EXTRAS}]" in line or '".${EXTRAS' in line for line in joined())
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*install, "--target", str(target), str(source)], check=True)
    entry = re.search(r'^ENTRYPOINT \["(.*)"\]$', TEXT, re.M)[1]
    default = re.search(r'^CMD \["(.*)"\]$', TEXT, re.M)[1]
    environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}
    program = [sys.executable, str(target / "bin" / entry), default]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0 and "Exit codes" in done.stdout, done.stderr
