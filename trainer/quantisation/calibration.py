"""Images by which ranges are found, made when they are asked for: hundreds of them as float32 fill a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from trainer.data.pixel_file import Pixels
    from trainer.network.classifier import Normalised


class Images(Protocol):
    """Images as a network takes them: an array, or what is used like one."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, places: slice, /) -> NDArray[Any]:
        """Return float32 [images, height, width, channels]."""

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Give each as float32 [height, width, channels]."""


class Calibration:
    """Photographs as a network takes them. The first has a black and a white pixel, whatever it shows.

    The input shall hold all pixels, however dark the photographs are.
    """

    def __init__(self, model: Normalised, pixels: Pixels, indices: NDArray[np.int64]) -> None:
        self._model, self._pixels, self._indices = model, pixels, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, places: slice, /) -> NDArray[np.float32]:
        chosen = self._pixels[self._indices[places]]
        if len(chosen) and places.indices(len(self))[0] == 0:
            chosen[0, 0, 0], chosen[0, 0, -1] = 0, 255
        return self._model.images(chosen)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self[place : place + 1][0] for place in range(len(self)))
