"""How a classifier learns: what people tune, each with its default."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1)]
Precision = Literal["auto", "float32", "mixed_bfloat16"]


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train, whatever the stage.

    Attributes:
        batch: photographs a step.
        learning_rate: the highest, of the backbone's last layers.
        head_rate: the highest, of the head.
        rate_decay: by how much the rate of the first layers is smaller than that of the last: layers see the more
            general things the earlier they stand (Howard and Ruder 2018, arXiv:1801.06146).
        weight_decay: of kernels; biases and normalisation have none.
        dropout: the share of features that are left out, at random, before the head.
        label_smoothing: the share of a target that is spread over all classes.
        augment: how much photographs are changed, 0: not at all, 1: as usual, 2: twice as much.
        mirror: whether they are mirrored.
        mixup: how strongly two photographs are mixed, the parameter of a beta distribution; 0: never.
        average: momentum of the moving average of all weights, which is what is kept; 0: none.
        patience: epochs without gain after which a stage ends early; 0: never, so that its rate falls to nothing.
        precision: of the numbers while it learns; auto: mixed_bfloat16 where there is a graphics processor.
        seed: of all that is drawn.
    """

    batch: Annotated[int, msgspec.Meta(ge=1)] = 32
    learning_rate: Rate = 1e-3
    head_rate: Rate = 1e-3
    rate_decay: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    weight_decay: Share = 0.02
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.3
    label_smoothing: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1
    augment: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
    mirror: bool = True
    mixup: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.2
    average: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.99
    patience: Annotated[int, msgspec.Meta(ge=0)] = 0
    precision: Precision = "auto"
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)] = 0
