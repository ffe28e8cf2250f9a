"""From whatever a file's numbers mean to 8-bit sRGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from typing import IO

    from numpy.typing import NDArray

DEPTHS = (8, 10, 12, 14, 16)  # bits, as cameras have them
BITS_A_SAMPLE, GREATEST_SAMPLE = 258, 281  # of TIFF 6.0
PNG = b"\x89PNG\r\n\x1a\n"


def eight_bit_rgb(image: Image.Image, top: float | None = None) -> NDArray[np.uint8]:
    """Make uint8 [height, width, 3] of a picture: sRGB, on white where it is transparent.

    Args:
        image: of any mode.
        top: what white is in a grey one of more than 8 bits.
    """
    if is_deep(image):
        grey = np.asarray(image, np.float32)
        scaled = np.clip(grey * (255.0 / (top or white(image))), 0, 255).astype(np.uint8)
        return np.repeat(scaled[..., np.newaxis], 3, axis=2)
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white_ground = Image.new("RGBA", clear.size, "white")
        image = Image.alpha_composite(white_ground, clear).convert("RGB")
    elif image.mode not in {"RGB", "CMYK", "L"}:
        image = image.convert("RGB")
    return np.array(_in_srgb(image, profile).convert("RGB"), np.uint8)


def is_deep(image: Image.Image) -> bool:
    """Whether it is grey with more than 8 bits a pixel."""
    mode: str = image.mode
    return mode.startswith("I") or mode == "F"


def white(image: Image.Image, significant_bits: int = 0) -> float:
    """Say what white is in a grey picture of more than 8 bits a pixel.

    Many cameras write 10 or 12 bits into 16, so that their white is 4095. Where the file does not tell, it is the
    greatest number of the fewest bits that hold what is in the picture.

    Args:
        image: such a one.
        significant_bits: as the file tells them; 0: it does not.
    """
    extrema: Any = image.getextrema()
    greatest = float(extrema[1])
    if greatest <= 1:
        return 1.0
    if image.format == "PPM":  # Pillow has scaled it
        return 65_535.0
    tags: Any = getattr(image, "tag_v2", {})
    told = float(tags.get(GREATEST_SAMPLE, (0,))[0]) if isinstance(tags.get(GREATEST_SAMPLE), tuple) else 0.0
    bits = significant_bits or min(tags.get(BITS_A_SAMPLE, (16,)))
    if bits < DEPTHS[-1]:
        told = 2.0**bits - 1
    if greatest <= told:
        return told
    return next((2.0**bits - 1 for bits in DEPTHS if greatest < 2**bits), max(65_535.0, greatest))


def significant_bits(file: IO[bytes]) -> int:
    """Read how many bits of a PNG's samples mean something, from its chunk sBIT; 0: it does not tell."""
    file.seek(0)
    if file.read(8) != PNG:
        return 0
    while len(head := file.read(8)) == 8:  # noqa: PLR2004  # a chunk's length and name
        length, name = int.from_bytes(head[:4]), head[4:]
        if name in {b"IDAT", b"IEND"}:
            break
        if name == b"sBIT":
            return min(file.read(length)[:4], default=0)
        file.seek(length + 4, io.SEEK_CUR)  # and its checksum
    return 0


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the colours of a profile, such as the Display P3 of phones; a broken one is passed over."""
    if not profile:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image
