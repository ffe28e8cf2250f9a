"""What lies in all files of a data set, in a few letters."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from trainer.data.parts import digest_if_readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.data.listing import Listing


def content_digest(listing: Listing, known: Mapping[int, bytes] | None = None) -> str:
    """Tell photographs, with the class and the part of each, from any others; where they lie does not count.

    Args:
        listing: the files.
        known: digests of some of them, by index; the others are read.

    Returns:
        64 hexadecimal digits.
    """
    known = known or {}
    content = hashlib.sha256()
    for index, photo in enumerate(listing.photos):
        digest = known[index] if index in known else digest_if_readable(photo.path)
        content.update(msgspec.json.encode((listing.classes[photo.label], photo.part, digest)))
    return content.hexdigest()
