"""Slurm: the same steps as array jobs. Three scripts and one that submits them; sbatch reads SBATCH_* itself."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.config import Config
from auditor.errors import ConfigError
from auditor.manifest import write_text
from auditor.pipeline.run.plan import Plan

MOST_ELEMENTS = 1000  # of an array job; Slurm's own default allows 1001
MEGABYTES = 2048  # of one element that reads a split
FINAL_LEAST = 4096


@dataclass(frozen=True, slots=True)
class Scripts:
    """Where the scripts are, and the sbatch call for each, in order: (name, arguments)."""

    folder: Path
    calls: tuple[tuple[str, tuple[str, ...]], ...]


def write_scripts(run: Path, plan: Plan, config: Config) -> Scripts:
    """RUN/slurm/{map,reduce,finalise}.sh, and submit.sh for submitting by hand.

    Account, partition and time limit come from sbatch's own variables: SBATCH_ACCOUNT, SBATCH_PARTITION, …
    """
    run = run.resolve()
    folder = run / "slurm"
    slices = max(1, min(len(plan.tasks), MOST_ELEMENTS))
    here = shlex.quote(str(run))
    element = "${SLURM_ARRAY_TASK_ID:?}"
    steps = {
        "map": f'map {here} --shard "{element}/{slices}" --workers "${{SLURM_CPUS_PER_TASK:-1}}" --quiet',
        "reduce": f'reduce {here} --partition "{element}/{slices}"',
        "finalise": f"finalise {here} --quiet",
    }
    for name, step in steps.items():
        script = f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -m auditor.cli {step}\n"
        write_text(folder / f"{name}.sh", script, within=run)
    memory = max(FINAL_LEAST, config.memory_bytes >> 20) if config.memory_limit else 4 * FINAL_LEAST
    calls = (
        ("map", (f"--array=0-{slices - 1}", f"--mem={MEGABYTES}M")),
        ("reduce", (f"--array=0-{slices - 1}", f"--mem={FINAL_LEAST}M")),
        ("finalise", (f"--mem={memory}M",)),
    )
    scripts = Scripts(folder, calls)
    write_text(folder / "submit.sh", _by_hand(scripts), within=run)
    return scripts


def submit(scripts: Scripts, *, say: Callable[[str], None]) -> int:
    """Submit map, reduce and finalise, each after the one before it, and wait; returns finalise's exit code.

    A slice that fails does not hold the others up: `finalise` names what is missing.
    Raises: ConfigError without sbatch, or where it refuses
    """
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        by_hand = scripts.folder / "submit.sh"
        raise ConfigError(f"--launcher slurm needs sbatch on the PATH; where it is, run sh {by_hand}")
    before = ""
    for name, arguments in scripts.calls:
        last = name == scripts.calls[-1][0]
        command = [sbatch, "--parsable", *_options(scripts, name, arguments, before), *(["--wait"] if last else [])]
        ended = subprocess.run([*command, str(scripts.folder / f"{name}.sh")], stdout=subprocess.PIPE, check=False)
        before = ended.stdout.decode(errors="replace").strip().split(";")[0]
        if last and before:
            return ended.returncode
        if ended.returncode or not before:
            raise ConfigError(f"sbatch refused {scripts.folder / f'{name}.sh'} (exit code {ended.returncode})")
        say(f"{name}: job {before}")
    raise AssertionError("no last step")


def _options(scripts: Scripts, name: str, arguments: tuple[str, ...], before: str) -> list[str]:
    log = "%A-%a" if any(argument.startswith("--array") for argument in arguments) else "%j"
    options = [f"--job-name=auditor-{name}", "--cpus-per-task=1", *arguments]
    options.append(f"--output={scripts.folder}/{name}-{log}.log")
    return options + ([f"--dependency=afterany:{before}"] if before else [])


def _by_hand(scripts: Scripts) -> str:
    lines = ["#!/bin/sh", "set -e"]
    for number, (name, arguments) in enumerate(scripts.calls):
        options = [shlex.quote(option) for option in _options(scripts, name, arguments, "")]
        after = ' --dependency="afterany:$before"' if number else ""
        script = shlex.quote(str(scripts.folder / f"{name}.sh"))
        lines.append(f"before=$(sbatch --parsable {' '.join(options)}{after} {script})")
        lines.append(f'echo "{name}: job $before"')
    return "\n".join(lines) + "\n"
