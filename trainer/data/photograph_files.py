"""Reads a photograph, whatever a camera, a phone or the web has made of it."""

from __future__ import annotations

from pathlib import PurePath
from typing import IO, TYPE_CHECKING

from PIL import Image, ImageOps, UnidentifiedImageError

from edgecam.errors import in_words
from trainer.data.colours import eight_bit_rgb, is_deep, significant_bits, white
from trainer.data.decoders import ROOM, hushed, set_up
from trainer.errors import PhotographError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trainer.data.findings import PhotoPath

MAX_PIXELS = 150_000_000
SAME_FORMAT = {"MPO": "JPEG", "JPEG2000": "JPEG 2000"}


def read_photograph(path: PhotoPath, least: int = 0) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read a file as a picture that stands upright.

    Grey, CMYK, palette, 10- to 16-bit and transparent pictures (on white), and those of other colours than sRGB, become
    8-bit sRGB; of an animation the first picture is taken. What the file is, is told by its content, not by its name.
    Threads that read at once wait for each other where together they would take too much memory.

    Args:
        path: any format that Pillow reads, HEIC besides.
        least: sides may come out smaller than in the file (as that takes less time and memory), but not below this, in
            pixels.

    Returns:
        uint8 [height, width, 3], red, green, blue; and what was odd about the file, a phrase each.

    Raises:
        PhotographError: it cannot be read; the message says why, without the path.
    """
    set_up()
    try:
        file = path.open("rb")
    except OSError as error:
        raise PhotographError(in_words(error)) from None
    with file, hushed:
        try:
            return _read(file, PurePath(path.name).suffix, least)
        except PhotographError:
            raise
        except UnidentifiedImageError:
            raise PhotographError(_what_else(file)) from None
        except Exception as error:  # noqa: BLE001  # decoders raise whatever comes to them, RuntimeError among it
            text = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
            message = f"broken: {text.splitlines()[0]}"
            raise PhotographError(message) from None


def _read(file: IO[bytes], suffix: str, least: int) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    with Image.open(file) as image:
        _check_size(image)
        notes = _notes(suffix, image)
        if least:
            image.draft("RGB", (least, least))
        with ROOM.taken(image.width * image.height):
            image.load()
            top = white(image, significant_bits(file)) if is_deep(image) else None
            return eight_bit_rgb(ImageOps.exif_transpose(_smaller(image, least)), top), notes


def _smaller(image: Image.Image, least: int) -> Image.Image:
    """Shrink it, where whole pixels make it, by as much as leaves both sides at ``least``."""
    times = min(image.size) // least if least else 1
    if times <= 1:
        return image
    if image.mode.startswith("I;"):
        plain = image.convert("I")
    elif image.has_transparency_data:
        plain = image.convert("RGBA")
    elif image.mode in {"RGB", "CMYK", "L", "I", "F"}:
        plain = image
    else:
        plain = image.convert("RGB")
    small = plain.reduce(times)
    small.info.update(image.info)
    small.info.pop("transparency", None)
    return small


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width} x {image.height}"
        message = f"{size} pixels are more than {MAX_PIXELS // 1_000_000} megapixels: make it smaller"
        raise PhotographError(message)


def _notes(suffix: str, image: Image.Image) -> tuple[str, ...]:
    notes = []
    actual = SAME_FORMAT.get(image.format or "", image.format)
    named = Image.registered_extensions().get(suffix.lower())
    if SAME_FORMAT.get(named or "", named) != actual:
        notes.append(f"a {actual} picture, though its name ends in {suffix or 'nothing'}")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        several = "several pictures: the main one" if image.format == "HEIF" else "an animation: its first picture"
        notes.append(f"{several} is used")
    return tuple(notes)


def _what_else(file: IO[bytes]) -> str:
    file.seek(0)
    return "no picture in a format that can be read" if file.read(1) else "empty file"
