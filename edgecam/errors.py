"""What can go wrong that a user can mend; each message is one line: what and where; what to do."""

import re

REMEDY = "; "  # begins what to do
PLACE = re.compile(r"^_ssl\.c:\d+: | \(_ssl\.c:\d+\)$")  # in Python's own code, which Python tells of errors of TLS


class EdgecamError(Exception):
    """Base of all errors that end a command with one line; ``exit_code`` is the command's.

    The line says what is wrong, and after its last semicolon what to do. So the remedy stays with an error that is told
    by a child process, or again with a place before it.
    """

    exit_code = 1

    @property
    def problem(self) -> str:
        """What is wrong, and where."""
        return split_remedy(str(self))[0]

    @property
    def remedy(self) -> str:
        """What to do about it; empty: the line does not say."""
        return split_remedy(str(self))[1]


class ConfigError(EdgecamError, ValueError):
    """Settings are wrong; ``mistakes`` holds one line for each."""

    exit_code = 2

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class ModelError(EdgecamError, ValueError):
    """The file is no image classifier that edgecam can run."""

    exit_code = 3


class SourceError(EdgecamError, OSError):
    """No frames come from the source: now, and perhaps never."""


class SourceFileError(SourceError):
    """A file or folder cannot be read; trying again would not help."""

    exit_code = 2


class BrokerError(EdgecamError, ConnectionError):
    """The broker cannot be reached or refuses us."""


def in_words(error: OSError | None) -> str:
    """Say what went wrong without the error's number and class."""
    if verification := getattr(error, "verify_message", None):  # of TLS
        return f"its certificate is not trusted ({verification})"
    return PLACE.sub("", (error and (error.strerror or str(error))) or "no answer").lower()


def is_utf8(text: str) -> bool:
    """Whether a name or an argument was; of what else it had in it Python has made surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def as_text(came: bytes | str, most: int) -> str:
    """Show what came from outside, in quotes: at most ``most`` bytes or characters, and all on one line."""
    text = came[:most].decode(errors="backslashreplace") if isinstance(came, bytes) else came[:most]
    escaped = (each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return f"'{''.join(escaped)}'" + ("..." if len(came) > most else "")


def split_remedy(line: str) -> tuple[str, str]:
    """Split the line of an error into what is wrong, and what to do; the latter is empty where it does not say."""
    problem, found, remedy = line.rpartition(REMEDY)
    return (problem, remedy) if found else (line, "")
