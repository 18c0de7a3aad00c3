"""The devices of a training: one, several of a machine, or those of several workers.

Imports TensorFlow only to start them: `read_cluster` is asked before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from yolo_core.data.batches import Share, training_batches
from yolo_core.data.source import SampleSource
from yolo_core.foreign_files import parse_json

if TYPE_CHECKING:
    import tensorflow as tf

VARIABLE = "TF_CONFIG"


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The workers that train one run together, as TF_CONFIG names them.

    Attributes:
        addresses: (W,) "host:port" of each, the chief first.
        index: Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this one writes the run."""
        return self.index == 0

    @property
    def name(self) -> str:
        """This worker in a sentence."""
        return f"Worker {self.index + 1} of {len(self.addresses)} ({self.addresses[self.index]})"


class Devices:
    """What a training computes on.

    Args:
        strategy: TensorFlow's.
        cluster: The workers; None for this process alone.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        self.strategy = strategy
        self.cluster = cluster

    @property
    def replicas(self) -> int:
        """Devices of all workers."""
        return self.strategy.num_replicas_in_sync

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run."""
        return self.cluster is None or self.cluster.is_chief

    @property
    def share(self) -> Share:
        """What this process makes of every batch."""
        workers = 1 if self.cluster is None else len(self.cluster.addresses)
        here = self.replicas // workers
        first = 0 if self.cluster is None else self.cluster.index * here
        return Share(first, here, self.replicas)

    def notes(self) -> Iterator[tuple[str, str]]:
        """What is to be said of it, as (kind, sentence)."""
        if self.replicas > 1:
            workers = "" if self.cluster is None else f" of {len(self.cluster.addresses)} workers"
            yield (
                "note",
                f"Every batch is shared by {self.replicas} devices{workers}; counts and batch "
                "normalisation are those of the whole batch.",
            )

    def check_batch(self, batch_size: int) -> None:
        """Whether a batch can be cut into equal parts.

        Raises:
            ValueError: It cannot.
        """
        if batch_size % self.replicas:
            raise ValueError(
                f"A batch is shared equally by {self.replicas} devices; received --batch-size "
                f"{batch_size}."
            )

    def batches(
        self, source: SampleSource, *, batch_size: int, first_batch: int, batches: int
    ) -> Any:
        """What `fit` takes here of the training stream, see `training_batches`.

        Raises:
            ValueError: A batch cannot be cut into equal parts.
        """
        self.check_batch(batch_size)

        def make(_: Any = None) -> tf.data.Dataset:
            return training_batches(
                source,
                batch_size=batch_size,
                first_batch=first_batch,
                batches=batches,
                share=self.share,
            )

        if self.replicas == 1:
            return make()
        import tensorflow as tf

        # Sent ahead to the devices, batches would be asked for by threads of TensorFlow's, see
        # `training_batches`.
        options = tf.distribute.InputOptions(experimental_fetch_to_device=False)
        return self.strategy.distribute_datasets_from_function(make, options)

    def summed(self, array: np.ndarray) -> np.ndarray:
        """The sum of what all workers give, on each of them; each waits for all others."""
        if self.cluster is None:
            return array

        def given(context: tf.distribute.experimental.ValueContext) -> np.ndarray:
            # Once a worker, however many devices it has.
            is_first = context.replica_id_in_sync_group == self.share.first
            return array if is_first else np.zeros_like(array)

        values = self.strategy.experimental_distribute_values_from_function(given)
        return np.asarray(self.strategy.reduce("SUM", values, axis=None))

    def from_chief(self, array: np.ndarray) -> np.ndarray:
        """What the chief gives, on each worker; all give arrays of one shape and dtype."""
        if self.cluster is None:
            return array
        # What can be added up holds what cannot.
        carrier = array.dtype if array.dtype in (np.float32, np.float64) else np.dtype(np.int64)
        mine = array.astype(carrier) if self.is_chief else np.zeros(array.shape, carrier)
        return self.summed(mine).astype(array.dtype)

    def text_from_chief(self, text: str = "") -> str:
        """The chief's text, on each worker."""
        data = np.frombuffer(text.encode(), np.uint8)
        length = int(self.from_chief(np.asarray(len(data))))
        return bytes(self.from_chief(np.resize(data, length))).decode()

    def variables_from_chief(self, variables: Sequence[Any]) -> None:
        """Sets variables on all workers to what they are on the chief."""
        if self.cluster is None:
            return
        for variable in variables:
            variable.assign(self.from_chief(variable.numpy()))


def read_cluster(environment: Mapping[str, str]) -> Cluster | None:
    """What TF_CONFIG says; None where there is none, or it names one worker alone.

    Raises:
        ValueError: It is of another form, or names tasks that take no part in such a training.
    """
    text = environment.get(VARIABLE, "")
    if not text.strip():
        return None
    form = (
        'TF_CONFIG must be {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", '
        '"index": 0}}'
    )
    try:
        said = parse_json(text)
        jobs, task = said.get("cluster") or {}, said.get("task") or {}
        if not jobs:
            return None
        # A chief is a worker, too, and the first one.
        addresses = [*jobs.get("chief", ()), *jobs.get("worker", ())]
        index = int(task["index"]) + (len(jobs.get("chief", ())) if task["type"] == "worker" else 0)
        known = set(jobs) <= {"chief", "worker"} and task["type"] in jobs
        if not known or not all(isinstance(each, str) and ":" in each for each in addresses):
            raise ValueError("its tasks are none of chief and worker")
        if not 0 <= index < len(addresses):
            raise ValueError(f"there is no task {index}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{form}; received {text!r} ({error}).") from None
    return None if len(addresses) == 1 else Cluster(tuple(addresses), index)


def start_cluster(cluster: Cluster, devices: int) -> Devices:
    """Joins the other workers, and waits for them. First of all that TensorFlow does here.

    Args:
        cluster: The workers.
        devices: Of this one.

    Raises:
        ValueError: It has fewer.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if devices > max(len(gpus), 1):
        raise ValueError(
            f"{cluster.name} has {len(gpus)} GPUs: each worker gives --devices of them, or one "
            f"processor; received --devices {devices}."
        )
    tf.config.set_visible_devices(gpus[:devices], "GPU")
    return Devices(tf.distribute.MultiWorkerMirroredStrategy(), cluster)


def start_devices(count: int) -> Devices:
    """The devices of a training of this process alone.

    Where there is no GPU, the processor is cut into as many: that is for trying it out.

    Raises:
        ValueError: There are fewer GPUs, or TensorFlow has begun to work without these devices.
    """
    import tensorflow as tf

    if count == 1:
        return Devices(tf.distribute.get_strategy())
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if len(gpus) < count:
            raise ValueError(f"--devices {count}: there are {len(gpus)} GPUs here.")
        return Devices(tf.distribute.MirroredStrategy([f"GPU:{at}" for at in range(count)]))
    (processor,) = tf.config.list_physical_devices("CPU")[:1]
    there = tf.config.get_logical_device_configuration(processor)
    if there is None or len(there) < count:
        try:
            tf.config.set_logical_device_configuration(
                processor, [tf.config.LogicalDeviceConfiguration()] * count
            )
        except RuntimeError:
            raise ValueError(
                f"--devices {count}: the processor cannot be cut into as many any more, since "
                "something has computed with TensorFlow in this process before."
            ) from None
    return Devices(tf.distribute.MirroredStrategy([f"CPU:{at}" for at in range(count)]))
