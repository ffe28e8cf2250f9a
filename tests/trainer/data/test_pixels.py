"""Reading a whole data set."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pillow_heif", reason="the trainer is not set up here; make test-trainer sets it up")

from tests.trainer import pictures
from trainer.data.decoders import Room
from trainer.data.listing import Listing, Photo, list_photographs
from trainer.data.pixels import read_pixels
from trainer.errors import InputError


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    return list_photographs(pictures.data_set(tmp_path / "colours", 3))


def test_each_picture_is_known_by_its_file_whatever_it_is_read_for(listing: Listing, tmp_path: Path) -> None:
    first = read_pixels(listing, (32, 32), tmp_path / "a.npy")
    other = read_pixels(listing, (48, 40), tmp_path / "b.npy", "crop")
    files = [hashlib.sha256(Path(str(photo.path)).read_bytes()).digest()[:8] for photo in listing.photos]
    assert [*first.digests.values()] == [*other.digests.values()] == files
    assert first.pixels.shape == (9, 32, 32, 3)
    assert other.pixels.shape == (9, 40, 48, 3)
    assert [*first.looks] == [*range(9)]


def test_a_broken_file_and_one_that_is_gone_are_told_and_the_others_read(listing: Listing, tmp_path: Path) -> None:
    broken, gone = (Path(str(photo.path)) for photo in listing.photos[:2])
    picture = Image.fromarray(pictures.picture("red", 0))
    picture.save(broken, "AVIF")
    broken.write_bytes(broken.read_bytes()[:-60] + bytes(60))
    gone.unlink()
    result = read_pixels(listing, (32, 32), tmp_path / "a.npy")
    assert [*result.digests] == [*range(2, 9)]
    told = [str(each) for each in result.findings]
    assert told[0].startswith(f"{broken}: broken: ")
    assert told[1] == f"{gone}: no such file or directory; left out"


def test_a_folder_that_was_moved_is_told_in_one_line(listing: Listing, tmp_path: Path) -> None:
    shutil.move(listing.root, tmp_path / "elsewhere")
    with pytest.raises(InputError, match="colours: moved or deleted while its photographs were read; put it back"):
        read_pixels(listing, (32, 32), tmp_path / "a.npy")


def test_a_disk_that_is_too_small_is_told_before_anything_is_read(tmp_path: Path) -> None:
    many = Listing(tmp_path, ("a", "b"), (Photo(tmp_path / "1.jpg", 0, None),) * 20_000_000)
    with pytest.raises(InputError) as raised:
        read_pixels(many, (1024, 1024), tmp_path / "a.npy")
    message = str(raised.value)
    assert message.startswith(f"{tmp_path}: 20,000,000 photographs of 1024 x 1024 pixels need 62914.6 GB there, and ")
    assert message.endswith("GB are free: make room, or choose another folder or a smaller size")
    assert not (tmp_path / "a.npy").exists()


def test_a_disk_that_fills_up_is_told_in_one_line(listing: Listing, tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from trainer.data.listing import list_photographs\n"
        "from trainer.data.pixels import read_pixels\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    read_pixels(list_photographs(Path(sys.argv[1])), (224, 224), Path(sys.argv[2]))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    arguments = [sys.executable, "-c", script, str(listing.root), str(tmp_path / "a.npy")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"{tmp_path}: 9 photographs of 224 x 224 pixels need 0.0 GB there: ")
    assert ended.stdout.count("\n") == 1


def test_reading_imports_no_tensorflow() -> None:
    script = "import sys, trainer.data.split, trainer.data.pixels; print({'tensorflow', 'keras'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_large_pictures_are_read_one_after_the_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(2):
            picture = Image.new("RGB", (5000, 4000), (number * 40, 90, 20))
            picture.save(tmp_path / "data" / name / f"{number}.png", compress_level=1)
    script = (
        "import os, resource, sys\n"
        "from pathlib import Path\n"
        "os.cpu_count = lambda: 16\n"
        "from trainer.data.listing import list_photographs\n"
        "from trainer.data.pixels import read_pixels\n"
        "listing = list_photographs(Path(sys.argv[1]))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_pixels(listing, (64, 64), Path(sys.argv[2]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "data"), str(tmp_path / "a.npy")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 600_000  # kB


def test_a_room_lets_in_what_fits_and_what_is_larger_alone() -> None:
    room, within, seen = Room(10), [0], []
    lock = threading.Lock()

    def work(size: int) -> None:
        with room.taken(size):
            with lock:
                within[0] += size
                seen.append(within[0])
            with lock:
                within[0] -= size

    threads = [threading.Thread(target=work, args=(size,)) for size in (3, 4, 5, 25, 6, 1, 10, 2) * 5]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(seen) == 40
    assert all(each <= 10 or each == 25 for each in seen)
    assert np.count_nonzero(np.array(seen) == 25) == 5
