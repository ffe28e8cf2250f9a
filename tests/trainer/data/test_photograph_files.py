"""Reading photographs, whatever is in the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trainer.data import photograph_files
from trainer.data.photograph_files import read_photograph
from trainer.errors import PhotographError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LEFT, RIGHT = (200, 30, 20), (20, 30, 200)


def two_halves(width: int = 40, height: int = 20) -> Image.Image:
    """Red on the left, blue on the right."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = LEFT, RIGHT
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(path: Path, content: bytes, least: int = 0) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    path.write_bytes(content)
    return read_photograph(path, least)


def assert_two_halves(pixels: NDArray[np.uint8], tolerance: int = 12) -> None:
    assert pixels.dtype == np.uint8
    assert pixels.shape == (20, 40, 3)
    assert np.abs(pixels[:, 5].astype(int) - LEFT).max() <= tolerance
    assert np.abs(pixels[:, -5].astype(int) - RIGHT).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_colours_come_out_as_they_went_in(tmp_path: Path, kind: str) -> None:
    pixels, notes = read(tmp_path / f"a.{kind.lower()}", encoded(two_halves(), kind))
    assert_two_halves(pixels)
    assert notes == ()


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "jpeg"), ("P", "png"), ("RGBA", "png"), ("YCbCr", "jpeg")])
def test_other_kinds_of_colour_become_rgb(tmp_path: Path, mode: str, kind: str) -> None:
    picture = two_halves().quantize(16) if mode == "P" else two_halves().convert(mode)
    pixels, _ = read(tmp_path / f"a.{kind}", encoded(picture, kind))
    assert_two_halves(pixels, tolerance=25)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = two_halves().convert("L")
    pixels, _ = read(tmp_path / "a.png", encoded(grey, "PNG"))
    assert np.array_equal(pixels, np.repeat(np.asarray(grey)[..., np.newaxis], 3, 2))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_become_8(tmp_path: Path, kind: str) -> None:
    values = np.linspace(0, 65_535, 256).astype(np.uint16).reshape(1, 256)
    pixels, _ = read(tmp_path / f"a.{kind.lower()}", encoded(Image.fromarray(values), kind))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    pixels, _ = read(tmp_path / "a.png", encoded(clear, "PNG"))
    assert (pixels == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright_as_exif_says(tmp_path: Path, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = two_halves().transpose(undo[orientation]) if orientation in undo else two_halves()
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels, _ = read(tmp_path / "a.jpg", encoded(stored, "JPEG", exif=exif, quality=95))
    assert_two_halves(pixels, tolerance=30)


def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path) -> None:
    content = encoded(two_halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 20))] * 2)
    pixels, notes = read(tmp_path / "a.gif", content)
    assert_two_halves(pixels)
    assert notes == ("an animation: its first picture is used",)


@pytest.mark.parametrize("name", ["a.png", "a", "a.txt"])
def test_a_wrong_name_is_told(tmp_path: Path, name: str) -> None:
    pixels, notes = read(tmp_path / name, encoded(two_halves(), "JPEG"))
    assert_two_halves(pixels)
    ending = name[1:] or "nothing"
    assert notes == (f"a JPEG picture, though its name ends in {ending}",)


def test_a_large_jpeg_may_be_read_smaller_but_not_below_what_is_needed(tmp_path: Path) -> None:
    pixels, _ = read(tmp_path / "a.jpg", encoded(two_halves(1600, 800), "JPEG"), least=200)
    assert 200 <= pixels.shape[0] < 800


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"no picture at all", "no picture in a format that can be read"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "HEIC, which cannot be read here: save it as JPEG"),
        (encoded(two_halves(400, 200), "JPEG")[:700], "broken: image file is truncated"),
        (encoded(two_halves(400, 200), "PNG")[:60], "broken: "),
    ],
)
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(PhotographError) as raised:
        read(tmp_path / "a.jpg", content)
    assert str(raised.value).startswith(message)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    content = encoded(Image.new("1", (20_000, 10_000)), "PNG")
    with pytest.raises(PhotographError, match="20000 x 10000 pixels are more than 150 megapixels: make it smaller"):
        read(tmp_path / "a.png", content)


ORIGINALS = [encoded(two_halves(), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")]


@given(st.sampled_from(ORIGINALS), st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, original: bytes, data: st.DataObject
) -> None:
    content = bytearray(original[: data.draw(st.integers(0, len(original)))])
    for _ in range(data.draw(st.integers(0, 8))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    try:
        pixels, _ = read(path, bytes(content))
    except PhotographError as error:
        assert str(error)
        assert "\n" not in str(error)
    else:
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert pixels.size <= 3 * photograph_files.MAX_PIXELS
