"""A camera on the network, as many are sold: JPEG after JPEG over HTTP; its faults come when they are asked for."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from tests.clips import BGR

if TYPE_CHECKING:
    from numpy.typing import NDArray

Size = tuple[int, int]
WAIT_S = 20.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Who reads may hang up at any time."""


class IpCamera:
    """Serves one picture, again and again, to all who read ``url``."""

    def __init__(self, sight: str | NDArray[np.uint8] = "red", size: Size = (64, 48), rate: float = 30) -> None:
        self._interval_s = 1 / rate
        self._jpeg = b""
        self._freezes = threading.Event()
        self._gone = threading.Event()
        self._readers = threading.Semaphore(0)
        self._port = 0
        self._server: _Server | None = None
        self.show(sight, size)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/video"

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def show(self, sight: str | NDArray[np.uint8], size: Size = (64, 48)) -> None:
        """Hold a colour or an image before it; it may have another width and height from then on."""
        image = np.full((1, 1, 3), BGR[sight], np.uint8) if isinstance(sight, str) else sight
        self._jpeg = cv2.imencode(".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1].tobytes()

    def freeze(self) -> None:
        """Send nothing any more, but keep connections."""
        self._freezes.set()

    def thaw(self) -> None:
        """Go on."""
        self._freezes.clear()

    def unplug(self) -> None:
        """Drop all who read, and listen no more."""
        if self._server:
            self._gone.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def plug_in(self) -> None:
        """Listen, at the same port as before."""
        self._gone = gone = threading.Event()
        self._server = _Server(("127.0.0.1", self._port), self._handler(gone))
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait_for_reader(self) -> None:
        """Wait until somebody who has not been waited for reads."""
        assert self._readers.acquire(timeout=WAIT_S), "nobody reads the camera"

    def _handler(self, gone: threading.Event) -> type[BaseHTTPRequestHandler]:
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                camera._readers.release()
                due = time.monotonic()
                while not gone.wait(max(0.0, due - time.monotonic())):
                    due += camera._interval_s
                    if not camera._freezes.is_set():
                        jpeg = camera._jpeg
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                        self.wfile.write(head.encode() + jpeg + b"\r\n")

        return Handler
