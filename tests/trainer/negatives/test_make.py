"""What the command does once packages are there, on small made-up ones."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.trainer.negatives.packages import png, resource, tgz
from trainer.negatives.collection import Collection, items
from trainer.negatives.licences import CopyrightFile, Credit, free
from trainer.negatives.make import Picture, pictures_of, write
from trainer.negatives.packages import Package, PackageError, contents, fetched

if TYPE_CHECKING:
    from pathlib import Path

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 All of them
License: GPL-3+

Files: pictures/fish.jpg
       pictures/bird.jpg
Copyright: 2011 A. Diver,
           2012 B. Diver
License: CC-BY-2.0
"""


def test_a_file_has_the_last_licence_that_fits_it_whatever_its_suffix() -> None:
    read = CopyrightFile(COPYRIGHT)
    assert read.credit("pictures/fish.webp") == Credit("2011 A. Diver, 2012 B. Diver", "CC-BY-2.0")
    assert read.credit("pictures/cat.webp") == Credit("2020 All of them", "GPL-3+")


@pytest.mark.parametrize("licence", ["MIT", "CC0-1.0", "public-domain", "CC-BY-2.0", "CC-BY-SA-4.0"])
def test_licences_that_let_a_picture_be_passed_on(licence: str) -> None:
    assert free(licence)


@pytest.mark.parametrize(
    "licence", ["", "GPL-2+", "AGPL-3.0", "CC-BY-NC-3.0", "CC-BY-ND-2.0", "GFDL-NIV-1.2", "all mine"]
)
def test_licences_that_do_not(licence: str) -> None:
    assert not free(licence)


def test_only_the_free_pictures_of_an_archive_are_taken() -> None:
    archive = resource({"fish.png": png(0, cut_out=False), "cat.png": png(1, cut_out=False)})
    files = {"usr/share/doc/aquarium/copyright": COPYRIGHT.encode(), "usr/share/aquarium.rcc": archive}
    collection = Collection(
        "photograph", ("*.rcc",), "sea {folder}", 2, inside="qt", members=("*.png",), credit="copyright", begins="/"
    )
    found = list(items(files, collection))
    assert [(item.source, item.name, item.credit.licence) for item in found] == [
        ("sea pictures", "/pictures/fish.png", "CC-BY-2.0")
    ]
    assert len(list(pictures_of(found, collection))) == 2


def test_furniture_has_its_catalogues_category_and_author() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "PluginFurnitureCatalog.properties",
            "name=Chairs\nlicense=Creative Commons Attribution 3.0 Unported license\n"
            "icon#1=/a/chair.png\ncategory#1=Living room\ncreator#1=C. Maker\n",
        )
        archive.writestr("a/chair.png", png(0, cut_out=True))
    collection = Collection("things", ("*.sh3f",), "home {folder}", 5, inside="zip", credit="catalogue")
    (item,) = items({"x/chairs.sh3f": packed.getvalue()}, collection)
    assert (item.source, item.credit) == ("home living room", Credit("C. Maker (Chairs)", "CC-BY-3.0"))


def _made() -> list[Picture]:
    files = {f"package/{number}.png": png(number, cut_out=number > 0) for number in range(4)}
    collection = Collection("things", ("*.png",), "toys", 3, author="D. Toymaker", licence="MIT")
    return list(pictures_of(list(items(files, collection)), collection))


def test_the_same_packages_give_the_same_files(tmp_path: Path) -> None:
    package = Package("npm", "toys", "1.0", "0" * 64)
    for name in ("one", "two"):
        write([(package, picture) for picture in _made()], tmp_path / f"{name}.zip", tmp_path / f"{name}.csv")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()
    assert zipfile.ZipFile(tmp_path / "one.zip").namelist() == [f"toys/{number:03}.jpg" for number in (1, 2, 3)]
    assert "toys/001.jpg,toys,1.0,package/" in (tmp_path / "one.csv").read_text()


def test_only_what_is_cut_out_is_a_thing() -> None:
    shown = {item.name for picture in _made() for item in picture.items}
    assert shown == {"package/1.png", "package/2.png", "package/3.png"}
    assert all(picture.pixels.dtype == np.uint8 for picture in _made())


def test_a_package_that_lies_there_is_not_fetched_and_is_checked(tmp_path: Path) -> None:
    content = tgz({"package/b": b"2", "package/a": b"1"})
    package = Package("npm", "toys", "1.0", hashlib.sha256(content).hexdigest())
    path = tmp_path / "npm" / package.sha256[:16] / "toys-1.0.tgz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert list(contents(fetched(package, tmp_path))) == [("package/a", b"1"), ("package/b", b"2")]
    path.write_bytes(content + b"more")
    with pytest.raises(PackageError, match=r"SHA-256 is .*, sources\.toml says"):
        fetched(package, tmp_path)


def test_a_package_of_debian_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: toys\nVersion: 1.0\nArchitecture: all\nMaintainer: D <d@example.org>\nDescription: toys\n"
    )
    (root / "usr").mkdir()
    (root / "usr" / "toy").write_text("a toy")
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", root, tmp_path / "toys.deb"], check=True, capture_output=True
    )
    assert list(contents(tmp_path / "toys.deb")) == [("usr/toy", b"a toy")]
