"""A web server whose answers a test writes: what cameras, and what is taken for one, say over HTTP."""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.clips import BGR

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

USER, PASSWORD = "me", "se:cret word"


def picture(colour: str = "red", size: tuple[int, int] = (64, 48), suffix: str = ".jpg") -> bytes:
    """Return a picture of one colour, compressed."""
    image = np.full((size[1], size[0], 3), BGR[colour], np.uint8)
    return bytes(cv2.imencode(suffix, image)[1].tobytes())


class Request(BaseHTTPRequestHandler):
    """One request; the connection stays open for more, as HTTP/1.1 has it."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Let the test answer."""
        self.server.requests.append(self.path)
        self.server.answer(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def give(self, content: bytes, kind: str = "image/jpeg", status: int = 200, **headers: str) -> None:
        """Answer with a whole file."""
        self.send_response(status)
        for name, value in ({"Content-Type": kind} if kind else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def begin(self, kind: str = "multipart/x-mixed-replace; boundary=frame") -> None:
        """Answer with what has no end."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.close_connection = True

    def part(self, content: bytes, line: str = "--frame") -> None:
        """Go on with one picture."""
        head = f"{line}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content + b"\r\n")

    def wait_for_hang_up(self) -> None:
        """Say nothing more."""
        self.rfile.read(1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Callable[[Request], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answer = answer
        self.requests: list[str] = []
        self.connections = 0

    def process_request(self, *arguments: object) -> None:
        self.connections += 1
        super().process_request(*arguments)  # type: ignore[arg-type]

    def handle_error(self, *_: object) -> None:
        """Who reads may hang up at any time."""


@contextmanager
def serve(answer: Callable[[Request], None], context: ssl.SSLContext | None = None) -> Iterator[_Server]:
    """Answer so until the test ends."""
    server = _Server(answer)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asks_for_login(request: Request, challenge: str) -> bool:
    """Whether it lacks the right answer to a challenge; then it was told so. By RFC 7616 and 7617."""
    told = request.headers["Authorization"] or ""
    if challenge.startswith("Basic"):
        import base64

        right = told == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    else:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', told))
        hashes = hashlib.sha256 if "SHA-256" in challenge else hashlib.md5

        def hashed(text: str) -> str:
            return hashes(text.encode()).hexdigest()

        secret = hashed(f"{USER}:porch, Basic:{PASSWORD}")
        if "-sess" in challenge:
            secret = hashed(f"{secret}:{given.get('nonce')}:{given.get('cnonce')}")
        middle = f"{given.get('nc')}:{given.get('cnonce')}:auth:" if "qop" in challenge else ""
        expected = hashed(f"{secret}:{given.get('nonce')}:{middle}{hashed(f'GET:{request.path}')}")
        right = given.get("response") == expected and f'nonce="{given.get("nonce")}"' in challenge
    if not right:
        request.give(b"who are you?", "text/plain", 401, WWW_Authenticate=challenge)
    return not right
