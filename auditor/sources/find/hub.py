"""Datasets on the Hugging Face hub: a revision that can move becomes the commit that it names at the time of planning.

A branch such as `main` moves while an audit runs, and after it. So every file is read at one commit, and its path,
which the report keeps, names that commit. The library reads the token from HF_TOKEN or its own file; it is kept nowhere
else.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from auditor.errors import ConfigError

PREFIX = "hf://"
COMMIT = re.compile(r"[0-9a-f]{40}")


def pinned(url: str, fs: Any, inner: str) -> str:
    """The URL with the commit in place of its revision; other URLs, and buckets, which have no revisions, unchanged.

    Parameters: fs, inner: the file system of the URL and the path inside it
    Raises: ConfigError where the hub does not answer, knows no such dataset or revision, or does not let us read it
    """
    if not url.startswith(PREFIX):
        return url
    try:
        place = fs.resolve_path(inner)
        revision = getattr(place, "revision", None)
        if revision is None:
            return url
        commit = revision
        if not COMMIT.fullmatch(revision):
            commit = fs._api.repo_info(place.repo_id, repo_type=place.repo_type, revision=revision).sha
    except Exception as error:  # the library's own, its HTTP client's and the operating system's
        raise ConfigError(_said(url, error)) from error
    path = f"/{place.path_in_repo}" if place.path_in_repo else ""
    return f"{PREFIX}{place.repo_type}s/{place.repo_id}@{quote(commit, safe='')}{path}"


def _said(url: str, error: BaseException) -> str:
    """What went wrong, and what may help; the reason for a missing file is in its cause."""
    reasons = [error, error.__cause__] if error.__cause__ else [error]
    answers = [getattr(reason, "response", None) for reason in reasons]
    status = next((answer.status_code for answer in answers if answer is not None), None)
    if status in (401, 403):
        return (
            f"{url}: the hub refuses to give it ({status}): there is no such dataset, or it is private or gated; a "
            "token that may read it goes into HF_TOKEN, or is kept by `hf auth login`"
        )
    if any(type(r).__name__ == "RevisionNotFoundError" for r in reasons):
        return f"{url}: the dataset has no such revision; name a branch, a tag or a commit after the @"
    words = " ".join(str(reasons[-1]).split())[:200]
    return f"{url}: the hub could not be reached ({type(reasons[-1]).__name__}: {words})"
