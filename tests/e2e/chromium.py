"""A page of another origin in a real browser, whose EventSource watches a job and tells what it hears."""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from services.absence import missing

_PAGE = b"""<!doctype html><title>Watch</title><script>
let before = Promise.resolve();
const tell = what => before = before.then(() => fetch("/told", {method: "POST", body: JSON.stringify(what)}));
const stream = new EventSource(new URLSearchParams(location.search).get("url"));
stream.onmessage = event => tell({message: JSON.parse(event.data), id: event.lastEventId});
stream.onerror = () => tell(stream.readyState === EventSource.CLOSED ? {closed: true} : {broken: true});
</script>"""


class Page:
    """Serves the page on loopback. `messages` are what it has heard of, `is_closed` once it never comes back."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.breaks = 0
        self.is_closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="page", daemon=True)
        self._thread.start()

    def note(self, told: dict[str, Any]) -> None:
        """What the page tells: a message with its id, a break, or that it was sent away for good."""
        if "message" in told:
            self.messages.append(told["message"])
            self.ids.append(told["id"])
        self.breaks += "broken" in told
        self.is_closed = self.is_closed or "closed" in told

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


@contextmanager
def shown(page: Page, url: str, directory: Path) -> Iterator[None]:
    """The page in a headless Chromium, watching `url`, until this is left."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [_program(), *flags, f"--user-data-dir={directory / 'profile'}", f"{page.origin}/?url={url}"]
    with (directory / "chromium.log").open("wb") as log:
        browser = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        # It is many processes, all of the session that began with it.
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait(timeout=30)


def _program() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name)) is not None), None)
    return found or missing("Chromium", "apt-get install chromium")


def _handler(page: Page) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(_PAGE)

        def do_POST(self) -> None:
            page.note(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the page keeps what it is told."""

        def _answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
