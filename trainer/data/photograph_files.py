"""Reads a photograph, whatever a camera, a phone or the web has made of it."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from trainer.errors import PhotographError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.data.findings import PhotoPath

MAX_PIXELS = 150_000_000
Image.MAX_IMAGE_PIXELS = None  # the limit is ours, so that its message is

# What Pillow's decoders are known to raise for files that are not what they say.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, MemoryError)
BROKEN_STREAM = (struct.error, zlib.error)
SAME_FORMAT = {"MPO": "JPEG", "JPEG2000": "JPEG 2000"}
HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc")


def read_photograph(path: PhotoPath, least: int = 0) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read a file as a picture that stands upright.

    Grey, CMYK, palette, 16-bit and transparent pictures (on white) become 8-bit RGB; of an animation the first
    picture is taken. What the file is, is told by its content, not by its name.

    Args:
        path: any format that Pillow reads.
        least: sides may come out smaller than in the file (as JPEG decodes faster so), but not below this, in pixels.

    Returns:
        uint8 [height, width, 3], red, green, blue; and what was odd about the file, a phrase each.

    Raises:
        PhotographError: it cannot be read; the message says why, without the path.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata; what counts here is the picture
            with path.open("rb") as file, Image.open(file) as image:
                _check_size(image)
                notes = _notes(path, image)
                if least:
                    image.draft("RGB", (least, least))
                return _eight_bit_rgb(ImageOps.exif_transpose(image)), notes
    except PhotographError:
        raise
    except UnidentifiedImageError:
        raise PhotographError(_what_else(path)) from None
    except (*BROKEN, *BROKEN_STREAM) as error:
        text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
        message = f"broken: {text.splitlines()[0]}"
        raise PhotographError(message) from None


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        message = f"{size} pixels are more than {MAX_PIXELS // 1_000_000} megapixels: make it smaller"
        raise PhotographError(message)


def _notes(path: PhotoPath, image: Image.Image) -> tuple[str, ...]:
    notes = []
    actual = SAME_FORMAT.get(image.format or "", image.format)
    suffix = PurePath(path.name).suffix
    named = Image.registered_extensions().get(suffix.lower())
    if SAME_FORMAT.get(named or "", named) != actual:
        notes.append(f"a {actual} picture, though its name ends in {suffix or 'nothing'}")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        notes.append("an animation: its first picture is used")
    return tuple(notes)


def _what_else(path: PhotoPath) -> str:
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "empty file"
    if head[4:12] in HEIC_BRANDS:
        return "HEIC, which cannot be read here: save it as JPEG"
    return "no picture in a format that can be read"


def _eight_bit_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":  # 16 or 32 bits a pixel, grey
        grey = np.asarray(image, np.float64)
        top = 1.0 if grey.max(initial=0) <= 1 else 255.0 if grey.max() <= 255 else 65_535.0  # noqa: PLR2004
        scaled = np.clip(grey * (255.0 / top), 0, 255).astype(np.uint8)
        return np.repeat(scaled[..., np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        image = Image.alpha_composite(white, clear)
    return np.array(image.convert("RGB"), np.uint8)
