"""AdamW with rates that grow from layer to layer, and a moving average of what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.learning.hyperparameters import Hyperparameters

GROUPS = 4  # of layers that share a rate
REACH = 8.0  # an average is of the last eighth of all steps, at most
NOT_DECAYED = ("bias", "gamma", "beta")


class Optimisation:
    """An optimizer a group of layers: Keras gives one rate to all that an optimizer holds."""

    def __init__(self, model: keras.Model, chosen: Hyperparameters, steps: int, parts: int = 1) -> None:
        """Prepare, in the distribution's scope.

        Args:
            model: its trainable variables are what is optimised; its last layer is the head.
            chosen: rates, their decay, the decay of weights and the average's momentum.
            steps: how many there will be in all: of few, an average must not reach back to the first.
            parts: how many calls of `apply` make one step.
        """
        momentum = min(chosen.average, max(0.0, 1 - REACH / steps))
        learning = [layer for layer in model.layers if layer.trainable_variables]
        *body, head = learning
        shares = [(min(GROUPS - 1, place * GROUPS // max(1, len(body)))) for place in range(len(body))]
        rates = [chosen.learning_rate * chosen.rate_decay ** (1 - group / (GROUPS - 1)) for group in range(GROUPS)]
        by_group = [[layer for layer, own in zip(body, shares, strict=True) if own == group] for group in range(GROUPS)]
        places = {id(variable): place for place, variable in enumerate(model.trainable_variables)}
        self._groups: list[tuple[Any, list[Any], list[int], float]] = []
        for layers, rate in (*zip(by_group, rates, strict=True), ([head], chosen.head_rate)):
            variables = [variable for layer in layers for variable in layer.trainable_variables]
            if variables:
                optimizer = keras.optimizers.AdamW(
                    rate,
                    weight_decay=chosen.weight_decay,
                    use_ema=momentum > 0,
                    ema_momentum=momentum or 0.99,
                    gradient_accumulation_steps=parts if parts > 1 else None,
                )
                optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
                optimizer.build(variables)
                self._groups.append((optimizer, variables, [places[id(each)] for each in variables], rate))

    @property
    def variables(self) -> list[Any]:
        """All that the optimizers hold, for a checkpoint."""
        return [variable for optimizer, *_ in self._groups for variable in optimizer.variables]

    def set_rate(self, share: float) -> None:
        """Set the rates to a share of their highest."""
        for optimizer, _, _, rate in self._groups:
            optimizer.learning_rate = share * rate

    def apply(self, gradients: Sequence[Any]) -> None:
        """Learn from the gradients of the model's trainable variables, in their order."""
        for optimizer, variables, places, _ in self._groups:
            optimizer.apply([gradients[place] for place in places], variables)

    def average(self) -> None:
        """Set the variables to their moving averages."""
        for optimizer, variables, *_ in self._groups:
            if optimizer.use_ema:
                optimizer.finalize_variable_values(variables)
