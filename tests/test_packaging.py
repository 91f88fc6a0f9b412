"""What is in the wheel, and that it works from there: packaged data found, one top-level name."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKED = ("sample", "docs", "plots", "s3", "http", "hf", "ray", "test")
# Whoever installs the bare name `auditor`, quoted or not, by whatever installer, gets a stranger's package.
STRANGER = re.compile(
    r"""\b(?:pip3?|pipx|uvx?|conda|poetry|pdm)\b[^\n;&|]{0,80}?(?:\b(?:install|add|run|tool)\b)[^\n;&|]{0,80}?"""
    r"""(?<![-\w./])auditor(?:\[[^\]]*\]|[=<>~!]=?[\w.*]+)?(?=[\s'"`),.;]|$)"""
)
EXTRA_OF_STRANGER = re.compile(r"(?<![-\w./\])])auditor\\?\[(?:" + "|".join(PROJECT["optional-dependencies"]) + r")\b")


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


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not found:
        pytest.skip("not a git checkout")
    return found


@pytest.mark.parametrize(
    "line",
    [
        "pip install auditor",
        "pip install 'auditor[s3]'",
        "pipx install auditor==0.1",
        "uv pip install -U auditor",
        "auditor[lm]",
    ],
)
def test_the_search_knows_what_a_strangers_package_looks_like(line):
    assert STRANGER.search(line) or EXTRA_OF_STRANGER.search(line)


@pytest.mark.parametrize(
    "line", ["pip install 'corpus-auditor[s3]'", "uv tool run --from corpus-auditor auditor audit x"]
)
def test_the_search_leaves_our_own_package_alone(line):
    assert not EXTRA_OF_STRANGER.search(line)
    assert not STRANGER.search(line) or "--from" in line


def test_nobody_is_told_to_install_a_strangers_package():
    told = []
    for name in tracked():
        if name in ("tests/test_packaging.py", "requirements.lock"):
            continue
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue  # weights and pictures
        told += [f"{name}: {found[0]}" for rule in (STRANGER, EXTRA_OF_STRANGER) for found in rule.finditer(text)]
    assert not told


def test_the_version_is_set_in_one_place_and_the_program_knows_it(unpacked, capsys):
    from auditor.cli.main import run
    from auditor.distribution import DISTRIBUTION, program_version

    assert PROJECT["name"] == DISTRIBUTION
    assert program_version() == PROJECT["version"]
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"auditor {PROJECT['version']}\n"
    (metadata,) = unpacked.glob("corpus_auditor-*.dist-info/METADATA")
    assert f"\nVersion: {PROJECT['version']}\n" in metadata.read_text("utf-8")


def test_the_metadata_are_complete(unpacked):
    """Addresses as well, once there are any: a project without a public address names none, and its page says why."""
    (file,) = unpacked.glob("corpus_auditor-*.dist-info/METADATA")
    said = message_from_bytes(file.read_bytes())
    assert said["License-Expression"] == "Apache-2.0" and said.get_all("License-File") == ["LICENSE"]
    assert (file.parent / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert set(said.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert said.get_all("Classifier") == PROJECT["classifiers"]
    assert said["Requires-Python"] == ">=3.11" and said["Summary"] and said["Keywords"] and said["Author"]
    assert said["Description-Content-Type"] == "text/markdown" and "# auditor" in said.get_payload()
    addresses = dict(line.split(", ", 1) for line in said.get_all("Project-URL", []))
    if "urls" in PROJECT:
        assert {"Source", "Documentation", "Changelog"} <= set(addresses)
        assert all(address.startswith("https://") for address in addresses.values())
    else:
        assert "no public address" in (ROOT / "docs" / "releasing.md").read_text("utf-8")


def test_an_archive_is_the_same_bytes_from_another_tree_at_another_time(tmp_path):
    built = []
    for number, place in enumerate(("here", "there")):
        tree = tmp_path / place / "tree"
        for name in tracked():
            source, target = ROOT / name, tree / name
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                target.chmod(source.stat().st_mode & 0o700 | (0o44 if number else 0))
                os.utime(target, (1.7e9 + number, 1.7e9 + number))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path / place / "dist"), "."]
        subprocess.run(command, check=True, cwd=tree, capture_output=True)
        built.append({file.name: file.read_bytes() for file in (tmp_path / place / "dist").iterdir()})
    assert len(built[0]) == 2
    assert built[0] == built[1]
    archives = sorted(str(path) for path in (tmp_path / "here" / "dist").iterdir())
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *archives], check=True, capture_output=True)


def test_every_packaged_file_of_the_tree_is_in_the_wheel(unpacked):
    homes = {
        "auditor": "auditor",
        "detectors": "auditor/detectors",
        "reports": "auditor/reports",
        "sample_data": "auditor/sample_data",
    }
    wanted = [file for file in tracked() if file.split("/")[0] in homes and "/" in file and Path(file).suffix]
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
    extras = PROJECT["optional-dependencies"]
    wanted = [Requirement(line) for line in PROJECT["dependencies"]]
    for name in LOCKED:
        wanted += [Requirement(line) for line in extras[name] if not line.startswith("corpus-auditor[")]
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+) \\$", (ROOT / "requirements.lock").read_text("utf-8"), re.M))
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is missing: see the release page for how the lock file is made"
        assert requirement.specifier.contains(locked[name]), f"{name} {locked[name]} is not {requirement.specifier}"


def test_fsspec_renders_templates_of_reference_files_in_a_sandbox_in_every_version_that_is_asked_for():
    """2026.4.0 does not, 2026.6.0 does, and nothing was released between them."""
    asked = [Requirement(line) for lines in PROJECT["optional-dependencies"].values() for line in lines]
    fsspec = [requirement for requirement in asked if requirement.name == "fsspec"]
    assert len(fsspec) == 5
    assert all("2026.6.0" in found.specifier and "2026.4.0" not in found.specifier for found in fsspec)
