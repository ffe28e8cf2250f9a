"""How a web server is told user and password: HTTP's Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SCHEME = re.compile(r"\s*(?:,\s*)*(Basic|Digest)\s+", re.IGNORECASE)
PARAMETER = re.compile(r'(?<![\w-])([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
ESCAPED = re.compile(r"\\(.)")
HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}  # the better one first


class Login:
    """Answers what a server asks for; a password goes over in the clear only where it takes nothing else."""

    def __init__(self, user: str, password: str) -> None:
        """Be asked for nothing yet."""
        self._user = user
        self._password = password
        self._asked: Mapping[str, str] | None = None  # by Digest, empty: by Basic, None: not at all
        self._count = 0

    def ask(self, challenges: Sequence[str]) -> bool:
        """Take in the ``WWW-Authenticate`` of an answer, and return whether it can be answered."""
        asked = [parameters for each in challenges for parameters in _read(each)]
        digests = [each for each in asked if each and _algorithm(each) in HASHES]
        best = min(digests, key=lambda each: list(HASHES).index(_algorithm(each)), default=None)
        self._asked, self._count = {} if best is None and {} in asked else best, 0
        return self._asked is not None

    def header(self, method: str, target: str, nonce: Callable[[], str] = lambda: secrets.token_hex(8)) -> str | None:
        """Return the ``Authorization`` of a request; None: nobody has asked for any.

        Args:
            method: GET and so on.
            target: path and query, as they stand in the request.
            nonce: makes what is used once.
        """
        if self._asked is None:
            return None
        if not self._asked:
            return "Basic " + base64.b64encode(f"{self._user}:{self._password}".encode()).decode()
        self._count += 1
        return "Digest " + self._digest(self._asked, method, target, nonce())

    def _digest(self, asked: Mapping[str, str], method: str, target: str, ours: str) -> str:
        hashes = HASHES[_algorithm(asked)]

        def hashed(*parts: str) -> str:
            return hashes(":".join(parts).encode()).hexdigest()

        realm, theirs, count = asked.get("realm", ""), asked.get("nonce", ""), f"{self._count:08x}"
        secret = hashed(self._user, realm, self._password)
        if asked.get("algorithm", "").upper().endswith("-SESS"):
            secret = hashed(secret, theirs, ours)
        told = {"username": self._user, "realm": realm, "nonce": theirs, "uri": target}
        plain = {}
        if "auth" in re.split(r"[\s,]+", asked.get("qop", "").lower()):
            told["response"] = hashed(secret, theirs, count, ours, "auth", hashed(method, target))
            told["cnonce"] = ours
            plain = {"qop": "auth", "nc": count}
        else:
            told["response"] = hashed(secret, theirs, hashed(method, target))
        told |= {"opaque": asked["opaque"]} if "opaque" in asked else {}
        plain |= {"algorithm": asked["algorithm"]} if "algorithm" in asked else {}
        quoted = [f'{key}="{_quoted(value)}"' for key, value in told.items()]
        return ", ".join([*quoted, *(f"{key}={value}" for key, value in plain.items())])


def _read(challenge: str) -> list[Mapping[str, str]]:
    """The challenges in one header: of Digest its parameters, of Basic none."""
    found: list[Mapping[str, str]] = []
    starts = [match for match in SCHEME.finditer(challenge) if _is_outside_quotes(challenge, match.start())]
    for number, match in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(challenge)
        rest = challenge[match.end() : end]
        parameters = {
            key.lower(): ESCAPED.sub(r"\1", quoted) or plain for key, quoted, plain in PARAMETER.findall(rest)
        }
        found.append({} if match[1].lower() == "basic" else {"nonce": "", **parameters})
    if challenge.strip().lower() == "basic":
        found.append({})
    return found


def _is_outside_quotes(text: str, place: int) -> bool:
    return text[:place].count('"') % 2 == 0


def _algorithm(asked: Mapping[str, str]) -> str:
    return asked.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
