"""From a folder's name, or a cell of a table, to a class's name: one line of text, written in one way."""

from __future__ import annotations

import unicodedata

from trainer.data.findings import JOINERS


def class_name(given: str) -> str | None:
    """The name as a label: without spaces around it, and composed (NFC), as macOS decomposes names and others do not.

    Returns:
        None: it cannot be printed, or there is nothing to print. ZWJ and ZWNJ, which emoji and words are joined and
        parted by, are no obstacle.
    """
    name = unicodedata.normalize("NFC", given).strip()
    visible = name.translate(dict.fromkeys(map(ord, JOINERS))).strip()
    return name if visible and visible.isprintable() else None
