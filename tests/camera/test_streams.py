"""Streams that FFmpeg reads: by which transport, and what is said of those that it cannot read."""

from __future__ import annotations

import shutil
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from edgecam.camera.sources import open_source
from edgecam.config import CameraSettings
from edgecam.errors import SourceError, SourceFileError
from edgecam.tools.demo import shipped_clip
from tests import clips
from tests.broker import free_port
from tests.rtsp import serve

if TYPE_CHECKING:
    from pathlib import Path

    from edgecam.camera.frames import Frame

PACKETS = 7 * 188  # bytes of MPEG's transport stream in a datagram, as all senders have it


def first(url: str, **settings: object) -> Frame:
    camera = CameraSettings(source=url, **settings)  # type: ignore[arg-type]
    with closing(open_source(camera).frames(threading.Event())) as frames:
        return next(frames)


@pytest.mark.parametrize("asked", ["tcp", "udp"])
@pytest.mark.parametrize("taken", ["tcp", "udp"])
def test_rtsp_goes_by_the_transport_that_is_set(tmp_path: Path, asked: str, taken: str) -> None:
    shutil.copy(shipped_clip(), tmp_path / "clip.mp4")
    with serve(tmp_path / "clip.mp4", transport=taken) as (url, _):
        if asked == taken:
            assert first(url, transport=asked).size == (640, 480)
        else:
            with pytest.raises(SourceError, match="cannot be opened"):
                first(url, transport=asked)


@pytest.fixture
def stream(tmp_path: Path) -> bytes:
    """Two seconds of MPEG's transport stream."""
    return clips.write(tmp_path / "clip.ts", [("red", 60)], (320, 240)).read_bytes()


@pytest.mark.parametrize("url", ["udp://127.0.0.1:{}", "udp://@:{}", "UDP://127.0.0.1:{}"])
def test_a_stream_of_datagrams_is_read(stream: bytes, url: str) -> None:
    port, seen = free_port(), threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not seen.is_set():
                for place in range(0, len(stream), PACKETS):
                    sender.sendto(stream[place : place + PACKETS], ("127.0.0.1", port))
                    seen.wait(0.001)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        assert first(url.format(port)).size == (320, 240)
    finally:
        seen.set()
        sending.join()


def test_a_stream_over_tcp_is_read(stream: bytes) -> None:
    def send() -> None:
        with server.accept()[0] as reader:
            try:
                while True:
                    reader.sendall(stream)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        sending = threading.Thread(target=send)
        sending.start()
        assert first(f"tcp://127.0.0.1:{server.getsockname()[1]}").size == (320, 240)
        sending.join()


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "rtmp", "rtmps", "tcp", "srt"])
def test_one_that_is_not_there_is_told_in_a_line(scheme: str) -> None:
    with pytest.raises(SourceError, match=r"^cannot be opened") as refused:
        first(f"{scheme}://me:S3CRET@127.0.0.1:9/live")
    assert "S3CRET" not in str(refused.value)
    assert ("MediaMTX" in str(refused.value)) == (scheme == "srt")


@pytest.mark.parametrize("url", ["ftp://me:S3CRET@porch/x", "mms://porch", "file:///clip.mp4", "rtspt://porch"])
def test_what_is_not_known_is_told_with_what_is(url: str) -> None:
    with pytest.raises(SourceFileError) as refused:
        open_source(CameraSettings(source=url))
    told = str(refused.value)
    assert told.startswith("camera.source: ")
    assert told.endswith(
        f"{url.partition(':')[0]}:// is not known; expected http://, https://, rtsp://, rtsps://, rtmp://, rtmps://, "
        "rtmpt://, rtmpts://, srt://, udp://, rtp://, tcp://"
    )
    assert "S3CRET" not in told
