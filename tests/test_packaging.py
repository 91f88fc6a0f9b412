"""What is in the wheel, and that it works from there: packaged data found, one top-level name."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(ROOT)], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def test_nothing_takes_a_top_level_name_but_auditor(unpacked):
    names = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"auditor"}


def test_every_packaged_file_of_the_tree_is_in_the_wheel(unpacked):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    homes = {
        "auditor": "auditor",
        "detectors": "auditor/detectors",
        "reports": "auditor/reports",
        "sample_data": "auditor/sample_data",
    }
    wanted = [file for file in tracked if file.split("/")[0] in homes and "/" in file and Path(file).suffix]
    if not wanted:
        pytest.skip("not a git checkout")
    missing = [file for file in wanted if not (unpacked / homes[file.split("/")[0]] / file.split("/", 1)[1]).exists()]
    assert not missing


def test_the_wheel_samples_and_audits_by_itself(unpacked, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONSAFEPATH": "1"}
    code = (
        "import sys, auditor; assert auditor.__file__.startswith(sys.argv[1]), auditor.__file__\n"
        "from auditor.cli.main import run\n"
        "assert run(['sample', 's']) == 0\n"
        "assert run(['audit', 's/part-0.parquet', '--out', 'run', '--quiet']) == 0\n"
    )
    subprocess.run([sys.executable, "-c", code, str(unpacked)], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_the_lock_file_pins_by_hash_all_that_the_tests_install():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [Requirement(line) for line in project["dependencies"]]
    for name in ("sample", "docs", "plots", "test"):
        wanted += [Requirement(line) for line in extras[name] if not line.startswith("auditor[")]
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+) \\$", (ROOT / "requirements.lock").read_text("utf-8"), re.M))
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is missing: see the release page for how the lock file is made"
        assert requirement.specifier.contains(locked[name]), f"{name} {locked[name]} is not {requirement.specifier}"
