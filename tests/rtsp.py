"""A real RTSP server, as a process that can be ended: ``python -m tests.rtsp FOLDER PORT``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.broker import WAIT_S, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def serve(clip: Path, port: int | None = None) -> Iterator[tuple[str, Callable[[], None]]]:
    """Serve a clip in a loop, at a free port or a given one; gives its URL and a function that kills the server."""
    port = port or free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.rtsp", str(clip.parent), str(port)], stdout=subprocess.DEVNULL
    )

    def stop() -> None:
        server.kill()
        server.wait(WAIT_S)

    try:
        deadline = time.monotonic() + WAIT_S
        while not answers(port):
            assert server.poll() is None, "the RTSP server ended"
            assert time.monotonic() < deadline, "the RTSP server does not answer"
        yield f"rtsp://127.0.0.1:{port}/{clip.name}", stop
    finally:
        stop()


if __name__ == "__main__":
    from aio_rtsp_toolkit.server import RtspServer

    asyncio.run(RtspServer(sys.argv[1], "127.0.0.1", int(sys.argv[2])).serve_forever())
