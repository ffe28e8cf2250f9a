"""Ways to an int8 model that knows as much as the float one, the cheapest first."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from trainer.data.sample import evenly
from trainer.learning.distribution import distribution
from trainer.learning.training import Stage, Training
from trainer.network.classifier import make_trainable
from trainer.quantisation.calibration import Calibration
from trainer.quantisation.conversion import convert, convert_but
from trainer.quantisation.fake_quantisation import fold, forward, ranges, rounding
from trainer.quantisation.layer_errors import layer_errors
from trainer.quantisation.search import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import keras

    from trainer.learning.dataset import Dataset
    from trainer.learning.hyperparameters import Hyperparameters
    from trainer.network.classifier import Normalised
    from trainer.quantisation.fake_quantisation import Range
    from trainer.quantisation.layer_errors import LayerError

CALIBRATION = 150
MORE_CALIBRATION = 600
ROUNDING_EPOCHS = 5
ROUNDING_RATE = 5e-5
LEFT_IN_FLOAT = (0.1, 0.25)  # of all layers


def remedies(model: Normalised, dataset: Dataset, hyperparameters: Hyperparameters) -> Iterator[Remedy]:
    """Give ways to convert a classifier, the cheapest first; its own weights stay as they are.

    Args:
        model: what to convert.
        dataset: what it learnt, for calibration and for learning a little more.
        hyperparameters: how to do that.
    """
    network = model.network

    def images(count: int) -> Calibration:
        learnt = np.concatenate([dataset.train, dataset.background])
        return Calibration(model, dataset.pixels, evenly(dataset.labels, learnt, count, hyperparameters.seed))

    few, many = images(CALIBRATION), images(MORE_CALIBRATION)
    yield Remedy(f"{len(few)} images for calibration", partial(convert, network, "int8", few), is_cheap=True)
    if len(many) > len(few):
        yield Remedy(f"{len(many)} images for calibration", partial(convert, network, "int8", many), is_cheap=True)
    folded = cache(partial(fold, network))
    clipped = cache(lambda: ranges(folded(), few, clipped=True))
    yield Remedy("clipped ranges", lambda: convert(rounding(folded(), clipped()), "int8", few), is_cheap=True)
    yield Remedy(
        "fine-tuning with rounding",
        lambda: convert(_tuned(folded(), clipped(), model, dataset, hyperparameters), "int8", few),
    )
    errors = cache(partial(layer_errors, network, few))
    for share in LEFT_IN_FLOAT:
        yield Remedy(
            f"the worst {share:.0%} of layers left in float",
            lambda share=share: convert_but(network, few, _worst(errors(), share)),  # type: ignore[misc]
        )


def _worst(errors: Sequence[LayerError], share: float) -> list[str]:
    """The layers that suffer most, and those that take their output, as it is rounded on the way between them."""
    worst = errors[: max(1, round(share * len(errors)))]
    return list(dict.fromkeys(name for each in worst for name in (each.name, *each.users)))


def _tuned(
    folded: keras.Model,
    known: Mapping[str, Range],
    model: Normalised,
    dataset: Dataset,
    hyperparameters: Hyperparameters,
) -> keras.Model:
    """Teach a folded network to be rounded."""
    network = rounding(folded, known)
    stage = Stage("rounding", network.layers[1].name, ROUNDING_EPOCHS)
    make_trainable(network, stage.first_layer, normalises=False)
    slowly = msgspec.structs.replace(
        hyperparameters, learning_rate=ROUNDING_RATE, head_rate=ROUNDING_RATE, rate_decay=1.0
    )
    answer = forward(network, model.mean, model.std)
    Training(network, dataset, slowly, distribution("none"), forward=answer).run([stage])
    return network
