"""What can go wrong that a user can mend; each message is one line that says what, where and what to do."""


class EdgecamError(Exception):
    """Base of all errors that end a command with one line; ``exit_code`` is the command's."""

    exit_code = 1


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
    return str((error and (error.strerror or str(error))) or "no answer").lower()


def as_text(came: bytes | str, most: int) -> str:
    """Show what came from outside, in quotes: at most ``most`` bytes or characters, and all on one line."""
    text = came[:most].decode(errors="backslashreplace") if isinstance(came, bytes) else came[:most]
    escaped = (each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return f"'{''.join(escaped)}'" + ("..." if len(came) > most else "")
