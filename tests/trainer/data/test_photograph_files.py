"""Reading photographs, whatever is in the file."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

pytest.importorskip("pillow_heif", reason="the trainer is not set up here; make test-trainer sets it up")

import pillow_heif

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


def heic(image: Image.Image, brand: bytes = b"heic", **options: Any) -> bytes:
    """A phone's file, its brand among those that ISO/IEC 23008-12 knows."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=95, **options)
    content = file.getvalue()
    return content[:8] + brand + content[12:]


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
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "no picture in a format that can be read"),
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


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"])
def test_heic_of_every_brand_is_read(tmp_path: Path, brand: bytes) -> None:
    pixels, notes = read(tmp_path / "a.HEIC", heic(two_halves(), brand))
    assert_two_halves(pixels, tolerance=40)
    assert notes == ()


def test_heic_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = two_halves(128, 64).transpose(Image.Transpose.ROTATE_90)
    pixels, _ = read(tmp_path / "a.heic", heic(turned, exif=exif.tobytes()))
    assert pixels.shape == (64, 128, 3)
    assert pixels[32, 5, 0] > pixels[32, -5, 0]


def test_no_decoder_is_registered_before_one_is_needed() -> None:
    script = (
        "import trainer.data.photograph_files\n"
        "from PIL import Image\n"
        "print('HEIF' in Image.OPEN, Image.MAX_IMAGE_PIXELS)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.startswith("False 8")


@pytest.mark.parametrize("greatest", [255, 1023, 4095, 65_535])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_fewer_bits_than_the_file_holds_is_as_light_as_it_was(tmp_path: Path, greatest: int, kind: str) -> None:
    values = np.linspace(0, greatest, 256).astype(np.uint16).reshape(1, 256)
    pixels, _ = read(tmp_path / f"a.{kind.lower()}", encoded(Image.fromarray(values), kind))
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_dark_picture_stays_dark_where_the_file_tells_its_bits(tmp_path: Path) -> None:
    dark = np.full((4, 4), 500, np.uint16)
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"sBIT", bytes([12]))
    told, _ = read(tmp_path / "a.png", encoded(Image.fromarray(dark), "PNG", pnginfo=chunks))
    tags, _ = read(tmp_path / "b.tiff", encoded(Image.fromarray(dark), "TIFF", tiffinfo={281: 4095}))
    assert told.max() == tags.max() == 500 * 255 // 4095


def display_p3() -> bytes:
    """A profile with the primaries of Apple's phones (SMPTE EG 432-1, white D65), as ICC.1:2010 lays it out."""

    def fixed(number: float) -> bytes:
        return round(number * 65_536).to_bytes(4, signed=True)

    def xyz(*numbers: float) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(map(fixed, numbers))

    gamma = b"para" + bytes(4) + b"\0\0\0\0" + fixed(2.2)
    name = "Display P3".encode("utf-16-be")
    described = b"mluc" + bytes(4) + (1).to_bytes(4) + (12).to_bytes(4) + b"enUS"
    described += len(name).to_bytes(4) + (28).to_bytes(4) + name
    tags = {
        b"desc": described,
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.51512, 0.24120, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.15710, 0.06657, 0.78407),
        b"rTRC": gamma,
        b"gTRC": gamma,
        b"bTRC": gamma,
    }
    table, body, start = len(tags).to_bytes(4), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + (start + len(body)).to_bytes(4) + len(content).to_bytes(4)
        body += content + bytes(-len(content) % 4)
    head = bytes(8) + (0x04000000).to_bytes(4) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    content = head.ljust(128, b"\0") + table + body
    return len(content).to_bytes(4) + content[4:]


@pytest.mark.parametrize("kind", ["jpeg", "png", "heic"])
def test_a_phones_colours_become_those_of_the_screen(tmp_path: Path, kind: str) -> None:
    strong = Image.new("RGB", (64, 64), (200, 80, 60))
    profile = display_p3()
    content = heic(strong, icc_profile=profile) if kind == "heic" else encoded(strong, kind, icc_profile=profile)
    pixels, _ = read(tmp_path / f"a.{kind}", content)
    assert np.abs(pixels[32, 32].astype(int) - (217, 73, 51)).max() <= 6


def test_a_profile_of_the_screens_own_colours_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels, _ = read(tmp_path / "a.png", encoded(two_halves(), "PNG", icc_profile=profile))
    assert_two_halves(pixels, tolerance=0)


@pytest.mark.parametrize("profile", [b"nonsense", display_p3()[:90], display_p3()[:200] + bytes(200)])
def test_a_broken_profile_is_passed_over(tmp_path: Path, profile: bytes) -> None:
    pixels, notes = read(tmp_path / "a.png", encoded(two_halves(), "PNG", icc_profile=profile))
    assert_two_halves(pixels, tolerance=0)
    assert notes == ()


def test_a_profile_of_other_colours_than_the_pictures_is_passed_over(tmp_path: Path) -> None:
    pixels, _ = read(tmp_path / "a.png", encoded(two_halves().convert("L"), "PNG", icc_profile=display_p3()))
    assert pixels.shape == (20, 40, 3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_what_is_shrunk_in_reading_looks_the_same(tmp_path: Path, mode: str) -> None:
    picture = two_halves(400, 200)
    deep = Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257)
    picture = deep if mode == "I;16" else picture.quantize(4) if mode == "P" else picture.convert(mode)
    content = encoded(picture, "TIFF" if mode == "CMYK" else "PNG")
    whole, _ = read(tmp_path / "a", content)
    small, _ = read(tmp_path / "b", content, least=50)
    assert small.shape == (50, 100, 3)
    assert np.abs(small.mean((0, 1)) - whole.mean((0, 1))).max() < 2


def test_a_picture_in_an_archive_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/1.png", encoded(two_halves(), "PNG"))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        pixels, notes = read_photograph(zipfile.Path(archive, "cats/1.png"))
    assert_two_halves(pixels)
    assert notes == ()


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(PhotographError, match=r"^no such file or directory$"):
        read_photograph(tmp_path / "a.jpg")


def test_what_decoders_in_c_complain_of_is_not_for_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(encoded(two_halves(400, 200), "TIFF", compression="tiff_lzw"))
    content[200:240] = bytes(40)
    with pytest.raises(PhotographError, match=r"^broken: "):
        read(tmp_path / "a.tiff", bytes(content))
    print("still here", file=sys.stderr)  # noqa: T201
    assert capfd.readouterr().err == "still here\n"


def kinds() -> list[bytes]:
    """The same picture in every format that photographs are often in."""
    noise = np.random.default_rng(0).normal(0, 8, (40, 60, 3))
    picture = Image.fromarray(np.clip(np.asarray(two_halves(60, 40)) + noise, 0, 255).astype(np.uint8))
    plain = [encoded(picture, kind) for kind in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000")]
    return [
        *plain,
        heic(picture),
        heic(picture, icc_profile=display_p3()),
        encoded(picture, "JPEG", progressive=True, icc_profile=display_p3()),
        encoded(picture, "TIFF", compression="tiff_lzw"),
        encoded(Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60)), "PNG"),
    ]


def test_a_broken_avif_is_told(tmp_path: Path) -> None:
    with pytest.raises(PhotographError, match=r"^broken: failed to decode frame 0: decoding of color planes failed$"):
        read(tmp_path / "a.avif", encoded(two_halves(), "AVIF")[:-40] + bytes(40))


@pytest.mark.parametrize("cut", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["AVIF", "HEIF", "JPEG", "PNG", "WEBP", "TIFF"])
def test_a_file_that_was_cut_is_read_or_refused(tmp_path: Path, kind: str, cut: float) -> None:
    picture = two_halves(400, 200)
    whole = heic(picture) if kind == "HEIF" else encoded(picture, kind)
    try:
        read(tmp_path / "a", whole[: int(len(whole) * cut)])
    except PhotographError as error:
        assert str(error).startswith(("broken: ", "no picture "))


ORIGINALS = kinds()


@settings(max_examples=400, deadline=None)
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
