"""What a .tflite file makes of the pictures of a training, as the daemon would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgecam import config
from edgecam.model.classifier import Classifier
from edgecam.model.graphs import graphs
from trainer.calibration.robustness import under
from trainer.report.evaluation import evaluate

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from edgecam.model.plan import Graph
    from trainer.recipe.pictures import Pictures
    from trainer.report.evaluation import Evaluation

FILE = "measured.tflite"


class _Worn:
    """Pictures as they are under a condition, made one by one: all of them may not fit into memory."""

    def __init__(self, condition: str, pixels: NDArray[np.uint8], seed: int) -> None:
        self._condition, self._pixels, self._seed = condition, pixels, seed

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        return under(self._condition, self._pixels[index], self._seed, int(index))


class Measuring:
    """Shows pictures to files."""

    def __init__(self, pictures: Pictures, work: Path, seed: int) -> None:
        self._pictures = pictures
        self._file = work / FILE
        self._seed = seed

    def on(self, tflite: bytes, indices: NDArray[np.int64], graph: Graph = "original") -> Evaluation:
        """Show some pictures.

        Args:
            tflite: a model that carries its labels.
            indices: which pictures.
            graph: which of the graphs that the daemon may run.
        """
        pictures = self._pictures
        return evaluate(self._loaded(tflite, graph), pictures.pixels, pictures.shown, indices)

    def under(self, condition: str, tflite: bytes, indices: NDArray[np.int64]) -> Evaluation:
        """Show some pictures under a condition, such as darkness."""
        worn = _Worn(condition, self._pictures.pixels, self._seed)
        return evaluate(self._loaded(tflite, "original"), worn, self._pictures.shown, indices)

    def graphs(self, tflite: bytes) -> tuple[Graph, ...]:
        """Which graphs there are of a file: not each can be rewritten."""
        return tuple(graphs(tflite).files)

    def _loaded(self, tflite: bytes, graph: Graph) -> Classifier:
        self._file.write_bytes(tflite)
        file = None if graph == "original" else graphs(tflite).files[graph]
        return Classifier(config.ModelSettings(path=str(self._file), threads=1), tflite, graph=file)
