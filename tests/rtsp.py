"""A real RTSP server, as a process that can be ended: ``python -m tests.rtsp FOLDER PORT [udp]``."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.broker import WAIT_S, answers, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def serve(clip: Path, port: int | None = None, transport: str = "tcp") -> Iterator[tuple[str, Callable[[], None]]]:
    """Serve a clip in a loop, at a free port or a given one; gives its URL and a function that kills the server.

    It takes one transport, and hangs up on who asks for the other.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "tests.rtsp", str(clip.parent), str(port), transport]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)

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


async def run(folder: str, port: int, transport: str) -> None:
    """Serve the clips of a folder for ever."""
    from aio_rtsp_toolkit.server import RtspServer
    from aio_rtsp_toolkit.server_session import RtspServerSession

    parse = RtspServer.parse_interleaved_channels

    def channels(server: RtspServer, wanted: str) -> tuple[int, int]:
        found = parse(server, wanted) if transport == "tcp" else ports(wanted)
        if not found:
            raise ConnectionResetError(wanted)
        return found

    RtspServer.parse_interleaved_channels = channels
    if transport == "udp":
        send_by_udp(RtspServerSession)
    await RtspServer(folder, "127.0.0.1", port).serve_forever()


def ports(wanted: str) -> tuple[int, int] | None:
    """Where a client wants packets sent to by UDP."""
    found = re.search(r"RTP/AVP(?:/UDP)?;unicast;client_port=(\d+)-(\d+)", wanted)
    return (int(found[1]), int(found[2])) if found else None


def send_by_udp(session: Any) -> None:
    """Let a session, which knows TCP alone, send to ports instead of channels, and say so."""
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("127.0.0.1", 0))
    of_server = sender.getsockname()[1]
    respond = session._send_response  # noqa: SLF001

    async def send(_session: Any, to: int, packet: bytes) -> None:
        sender.sendto(packet, ("127.0.0.1", to))

    async def told(session: Any, *answer: Any, **body: bytes) -> None:
        for headers in answer:
            if isinstance(headers, dict) and "interleaved=" in headers.get("Transport", ""):
                of_client = headers["Transport"].rpartition("=")[2]
                told = f"RTP/AVP/UDP;unicast;client_port={of_client};server_port={of_server}-{of_server + 1}"
                headers["Transport"] = told
        await respond(session, *answer, **body)

    session._send_interleaved_frame = send  # noqa: SLF001
    session._send_response = told  # noqa: SLF001


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
