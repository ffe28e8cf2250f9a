"""Fetches packages by their registries' own clients, and opens them: name to bytes of the files in each.

A package is named by its version and its SHA-256, so that the same pictures come out everywhere. Debian's mirrors carry
only the versions of today's releases: once one is gone, `apt-get download` says so, and `sources.toml` names another.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from trainer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Registry = Literal["debian", "npm", "pypi"]
_MINUTES: Final = 20


class PackageError(InputError):
    """A package cannot be had, or is not the one that `sources.toml` names."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package of a registry.

    Attributes:
        registry: whose client fetches it.
        name: as the registry has it.
        version: likewise.
        sha256: of the file that the client fetches.
        file: its name, for pypi, where a version is several files.
    """

    registry: Registry
    name: str
    version: str
    sha256: str
    file: str = ""


def fetched(package: Package, folder: Path) -> Path:
    """The package's file in `folder`, fetched if it is not there.

    Raises:
        PackageError: the client cannot get it, or its SHA-256 is another.
    """
    into = folder / package.registry / package.sha256[:16]
    into.mkdir(parents=True, exist_ok=True)
    if not _files(into):
        command = _command(package)
        try:
            subprocess.run(  # noqa: S603  of our own sources.toml
                command, cwd=into, check=True, timeout=60 * _MINUTES, capture_output=True, text=True
            )
        except FileNotFoundError:
            message = f"{package.name}: no {command[0]} on this machine to fetch it with"
            raise PackageError(message) from None
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = str(error.stderr or error).strip().splitlines()
            message = f"{package.name} {package.version}: {' '.join(command)} failed: {said[-1] if said else error}"
            raise PackageError(message) from None
    path = _files(into)[0]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != package.sha256:
        message = f"{path}: SHA-256 is {digest}, sources.toml says {package.sha256}; remove the file to fetch it again"
        raise PackageError(message)
    return path


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every file in a package, by its suffix .deb, .tgz or .whl, in the order of its paths.

    Raises:
        PackageError: the suffix is another one.
    """
    match path.suffix:
        case ".deb":
            listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, capture_output=True)  # noqa: S603, S607
            yield from _tar(listed.stdout)
        case ".tgz":
            yield from _tar(path.read_bytes())
        case ".whl":
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    yield name, archive.read(name)
        case _:
            message = f"{path}: not a package of Debian, npm or PyPI"
            raise PackageError(message)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in {".deb", ".tgz", ".whl"})


def _command(package: Package) -> list[str]:
    match package.registry:
        case "debian":
            return ["apt-get", "download", f"{package.name}={package.version}"]
        case "npm":
            return ["npm", "pack", f"{package.name}@{package.version}"]
        case "pypi":
            # Whatever machine this runs on: the wheel that is named, though it be another processor's.
            python, platforms = package.file.split("-")[2], package.file.removesuffix(".whl").split("-")[-1].split(".")
            where = [word for platform in platforms for word in ("--platform", platform)]
            only = ["--no-deps", "--only-binary", ":all:", "--python-version", python.removeprefix("cp"), *where]
            return ["pip", "download", *only, f"{package.name}=={package.version}"]


def _tar(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name.removeprefix("./"), file.read()
