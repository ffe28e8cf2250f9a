"""A camera that speaks HTTP, as it should and as it should not."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pytest
import trustme

from edgecam.camera.sources import open_source, source
from edgecam.camera.view import Wanted
from edgecam.config import CameraSettings
from edgecam.errors import SourceError
from edgecam.tools.demo import shipped_clip
from tests import clips
from tests.web_camera import PASSWORD, USER, Request, asks_for_login, picture, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edgecam.camera.frames import Frame

FAST = 1000.0
COLOURS = ("red", "green", "blue")


def read(url: str, count: int, least: tuple[int, int] | None = None, **settings: object) -> list[Frame]:
    camera = CameraSettings(source=url, **{"fps": FAST, **settings})  # type: ignore[arg-type]
    with closing(open_source(camera, Wanted((8, 8), least=least)).frames(threading.Event())) as frames:
        return list(islice(frames, count))


def colour(frame: Frame) -> str:
    middle = frame.image[frame.image.shape[0] // 2, frame.image.shape[1] // 2].astype(int)
    return min(COLOURS, key=lambda name: float(np.abs(middle - clips.BGR[name]).sum()))


def url_of(server: object, path: str = "/", login: str = "", scheme: str = "http") -> str:
    return f"{scheme}://{login}127.0.0.1:{server.server_port}{path}"  # type: ignore[attr-defined]


def refusal(answer: Callable[[Request], None], path: str = "/", login: str = "") -> str:
    """Why nothing is taken of a server: one line."""
    with serve(answer) as server, pytest.raises(SourceError) as refused:
        read(url_of(server, path, login), 1)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "NO_FRAME_S", 0.3)


class TestStream:
    """JPEG after JPEG in one answer."""

    def test_pictures_come_as_small_as_they_may_be(self) -> None:
        def answer(request: Request) -> None:
            request.begin()
            request.part(picture("red", (640, 480)))
            request.wait_for_hang_up()

        with serve(answer) as server:
            (whole,) = read(url_of(server), 1)
            (small,) = read(url_of(server), 1, (100, 100))
        assert (whole.size, small.size) == ((640, 480), (160, 120))
        assert whole.encoded is None
        assert small.encoded is not None

    @pytest.mark.parametrize(
        "kind",
        [
            'multipart/x-mixed-replace;boundary="--frame"',
            "multipart/x-mixed-replace; BOUNDARY=frame; charset=x",
            "multipart/mixed;boundary=another",
            "Multipart/X-Mixed-Replace",
            "multipart/x-mixed-replace; boundary=",
        ],
    )
    def test_the_boundary_may_be_told_in_any_way(self, kind: str) -> None:
        def answer(request: Request) -> None:
            request.begin(kind)
            request.part(picture("blue"))
            request.wait_for_hang_up()

        with serve(answer) as server:
            assert colour(read(url_of(server), 1)[0]) == "blue"

    def test_broken_pictures_are_left_out(self) -> None:
        def answer(request: Request) -> None:
            request.begin()
            for content in (b"", b"rubbish", picture("red")[:80], picture("green")):
                request.part(content)
            request.wait_for_hang_up()

        with serve(answer) as server:
            assert colour(read(url_of(server), 1)[0]) == "green"

    def test_of_pictures_that_came_together_the_newest_is_taken(self) -> None:
        def answer(request: Request) -> None:
            request.begin()
            request.part(picture("red"))
            taken.wait(20)
            parts = [b"--frame\r\n\r\n" + picture(name) + b"\r\n" for name in ("red", "red", "blue")]
            request.wfile.write(b"".join(parts) + b"--frame\r\n")
            request.wait_for_hang_up()

        taken = threading.Event()
        with serve(answer) as server:
            camera = CameraSettings(source=url_of(server))
            with closing(open_source(camera).frames(threading.Event())) as frames:
                next(frames)
                taken.set()
                assert colour(next(frames)) == "blue"

    def test_one_that_ends_is_lost(self) -> None:
        def answer(request: Request) -> None:
            request.begin()
            request.part(picture())

        with serve(answer) as server, pytest.raises(SourceError, match=r"^the stream ended$"):
            read(url_of(server), 2)

    @pytest.mark.usefixtures("_impatient")
    def test_one_of_which_nothing_can_be_decoded_is_lost(self) -> None:
        def answer(request: Request) -> None:
            request.begin()
            while True:
                request.part(b"\xff\xd8rubbish\xff\xd9")

        assert refusal(answer) == "no frame that can be decoded came for 0 s"

    @pytest.mark.parametrize("sent", [b"", b"-", b"rubbish ", bytes(50_000)])
    def test_one_that_never_comes_to_a_picture_is_lost(self, sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(source, "NO_FRAME_S", 0.3)

        def answer(request: Request) -> None:
            request.begin()
            while sent:
                request.wfile.write(sent)
            request.wait_for_hang_up()

        assert refusal(answer).startswith(("no frame came for 0 s", "gives no picture in 16 KB"))


class TestPictures:
    """A picture an answer."""

    def test_each_is_asked_for_anew_over_one_connection(self) -> None:
        shown = iter(COLOURS)
        with serve(lambda request: request.give(picture(next(shown)))) as server:
            assert [colour(frame) for frame in read(url_of(server, "/a b.jpg?x=y&z=%20é"), 3)] == list(COLOURS)
            assert server.requests == ["/a%20b.jpg?x=y&z=%20%C3%A9"] * 3
            assert server.connections == 1

    def test_they_come_at_the_cameras_rate(self) -> None:
        with serve(lambda request: request.give(picture())) as server:
            times = [frame.exposed_ns for frame in read(url_of(server), 3, fps=10)]
        assert times[2] - times[0] >= 190_000_000

    def test_a_stop_ends_the_wait_for_the_next(self) -> None:
        stop = threading.Event()
        with serve(lambda request: request.give(picture())) as server:
            frames = open_source(CameraSettings(source=url_of(server), fps=0.001)).frames(stop)
            next(frames)
            stop.set()
            assert list(frames) == []

    @pytest.mark.parametrize(
        ("kind", "suffix"),
        [("image/png", ".png"), ("image/webp", ".webp"), ("image/jpg", ".jpg"), ("application/octet-stream", ".jpg")],
    )
    def test_of_any_kind(self, kind: str, suffix: str) -> None:
        with serve(lambda request: request.give(picture("green", (640, 480), suffix), kind)) as server:
            (frame,) = read(url_of(server), 1, (100, 100))
        assert (colour(frame), min(frame.size) >= 100) == ("green", True)

    def test_of_no_kind(self) -> None:
        with serve(lambda request: request.give(picture("green"), "")) as server:
            assert [colour(frame) for frame in read(url_of(server), 2)] == ["green"] * 2

    def test_a_server_may_hang_up_between_two(self) -> None:
        def answer(request: Request) -> None:
            request.give(picture())
            request.close_connection = True

        with serve(answer) as server:
            assert len(read(url_of(server), 3)) == 3
            assert server.connections == 3

    def test_one_that_breaks_off_is_left_out(self) -> None:
        contents = iter([picture("red"), picture("blue")[:-100], picture("green")])

        def answer(request: Request) -> None:
            content = next(contents)
            request.send_response(200)
            request.send_header("Content-Type", "image/jpeg")
            request.send_header(
                "Content-Length", str(len(picture("red") if content.endswith(b"\xff\xd9") else content + b"-" * 100))
            )
            request.end_headers()
            request.wfile.write(content)
            request.close_connection = True

        with serve(answer) as server:
            assert [colour(frame) for frame in read(url_of(server), 2)] == ["red", "green"]

    def test_one_that_is_too_busy_now_and_then_is_not_lost(self) -> None:
        busy = iter([False, True, True, False])

        def answer(request: Request) -> None:
            request.give(b"", status=503) if next(busy) else request.give(picture())

        with serve(answer) as server:
            assert len(read(url_of(server), 2)) == 2
            assert len(server.requests) == 4

    @pytest.mark.usefixtures("_impatient")
    def test_one_that_gives_no_more_is(self) -> None:
        pictures = iter([picture()])

        def answer(request: Request) -> None:
            content = next(pictures, b"")
            request.give(content, status=200 if content else 503)

        with serve(answer) as server, pytest.raises(SourceError, match="answers 503 Service Unavailable"):
            read(url_of(server), 2)

    @pytest.mark.usefixtures("_impatient")
    def test_what_cannot_be_decoded_is_named(self) -> None:
        with (
            serve(lambda request: request.give(b"<svg/>", "image/svg+xml")) as server,
            pytest.raises(
                SourceError, match=r"no frame that can be decoded came for 0 s \(it gives 'image/svg\+xml'\)"
            ),
        ):
            read(url_of(server), 1)

    def test_the_same_again_is_a_still_scene(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from edgecam.camera.sources import stillness

        monkeypatch.setattr(stillness, "FIRST_S", 0.0)
        with serve(lambda request: request.give(picture())) as server:
            read(url_of(server), 20)
            assert server.connections == 1


class TestRefusals:
    """What is no camera is told in one line."""

    @pytest.mark.parametrize(
        ("status", "problem"), [(404, "answers 404 Not Found"), (500, "answers 500 Internal Server Error")]
    )
    def test_an_error(self, status: int, problem: str) -> None:
        assert refusal(lambda request: request.give(b"", status=status)) == problem

    @pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
    def test_a_page(self, kind: str) -> None:
        told = refusal(lambda request: request.give(b"<html>", kind))
        assert (
            told
            == f"gives '{kind.partition(';')[0]}', neither pictures nor a stream; is that the address of its pictures?"
        )

    def test_a_page_after_pictures(self) -> None:
        answers = iter([(picture(), "image/jpeg"), (b"log in", "text/html")])
        with (
            serve(lambda request: request.give(*next(answers))) as server,
            pytest.raises(SourceError, match="text/html"),
        ):
            read(url_of(server), 2)

    def test_an_encoding(self) -> None:
        told = refusal(lambda request: request.give(b"\x1f\x8brubbish", Content_Encoding="gzip"))
        assert told == "answers in the encoding 'gzip', which it was not asked for"

    def test_a_circle(self) -> None:
        told = refusal(lambda request: request.give(b"", status=302, Location="/again"))
        assert told == "leads from address to address, 5 times and more"

    @pytest.mark.parametrize("to", ["file:///etc/passwd", "rtsp://me:S3CRET@porch/", "http://["])
    def test_a_way_to_elsewhere(self, to: str) -> None:
        told = refusal(lambda request: request.give(b"", status=302, Location=to))
        assert told.startswith(("leads to ", "cannot be opened"))
        assert told.endswith(("not an address of a web server", "its address cannot be used"))
        assert "S3CRET" not in told

    def test_a_picture_that_is_too_large(self) -> None:
        assert refusal(lambda request: request.give(bytes(17_000_000))) == "gives a picture of more than 16 MB"

    def test_a_server_that_is_not_there(self) -> None:
        with pytest.raises(SourceError, match=r"^cannot be opened: connection refused$"):
            read("http://127.0.0.1:9/", 1)

    @pytest.mark.parametrize("url", ["http://", "http:///x", "http://porch:99999999/", "http://[::1/", "http://a b/"])
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(SourceError, match=r"not an address of a web server|its address cannot be used"):
            read(url, 1)

    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            (b"SSH-2.0-OpenSSH_9.2\r\n", "what it says is not HTTP"),
            (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, "what it says has too many headers"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "what it says is not HTTP"),
            (b"", "cannot be opened"),
        ],
    )
    def test_what_speaks_otherwise(self, said: bytes, problem: str) -> None:
        with Talker([said]) as url, pytest.raises(SourceError, match=problem):
            read(url, 1)

    @pytest.mark.usefixtures("_impatient")
    @pytest.mark.parametrize("drop", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
    def test_one_that_says_a_little_for_ever(self, drop: bytes) -> None:
        with (
            Talker(iter(lambda: drop, None)) as url,
            pytest.raises(SourceError, match=r"no frame came for 0 s|is not HTTP"),
        ):
            read(url, 1)


class TestLogin:
    """User and password."""

    LOGIN = f"{USER}:{quote(PASSWORD)}@"

    @pytest.mark.parametrize(
        "challenge",
        [
            'Basic realm="porch"',
            'Digest realm="porch, Basic", nonce="abc", qop="auth,auth-int"',
            'Digest realm="porch, Basic", nonce="abc", qop="auth", algorithm=SHA-256, opaque="x"',
            'Digest realm="porch, Basic",nonce="abc",qop=auth,algorithm=MD5-sess',
            'Digest realm="porch, Basic", nonce="abc"',
        ],
    )
    @pytest.mark.parametrize("path", ["/stream", "/snapshot.jpg?size=1,2"])
    def test_is_told_as_it_is_asked_for(self, challenge: str, path: str, caplog: pytest.LogCaptureFixture) -> None:
        def answer(request: Request) -> None:
            if asks_for_login(request, challenge):
                return
            if request.path != "/stream":
                request.give(picture("green"))
                return
            request.begin()
            for _ in range(2):
                request.part(picture("green"))
            request.wait_for_hang_up()

        caplog.set_level("DEBUG")
        with serve(answer) as server:
            assert colour(read(url_of(server, path, self.LOGIN), 1)[0]) == "green"
        assert "cret" not in caplog.text

    def test_a_nonce_that_has_run_out_is_asked_for_anew(self) -> None:
        nonces = iter(range(1000))

        def answer(request: Request) -> None:
            if not asks_for_login(request, f'Digest realm="porch, Basic", nonce="{next(nonces) // 3}", qop="auth"'):
                request.give(picture())

        with serve(answer) as server:
            assert len(read(url_of(server, "/", self.LOGIN), 6)) == 6

    @pytest.mark.parametrize(
        ("login", "challenge", "problem"),
        [
            ("", "Basic", "asks for a user and a password; write user:password@ before its host"),
            ("me:wrong@", 'Digest realm="x", nonce="y"', "refuses the user and password that stand in its address"),
            ("me:wrong@", "Basic", "refuses the user and password that stand in its address"),
            ("me:wrong@", "NTLM", "asks for another login than HTTP's Basic or Digest"),
        ],
    )
    def test_one_that_is_refused_is_told(self, login: str, challenge: str, problem: str) -> None:
        def answer(request: Request) -> None:
            asks_for_login(request, challenge)

        assert refusal(answer, login=login) == problem

    def test_is_not_told_to_another_host(self) -> None:
        def elsewhere(request: Request) -> None:
            told.append(request.headers["Authorization"])
            request.give(picture())

        told: list[str | None] = []
        with serve(elsewhere) as other:

            def answer(request: Request) -> None:
                if not asks_for_login(request, 'Basic realm="x"'):
                    request.give(b"", status=307, Location=f"http://localhost:{other.server_port}/")

            with serve(answer) as server:
                assert len(read(url_of(server, "/", self.LOGIN), 1)) == 1
        assert told == [None]


class TestTls:
    """https://."""

    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def context(self, authority: trustme.CA) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def test_a_certificate_that_is_trusted(
        self, authority: trustme.CA, context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with serve(lambda request: request.give(picture("blue")), context) as server:
            assert [colour(frame) for frame in read(url_of(server, scheme="https"), 2)] == ["blue"] * 2

    def test_a_certificate_that_is_not(self, context: ssl.SSLContext) -> None:
        with serve(lambda request: request.give(picture()), context) as server, pytest.raises(SourceError) as refused:
            read(url_of(server, scheme="https"), 1)
        assert str(refused.value).startswith("cannot be opened: its certificate is not trusted (")
        assert "update-ca-certificates" in refused.value.remedy


class TestFfmpeg:
    """What else comes over HTTP is for FFmpeg to read."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        shutil.copy(shipped_clip(), tmp_path / "clip.mp4")
        clips.write(tmp_path / "part.ts", [("red", 30)], (320, 240))
        playlist = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n"
        (tmp_path / "live.m3u8").write_text(playlist)
        return tmp_path

    @pytest.mark.parametrize(
        ("path", "kind", "size"),
        [
            ("/clip.mp4", "video/mp4", (640, 480)),
            ("/live.m3u8", "application/vnd.apple.mpegurl", (320, 240)),
            ("/live.m3u8", "text/plain", (320, 240)),
        ],
    )
    def test_a_video_or_a_playlist(self, folder: Path, path: str, kind: str, size: tuple[int, int]) -> None:
        def answer(request: Request) -> None:
            content = (folder / request.path[1:]).read_bytes()
            request.give(content, kind if request.path == path else "video/mp2t")

        with serve(answer) as server:
            seen = read(url_of(server, path), 3)
        assert [frame.size for frame in seen] == [size] * 3

    def test_what_it_cannot_read_either(self) -> None:
        assert refusal(lambda request: request.give(b"rubbish", "application/x-rubbish")) == "cannot be opened"


class Talker:
    """Says to each who calls what is given, and then nothing."""

    def __init__(self, said: Iterable[bytes]) -> None:
        self._said = said

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/"

    def _run(self) -> None:
        with self._socket.accept()[0] as connection:
            try:
                for piece in self._said:
                    connection.sendall(piece)
            except OSError:
                return

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()
