"""A camera's web server: one connection, which is kept, and an end to each wait."""

from __future__ import annotations

import http.client
import io
import re
import ssl
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, unquote, urljoin, urlsplit

from edgecam import __version__
from edgecam.addresses import shown
from edgecam.camera.sources.login import Login
from edgecam.errors import SourceError, as_text, in_words

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from urllib.parse import SplitResult

MOVED = {301, 302, 303, 307, 308}
MOST_MOVES = 5
UNAUTHORIZED = 401
PLAIN = "!#$%&'()*+,/:;=?@[]~"  # of a path or query is sent as it is
LONGEST_WORDS = 60
TRUST = "put its issuer's into /usr/local/share/ca-certificates, and run: sudo update-ca-certificates"
SHORTEST_S = 0.001  # a socket without any would not wait at all, nor say so


class Web:
    """Asks for what lies at an address, again and again.

    All that is awaited of one answer, its beginning, or each piece that is asked for in time, must come until a moment
    that is put off by `wait`: a server that gives a byte now and then does not hold us up.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        """Ask for ``url``, which may have user and password in it, and wait for so many seconds."""
        self._patience_s = patience_s
        self._until_s = 0.0
        self._url = self._split(url)
        self._login = Login(unquote(self._url.username or ""), unquote(self._url.password or ""))
        self._connection: http.client.HTTPConnection | None = None
        self._place: tuple[str, str] | None = None  # scheme and host of the connection
        self._response: http.client.HTTPResponse | None = None

    def close(self) -> None:
        """Hang up."""
        for each in (self._response, self._connection):
            if each:
                each.close()
        self._response = self._connection = self._place = None

    def wait(self) -> None:
        """Begin to wait anew: something came."""
        self._until_s = time.monotonic() + self._patience_s

    def get(self) -> http.client.HTTPResponse:
        """Ask, by way of logins and redirections; the answer before must have been read.

        Raises:
            SourceError: it does not come, or it is not the one that is wanted.
        """
        self.wait()
        try:
            return self._get()
        except SourceError:
            raise
        except TimeoutError:
            raise SourceError(self._too_late()) from None
        except (OSError, http.client.HTTPException, UnicodeError, ValueError) as error:
            self.close()
            message = f"cannot be opened: {_reason(error)}"
            raise SourceError(message) from None

    def read(self, read: Callable[[], bytes]) -> bytes:
        """Read from the answer.

        Raises:
            SourceError: nothing came in time, or what is against the rules of HTTP.
        """
        try:
            return read()
        except TimeoutError:
            raise SourceError(self._too_late()) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            message = f"the stream ended: {_reason(error)}"
            raise SourceError(message) from None

    def _get(self) -> http.client.HTTPResponse:
        url, moves, was_asked = self._url, 0, False
        while True:
            response = self._ask(url)
            if response.status == UNAUTHORIZED:
                if url.hostname != self._url.hostname or self._url.username is None:
                    self._refuse("asks for a user and a password; write user:password@ before its host")
                if was_asked:
                    self._refuse("refuses the user and password that stand in its address")
                was_asked = True
                if not self._login.ask(response.headers.get_all("WWW-Authenticate", [])):
                    self._refuse("asks for another login than HTTP's Basic or Digest")
            elif response.status in MOVED and (to := response.headers["Location"]):
                moves += 1
                if moves > MOST_MOVES:
                    self._refuse(f"leads from address to address, {MOST_MOVES} times and more")
                url = self._split(urljoin(url.geturl(), to), "leads to ")
            elif response.status != http.client.OK:
                words = as_text(response.reason, LONGEST_WORDS)[1:-1]
                self._refuse(f"answers {response.status} {words}".rstrip())
            elif (encoding := response.headers["Content-Encoding"] or "identity").lower() != "identity":
                self._refuse(f"answers in the encoding {as_text(encoding, LONGEST_WORDS)}, which it was not asked for")
            else:
                return response
            self.close()

    def _ask(self, url: SplitResult) -> http.client.HTTPResponse:
        """Send one request, over the connection that there is, unless it was closed meanwhile."""
        place = url.scheme, url.netloc.rpartition("@")[2]
        if place != self._place:
            self.close()
        if self._connection and self._connection.sock:  # it has none where the server has said that it hangs up
            try:
                return self._send(self._connection, url)
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
        self._connection, self._place = self._connected(url), place
        return self._send(self._connection, url)

    def _send(self, connection: http.client.HTTPConnection, url: SplitResult) -> http.client.HTTPResponse:
        target = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=PLAIN)
        headers = {"User-Agent": f"edgecam/{__version__}", "Accept": "*/*"}
        if url.hostname == self._url.hostname and (login := self._login.header("GET", target)):
            headers["Authorization"] = login
        connection.request("GET", target, headers=headers)
        self._response = connection.getresponse()
        return self._response

    def _connected(self, url: SplitResult) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=max(SHORTEST_S, self._left_s()))
        connection.connect()
        connection.sock = _Limited(connection.sock, self._left_s)
        return connection

    def _left_s(self) -> float:
        return self._until_s - time.monotonic()

    def _too_late(self) -> str:
        self.close()
        return f"no frame came for {self._patience_s:.0f} s"

    def _refuse(self, what: str) -> NoReturn:
        self.close()
        raise SourceError(what)

    def _split(self, url: str, before: str = "") -> SplitResult:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"{before}{shown(url)}: not an address of a web server"
            raise SourceError(message)
        return parts


class _Limited:
    """What HTTP needs of a connection, each wait of which ends at a moment that may be put off."""

    def __init__(self, connection: socket.socket, left_s: Callable[[], float]) -> None:
        self._connection = connection
        self._left_s = left_s
        self.close = connection.close

    def sendall(self, data: bytes) -> None:
        self._connection.settimeout(max(SHORTEST_S, self._left_s()))
        self._connection.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self._connection, self._left_s))


class _Timed(io.RawIOBase):
    """What comes over a connection."""

    def __init__(self, connection: socket.socket, left_s: Callable[[], float]) -> None:
        self._connection = connection
        self._file = connection.makefile("rb", buffering=0)
        self._left_s = left_s

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        if self._left_s() <= 0:
            raise TimeoutError
        self._connection.settimeout(max(SHORTEST_S, self._left_s()))
        return self._file.readinto(into)

    def close(self) -> None:
        self._file.close()
        super().close()


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"{in_words(error)}; {TRUST}"
        case OSError():
            return in_words(error)
        case http.client.IncompleteRead():
            return "its last part is missing"
        case http.client.HTTPException() if type(error) is http.client.HTTPException:  # it has no class of its own
            return "what it says has too many headers"
        case http.client.HTTPException() if not isinstance(error, http.client.InvalidURL):
            return f"what it says is not HTTP ({re.sub('(?<=[a-z])(?=[A-Z])', ' ', type(error).__name__).lower()})"
        case _:
            return "its address cannot be used"
