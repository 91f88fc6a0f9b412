"""A stand-in of the Hugging Face hub: as much of its HTTP interface as reading a dataset takes, over local files.

Answers are those of the hub for: the description of a dataset at a revision, its tree, facts of single paths, and files
with ranges. A dataset may be private; a branch can be moved, which leaves its earlier commits readable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

NAME = "org/corpus"


class Hub:
    """The dataset's commits as folders; `branches` says which commit a branch names; `token` is asked for where set."""

    def __init__(self) -> None:
        self.commits: dict[str, Path] = {}
        self.branches: dict[str, str] = {}
        self.token: str | None = None
        self.asked: list[str] = []
        self.url = ""

    def commit_of(self, revision: str) -> str | None:
        commit = self.branches.get(revision, revision)
        return commit if commit in self.commits else None


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            path = unquote(urlsplit(self.path).path)
            query = parse_qs(urlsplit(self.path).query)
            hub.asked.append(f"{self.command} {path}")
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                return self._refuse(401, "RepoNotFound" if "Authorization" not in self.headers else "InvalidToken")
            api = f"/api/datasets/{NAME}"
            if not path.startswith((api, f"/datasets/{NAME}/resolve/")):
                return self._refuse(401, "RepoNotFound")  # as the hub does of a name that it does not know
            if path == api:
                return self._describe("main")
            if match := re.fullmatch(re.escape(api) + r"/revision/(.+)", path):
                return self._describe(match[1])
            pattern = rf"(?:{re.escape(api)}/(tree|paths-info)|/datasets/{NAME}/(resolve))/([^/]+)/?(.*)"
            match = re.fullmatch(pattern, path)
            commit = hub.commit_of(match[3]) if match else None
            if not match or commit is None:
                return self._refuse(404, "RevisionNotFound")
            folder = hub.commits[commit]
            if match[1] == "tree":
                return self._tree(folder, folder / match[4], recursive=query.get("recursive") == ["true"])
            if match[1]:
                wanted = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
                return self._json([entry(folder, folder / p) for p in wanted if (folder / p).exists()])
            return self._file(folder / match[4], commit)

        def _describe(self, revision: str) -> None:
            commit = hub.commit_of(revision)
            if commit is None:
                return self._refuse(404, "RevisionNotFound")
            return self._json({"id": NAME, "sha": commit, "private": False, "tags": [], "siblings": []})

        def _tree(self, folder: Path, place: Path, *, recursive: bool) -> None:
            if not place.is_dir():
                return self._refuse(404, "EntryNotFound")
            found = sorted(place.rglob("*") if recursive else place.iterdir())
            return self._json([entry(folder, path) for path in found])

        def _file(self, path: Path, commit: str) -> None:
            if not path.is_file():
                return self._refuse(404, "EntryNotFound")
            octets, status = path.read_bytes(), 200
            if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                octets, status = octets[int(span[1]) : int(span[2] or len(octets)) + 1], 206
            return self._send(status, octets, {"X-Repo-Commit": commit, "ETag": f'"{path.stat().st_size}"'})

        def _json(self, content: object) -> None:
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

        def _refuse(self, status: int, code: str) -> None:
            self._send(status, b'{"error": "refused"}', {"X-Error-Code": code, "X-Error-Message": code})

        def _send(self, status: int, octets: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(octets)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def entry(folder: Path, path: Path) -> dict[str, object]:
    name = path.relative_to(folder).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
    return {"type": "file", "path": name, "oid": "1" * 40, "size": path.stat().st_size}
