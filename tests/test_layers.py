"""Who may import whom: the folders are the architecture, and this keeps them so."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"records", "run_columns", "streams", "errors", "config", "manifest", "run_folder", "text", "statistics"}
GROUND |= {"distribution", "known_scores"}
MEASURING = {"sources", "sketch", "neardup", "estimate", "collapse", "detectors"}
KEEPING = {"store", "provenance", "gate", "reports"}
GLUE = {"pipeline", "sample_data"}
TOP = {"api", "cli"}
BARE = {"numpy", "scipy", "numba", "polars", "pyarrow", "psutil"}
LATE = {"transformers", "torch", "ray"}
# The stairs of the pipeline, in the order in which results flow; a step imports only steps below it.
ORDER = ("run", "launch", "map", "reduce", "documents", "fraction", "diversity", "reservoir", "report", "finished")
MOST_MODULES, MOST_LINES = 14, 300


def place(file: Path) -> str:
    parts = file.relative_to(ROOT).parts
    inside = parts[1:] if parts[0] == "auditor" else parts
    return inside[0].removesuffix(".py")


def modules() -> list[Path]:
    folders = [ROOT / name for name in ("auditor", "detectors", "reports", "sample_data")]
    return sorted(file for folder in folders for file in folder.rglob("*.py") if file.name != "__init__.py")


def imports(file: Path) -> list[tuple[str, bool]]:
    """(dotted name, at module level) of everything a module imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found.append((node.module or "", id(node) in top))
            if node.module in ("auditor",):
                found += [(f"auditor.{alias.name}", id(node) in top) for alias in node.names]
    return found


def allowed(here: str) -> set[str]:
    if here in GROUND:
        return GROUND
    if here in MEASURING | KEEPING:
        return GROUND | {here}
    if here in GLUE:
        return GROUND | MEASURING | KEEPING | GLUE
    return GROUND | MEASURING | KEEPING | GLUE | TOP


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_only_what_its_layer_may(file):
    here = place(file)
    for name, _ in imports(file):
        parts = name.split(".")
        if parts[0] == "auditor" and len(parts) > 1:
            assert parts[1] in allowed(here), f"{here} imports {name}"
        assert parts[0] not in {"detectors", "reports", "sample_data"}, f"{name}: these live under auditor"


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_heavy_packages_are_imported_late_and_the_ground_stays_light(file):
    here = place(file)
    for name, at_top in imports(file):
        package = name.split(".")[0]
        assert not (package in LATE and at_top), f"{file.name} imports {package} at module level"
        if package == "numba":
            assert file.name == "jit.py", "numba is used through auditor.text.jit alone"
        if here in GROUND and at_top and package == "pydantic":
            assert file.name == "config.py"
        if here in GROUND and package in {"duckdb", "sklearn", "typer", "rich", "brotli", "datasketch"}:
            pytest.fail(f"the ground floor imports {package}")


def step(parts: list[str]) -> int:
    """The height of a module of the pipeline on its stairs; audit.py and finalise.py stand on top."""
    return ORDER.index(parts[2]) if len(parts) > 2 and parts[2] in ORDER else len(ORDER)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "auditor" / "pipeline").rglob("*.py")), ids=lambda f: str(f.relative_to(ROOT))
)
def test_no_step_of_the_pipeline_imports_one_above_it(file):
    here = step(list(file.relative_to(ROOT).with_suffix("").parts))
    for name, _ in imports(file):
        parts = name.split(".")
        if parts[:2] == ["auditor", "pipeline"] and len(parts) > 2:
            assert step(parts) <= here, f"{file.relative_to(ROOT)} imports {name}, which stands above it"


def test_the_halves_of_estimate_do_not_import_each_other():
    for half, other in (("fraction", "diversity"), ("diversity", "fraction")):
        for file in (ROOT / "auditor" / "estimate" / half).rglob("*.py"):
            assert not [n for n, _ in imports(file) if n.startswith(f"auditor.estimate.{other}")], file


def test_folders_and_modules_stay_small():
    for file in modules():
        lines = len(file.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, f"{file.relative_to(ROOT)}: {lines} lines"
        inside = [f for f in file.parent.glob("*.py") if f.name != "__init__.py"]
        assert len(inside) <= MOST_MODULES, f"{file.parent.relative_to(ROOT)}: {len(inside)} modules"


def test_package_markers_are_empty():
    for folder in ("auditor", "detectors", "reports", "sample_data"):
        for file in (ROOT / folder).rglob("__init__.py"):
            if file != ROOT / "auditor" / "__init__.py":
                assert not file.read_text(encoding="utf-8").strip(), file


def test_nothing_loads_a_pickle():
    for file in modules():
        names = {name.split(".")[0] for name, _ in imports(file)}
        assert not names & {"pickle", "joblib", "dill", "shelve", "marshal"}, file


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("auditor.pipeline.map.split", {"scipy.special", "duckdb", "sklearn", "jinja2", "auditor.pipeline.finalise"}),
        ("auditor.pipeline.audit", {"numba", "scipy", "duckdb", "sklearn", "jinja2", "auditor.pipeline.map.split"}),
    ],
)
def test_nothing_is_read_later_for_what_only_the_end_needs(module, unwanted):
    program = f"import sys, {module}; print(*sorted({unwanted!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
