"""A run in an object store: worked on in a private local folder, published part by part.

An object store has no rename, and needs none: an object is there whole or not at all. A split's files are put first and
its marker last, so a part without a marker was never finished and is measured again. Files are named by the content of
their inputs, so two machines that measure the same split put the same bytes. report.json comes last of all.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from auditor.errors import ConfigError, StoreError
from auditor.manifest import CLUSTERS, DONE, LOCK, MANIFEST
from auditor.pipeline.run.parts import PARTS
from auditor.pipeline.run.plan import Plan
from auditor.pipeline.run.progress import Progress
from auditor.pipeline.run.run import load_run
from auditor.run_folder import make_folder
from auditor.sources.find.files import filesystem

# A Path takes one of the two slashes away.
ADDRESS = re.compile(r"^(s3|s3a|gs|gcs|az|abfs|abfss|memory):/+(?=[^/])")
LAST = "report.json"
LOCAL = (LOCK, "spool", "slurm")  # of this machine alone

Keys = Callable[[Plan], Collection[str]]


def run_address(run: Path) -> str | None:
    """The URL that a run's path was before it became a Path; None for a folder."""
    found = ADDRESS.match(run.as_posix())
    return f"{found[1]}://{run.as_posix()[found.end() :]}" if found else None


@contextmanager
def worked_on(run: Path, *, keys: Keys | None = None, fresh: bool = False) -> Iterator[tuple[Path, BucketRun | None]]:
    """The folder to work in, and where it is published to: for a run in a folder, that folder and None.

    Parameters: keys, the splits whose parts are needed, default all; fresh, nothing is fetched
    Raises: StoreError where the store refuses; what was finished until then is there
    """
    url = run_address(run)
    if url is None:
        yield run, None
        return
    with tempfile.TemporaryDirectory(prefix="auditor-run-") as folder:
        bucket = BucketRun(url, Path(folder))
        if not fresh:
            bucket.fetch(keys)
        try:
            yield bucket.folder, bucket
        except BaseException:
            bucket.publish_parts()
            raise
        bucket.publish()


@contextmanager
def results_of(run: Path, *, parts: bool = False) -> Iterator[tuple[Path, BucketRun | None]]:
    """A folder with the results of a finished run, and where the run is: for a run in a folder, that folder and None.

    What a command writes into the folder is put beside the others.

    Parameters: parts: whether the parts of splits are needed too
    Raises: ConfigError where no run lies there; StoreError where the store refuses
    """
    url = run_address(run)
    if url is None:
        yield run, None
        return
    with tempfile.TemporaryDirectory(prefix="auditor-run-") as folder:
        bucket = BucketRun(url, Path(folder))
        bucket.fetch_results()
        if parts:
            bucket.fetch(None)
        yield bucket.folder, bucket
        bucket.publish()


@contextmanager
def store_at(store: Path) -> Iterator[Path]:
    """A shared store to read: its own path, or a copy of one that lies in an object store.

    Raises: ConfigError where none lies there; StoreError where the object store refuses
    """
    url = run_address(store)
    if url is None:
        yield store
        return
    root, _, name = url.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="auditor-store-") as folder:
        bucket = BucketRun(root, Path(folder))
        if not bucket.has(name):
            raise ConfigError(f"there is no store {url}")
        bucket.fetch_file(name)
        yield Path(folder) / name


class BucketRun:
    """A run's folder here and its objects there, with what is known to be the same in both."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.fs, inner = filesystem(url, {})
        self.root = inner.rstrip("/")
        self.same: dict[str, tuple[int, int]] = {}

    def fetch(self, keys: Keys | None) -> None:
        """Bring the manifest, then the finished parts of some splits, and the clusters where all are wanted."""
        with self._refusals():
            self.fs.invalidate_cache()
            there = {path.removeprefix(f"{self.root}/") for path in self.fs.find(self.root)}
        if MANIFEST not in there:
            return
        self._get(MANIFEST)
        wanted = None if keys is None else set(keys(load_run(self.folder).plan))
        for name in sorted(there):
            top, _, rest = name.partition("/")
            key = rest.partition("/")[0]
            finished = f"{PARTS}/{key}/{DONE}" in there
            if (top == PARTS and finished and (wanted is None or key in wanted)) or (top == CLUSTERS and keys is None):
                self._get(name)

    def fetch_results(self) -> None:
        """Bring the manifest and the results: every file that lies in the run itself.

        Raises: ConfigError where no run lies there
        """
        with self._refusals():
            self.fs.invalidate_cache()
            there = {path.removeprefix(f"{self.root}/") for path in self.fs.find(self.root, maxdepth=1)}
        if MANIFEST not in there:
            raise ConfigError(f"there is no run {self.url}")
        for name in sorted(name for name in there if "/" not in name and name not in LOCAL):
            self._get(name)

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        with self._refusals():
            self.fs.invalidate_cache()
            return bool(self.fs.exists(f"{self.root}/{name}"))

    def fetch_file(self, name: str) -> None:
        """Bring one file."""
        self._get(name)

    def address(self, path: Path) -> str:
        """Where a file of the folder is published; other paths are returned unchanged."""
        return f"{self.url}/{self._name(path)}" if path.is_relative_to(self.folder) else str(path)

    def publish_parts(self) -> None:
        """Put what splits have finished since the last call."""
        if (self.folder / MANIFEST).exists():
            self._put(self.folder / MANIFEST)
        for marker in sorted(self.folder.glob(f"{PARTS}/*/{DONE}")):
            if self._name(marker) not in self.same:
                self._put_folder(marker.parent)

    def publish(self) -> None:
        """Put everything that has changed: parts, clusters, then the results, and report.json last."""
        self.publish_parts()
        for folder in [self.folder / CLUSTERS, *self.folder.glob(f"{CLUSTERS}/*")]:
            if folder.is_dir():
                self._put_folder(folder)
        results = [path for path in self.folder.iterdir() if path.is_file() and path.name not in (LOCK, MANIFEST, LAST)]
        for path in [*sorted(results), self.folder / LAST]:
            if path.exists():
                self._put(path)

    def heard_by(self, progress: Progress) -> Progress:
        """Progress that also publishes whatever has been finished."""
        return _Publishing(progress, self)

    def _put_folder(self, folder: Path) -> None:
        files = [path for path in folder.iterdir() if path.is_file()]
        for path in sorted(files, key=lambda path: (path.name == DONE, path.suffix == ".json", path.name)):
            self._put(path)

    def _put(self, path: Path) -> None:
        name = self._name(path)
        if PurePosixPath(name).name.startswith(".") or name.split("/")[0] in LOCAL:
            return
        status = path.stat()
        now = (status.st_size, status.st_mtime_ns)
        if self.same.get(name) != now:
            with self._refusals():
                self.fs.put_file(str(path), f"{self.root}/{name}")
            self.same[name] = now

    def _get(self, name: str) -> None:
        parts = PurePosixPath(name).parts
        if any(part in ("..", ".") or part.startswith(".") for part in parts):
            raise StoreError(f"{self.url}/{name}: no run has a file of this name")
        path = self.folder / name
        make_folder(path.parent, within=self.folder)
        with self._refusals():
            self.fs.get_file(f"{self.root}/{name}", str(path))
        status = path.stat()
        self.same[name] = (status.st_size, status.st_mtime_ns)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (ConfigError, StoreError):
            raise
        except Exception as error:  # each store's library has its own errors
            said = " ".join(str(error).split())[:200]
            raise StoreError(
                f"{self.url} cannot be used ({type(error).__name__}: {said}); what was finished lies there, and the "
                "same command goes on from it"
            ) from error


class _Publishing:
    def __init__(self, progress: Progress, bucket: BucketRun) -> None:
        self.progress, self.bucket = progress, bucket

    def stage(self, name: str, total: int) -> None:
        self.bucket.publish_parts()
        self.progress.stage(name, total)

    def step(self, documents: int, size: int) -> None:
        self.bucket.publish_parts()
        self.progress.step(documents, size)

    def note(self, text: str) -> None:
        self.progress.note(text)


def heard(progress: Progress, bucket: BucketRun | None) -> Progress:
    """Progress that publishes if the run is in an object store."""
    return bucket.heard_by(progress) if bucket else progress


def refuse_bucket(run: Path, *, corpus: Collection[str], launcher: str) -> None:
    """What a run in an object store cannot be combined with.

    Raises: ConfigError
    """
    if (url := run_address(run)) is None:
        return
    if launcher != "local":
        raise ConfigError(
            f"--out {url} goes with the local launcher: {launcher} needs a folder that all machines see; any scheduler "
            "can run `auditor plan`, `map`, `reduce` and `finalise` on a bucket instead"
        )
    if "-" in corpus:
        raise ConfigError(f"--out {url} cannot keep standard input; write it to a file or a bucket first")
