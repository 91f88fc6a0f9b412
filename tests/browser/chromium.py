"""A page in headless Chromium, driven over the DevTools protocol: what the browser tests see and do."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# No sandbox: the pages are our own, and containers seldom allow one. Nothing of the browser's own may go online.
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-default-browser-check "
    "--disable-background-networking --disable-component-update --disable-sync --disable-extensions --mute-audio "
    "--force-color-profile=srgb --remote-debugging-port=0"
).split()
START, ANSWER = 60.0, 60.0  # seconds: a busy machine starts a browser slowly
WATCH = """
window.violations = [];
addEventListener('securitypolicyviolation', e => window.violations.push(`${e.effectiveDirective} ${e.blockedURI}`));
"""


def find_chromium() -> str | None:
    """The browser's path; None where there is none. AUDITOR_CHROMIUM names another."""
    named = os.environ.get("AUDITOR_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser process with an empty profile; pages are its tabs."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.mkdtemp(prefix="auditor-browser-")
        command = [program, *FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        self._child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = websocket.create_connection(self._address(), timeout=ANSWER, suppress_origin=True)
        self._sent = 0
        self._events: dict[str, list[dict[str, Any]]] = {}

    def open(self, file: Path, **how: Any) -> Page:
        """A new tab with the file; see Page for how."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session, file, **how)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events that come meanwhile are kept."""
        self._sent += 1
        message: dict[str, Any] = {"id": self._sent, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def wait(self, session: str, event: str) -> dict[str, Any]:
        """Until an event of this tab has come, which may have been before."""
        while True:
            for seen in self.events(session):
                if seen["method"] == event:
                    return seen["params"]
            self._receive()

    def events(self, session: str) -> list[dict[str, Any]]:
        return self._events.setdefault(session, [])

    def close(self) -> None:
        self._socket.close()
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _receive(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._socket.recv())
        if "id" not in answer:
            self.events(answer.get("sessionId", "")).append(answer)
        return answer

    def _address(self) -> str:
        """The address that the browser writes into its profile as soon as it listens."""
        written, begun = Path(self._profile) / "DevToolsActivePort", time.monotonic()
        while time.monotonic() - begun < START:
            lines = written.read_text().split() if written.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if self._child.poll() is not None:
                raise RuntimeError(f"{self._child.args[0]} ended at once with code {self._child.returncode}")  # type: ignore[index]
            time.sleep(0.05)
        raise RuntimeError("the browser does not answer")


class Page:
    """One tab, offline.

    dark: the preferred colours; width, height: of the window in CSS pixels; zoom: the browser's own, in times;
    scripts: false turns the page's JavaScript off
    """

    def __init__(
        self,
        browser: Chromium,
        target: str,
        session: str,
        file: Path,
        *,
        dark: bool = False,
        width: int = 1280,
        height: int = 900,
        zoom: float = 1.0,
        scripts: bool = True,
    ) -> None:
        self._browser, self._target, self._session = browser, target, session
        self.address = f"file://{quote(str(file.resolve()))}"
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0)
        self.prefer(dark=dark)
        self.resize(width, height, zoom)
        if scripts:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        else:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        failed = self.call("Page.navigate", url=self.address).get("errorText")
        if failed:
            raise RuntimeError(f"{self.address}: {failed}")
        browser.wait(session, "Page.loadEventFired")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def prefer(self, *, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call(
            "Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]
        )

    def resize(self, width: int, height: int = 900, zoom: float = 1.0) -> None:
        """A window of this many pixels at this zoom: the page has width / zoom to lay itself out in."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=round(width / zoom),
            height=round(height / zoom),
            deviceScaleFactor=zoom,
            mobile=width < 600,
        )

    def run(self, script: str) -> Any:
        """The value of an expression, awaited; as much as the page's own content policy lets its scripts do."""
        answer = self.call(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def texts(self, selector: str) -> list[str]:
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(node => node.innerText.trim())")

    def press(self, key: str) -> None:
        """One key, as from a keyboard: Tab, Enter, Escape or a sign."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        text = {"Enter": "\r"}.get(key, "" if key in codes else key)
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                text=text if kind == "keyDown" else "",
                windowsVirtualKeyCode=codes.get(key, 0),
            )

    def wrong(self) -> list[str]:
        """Everything the console would show as an error or a warning, exceptions and broken policies."""
        found = self.run("window.violations ?? []")
        for event in self._browser.events(self._session):
            said = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(said["exceptionDetails"].get("exception", {}).get("description", "exception"))
            elif event["method"] == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
                found.append(f"console.{said['type']}")
            elif event["method"] == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
                found.append(said["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """Addresses that were asked for, beside the page's own and those that its content policy held back."""
        events = [(event["method"], event["params"]) for event in self._browser.events(self._session)]
        held = {
            said["requestId"]
            for method, said in events
            if method == "Network.loadingFailed" and said.get("blockedReason") == "csp"
        }
        asked = [
            said["request"]["url"]
            for method, said in events
            if method == "Network.requestWillBeSent" and said["requestId"] not in held
        ]
        return [url for url in asked if url != self.address and not url.startswith("data:")]

    def picture(self, path: Path, height: int | None = None, top: int = 0) -> None:
        """A PNG of the page from `top` over a height, by default all of it; without the scroll bar."""
        size = self.run(
            "({width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight})"
        )
        clip = {"x": 0, "y": top, "scale": 1, **size} | ({"height": height} if height else {})
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it prints, on A4 with its own margins."""
        printed = self.call(
            "Page.printToPDF", printBackground=True, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69
        )
        path.write_bytes(base64.b64decode(printed["data"]))

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)
