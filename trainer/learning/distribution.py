"""On which processors and machines a training runs: TensorFlow's own distribution."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Literal

import tensorflow as tf

from trainer.errors import InputError

Kind = Literal["none", "mirrored", "multiworker"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A strategy of ``tf.distribute``, and whether this process is the one that writes results."""

    strategy: Any
    is_chief: bool = True

    @property
    def replicas(self) -> int:
        """How many copies of the model learn side by side."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def own(self) -> list[int]:
        """Which of all these this process feeds."""
        found: list[int] = []

        def note(context: tf.distribute.experimental.ValueContext) -> Any:
            found.append(context.replica_id_in_sync_group)
            return tf.constant(0)

        self.strategy.experimental_distribute_values_from_function(note)
        return found


def distribution(kind: Kind) -> Distribution:
    """Set up; for ``multiworker`` this waits until all workers of TF_CONFIG are there.

    Args:
        kind: ``mirrored``: all graphics processors of this machine; ``multiworker``: the machines that TF_CONFIG
            names, as https://www.tensorflow.org/guide/distributed_training has it.

    Raises:
        InputError: TF_CONFIG is missing or makes no sense.
    """
    match kind:
        case "mirrored":
            return Distribution(tf.distribute.MirroredStrategy())
        case "multiworker":
            is_chief = _is_chief()
            return Distribution(tf.distribute.MultiWorkerMirroredStrategy(), is_chief)
        case _:
            return Distribution(tf.distribute.get_strategy())


def _is_chief() -> bool:
    """Whether this is the worker that leads: the one called chief, else the first."""
    example = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        settings = json.loads(os.environ["TF_CONFIG"])
        cluster, kind, index = settings["cluster"], settings["task"]["type"], int(settings["task"]["index"])
        cluster[kind][index]
    except KeyError as error:
        message = f"--strategy multiworker: TF_CONFIG lacks {error}; expected on each machine: TF_CONFIG='{example}'"
    except (ValueError, TypeError, IndexError) as error:
        message = f"--strategy multiworker: TF_CONFIG is wrong ({error}); expected: TF_CONFIG='{example}'"
    else:
        return kind == "chief" or ("chief" not in cluster and kind == "worker" and index == 0)
    raise InputError(message)
