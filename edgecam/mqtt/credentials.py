"""What the daemon logs in with."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from edgecam import config
from edgecam.errors import ConfigError, in_words


@dataclass(frozen=True, slots=True)
class Credentials:
    """A password, and how the connection is encrypted; None: not at all."""

    password: str | None
    tls: ssl.SSLContext | None


def read_credentials(settings: config.MqttSettings) -> Credentials:
    """Read the files that the settings name.

    Raises:
        ConfigError: a file with a password, certificate or key cannot be read.
    """
    file = (settings.password_file or _default_password_file()) if settings.username else ""
    return Credentials(_secret(file) if file else None, _context(settings) if settings.tls else None)


def _context(settings: config.MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        message = f"mqtt.ca_file: {settings.ca_file}: {in_words(error)}"
        raise ConfigError(message) from None
    if settings.cert_file:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file)
        except OSError as error:
            message = f"mqtt.cert_file: {settings.cert_file} with {settings.key_file}: {in_words(error)}"
            raise ConfigError(message) from None
    return context


def _default_password_file() -> str:
    """Systemd's credential, else the file that it is made from, or none; one with nothing in it is none.

    Raises:
        ConfigError: the file is there, but not for us.
    """
    folders = [os.environ.get("CREDENTIALS_DIRECTORY"), config.SYSTEM_FILE.parent]
    for file in (Path(folder) / config.CREDENTIAL for folder in folders if folder):
        try:
            if file.read_bytes().strip():
                return str(file)
        except PermissionError:
            message = f"mqtt.password_file: {file}: permission denied; try with sudo"
            raise ConfigError(message) from None
        except OSError:
            continue
    return ""


def _secret(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        # What has no folder in it may be the password itself, put in the file's place.
        name = f"{file}: " if "/" in file else ""
        message = f"mqtt.password_file: {name}{in_words(error)}; name a file that holds nothing but the password"
    except UnicodeDecodeError:
        message = f"mqtt.password_file: {file}: not UTF-8 text"
    raise ConfigError(message)
