"""The build backend: setuptools, with wheels and source archives that are the same bytes whenever and wherever built.

setuptools takes times, modes and owners from the files of the tree. Here every member gets one date (SOURCE_DATE_EPOCH
where it is set), one of two modes and no owner, and members lie in the order of their names.
"""

import gzip
import io
import os
import shutil
import tarfile
import time
import zipfile
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (  # noqa: F401  (hooks that need no change)
    build_editable,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

DATE = 1577836800  # 2020-01-01: zip archives know no date before 1980


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    shutil.rmtree("build/lib", ignore_errors=True)  # where setuptools would find files that the tree no longer has
    name = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    normalise_wheel(Path(wheel_directory, name), _date())
    return name


def build_sdist(sdist_directory, config_settings=None):
    name = build_meta.build_sdist(sdist_directory, config_settings)
    normalise_sdist(Path(sdist_directory, name), _date())
    return name


def normalise_wheel(path, date):
    """Write a wheel again; what identifies its files, RECORD's hashes, concerns their contents alone."""
    stamp = time.gmtime(date)[:6]
    with zipfile.ZipFile(path) as archive:
        members = [(entry.filename, entry.external_attr >> 16, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, mode, octets in sorted(members):
            entry = zipfile.ZipInfo(name, stamp)
            entry.create_system, entry.compress_type = 3, zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | _mode(mode)) << 16
            archive.writestr(entry, octets)


def normalise_sdist(path, date):
    """Write a source archive again."""
    unpacked = io.BytesIO()
    with tarfile.open(path, "r:gz") as old, tarfile.open(fileobj=unpacked, mode="w", format=tarfile.PAX_FORMAT) as new:
        for entry in sorted(old.getmembers(), key=lambda member: member.name):
            stream = old.extractfile(entry) if entry.isfile() else None
            entry.mtime, entry.mode = date, 0o755 if entry.isdir() else _mode(entry.mode)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.pax_headers = {}
            new.addfile(entry, stream)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=date) as packed:
        packed.write(unpacked.getvalue())


def _mode(mode):
    return 0o755 if mode & 0o100 else 0o644


def _date():
    return int(os.environ.get("SOURCE_DATE_EPOCH", DATE))
