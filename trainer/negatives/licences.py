"""Under which licences pictures may be shipped, and what a Debian package's `copyright` says of each of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

# Free for any use; CC-BY asks to name the author (credits.csv does), CC-BY-SA also to pass a changed picture on alike
# (each of these is shipped under the licence that it came under). The GPL's and the AGPL's are left out.
_FREE: Final = re.compile(r"MIT|CC0-1\.0|public-domain|CC-BY(-SA)?-[1234]\.[05]")


@dataclass(frozen=True, slots=True)
class Credit:
    """Whose a picture is, and its licence's short name, as Debian writes it."""

    author: str
    licence: str


def free(licence: str) -> bool:
    """Whether pictures under it may be shipped."""
    return bool(_FREE.fullmatch(licence))


class CopyrightFile:
    """A `debian/copyright` file in the machine-readable format (DEP 5); the last paragraph that fits a file counts."""

    def __init__(self, text: str) -> None:
        self._paragraphs: list[tuple[list[str], Credit]] = []
        for paragraph in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
            if "Files" in fields and "License" in fields:
                licence = fields["License"].strip().splitlines()[0].strip()
                author = " ".join(fields.get("Copyright", "").split())
                self._paragraphs.append((fields["Files"].split(), Credit(author, licence)))

    def credit(self, path: str) -> Credit | None:
        """Of a file by its path in the source; another suffix is the same picture in another format."""
        stem = str(PurePosixPath(path).with_suffix(""))
        found = None
        for patterns, credit in self._paragraphs:
            for pattern in patterns:
                without = re.sub(r"\.[A-Za-z]+$", "", pattern)
                if fnmatchcase(path, pattern) or ("*" not in pattern and without == stem):
                    found = credit
        return found
