"""One training as its configuration describes it, from its first step or its last checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from yolo_core.data.batches import sample_batch
from yolo_core.data.registry import open_source
from yolo_core.data.source import PINNED, SampleSource
from yolo_core.evaluation.evaluator import Evaluator
from yolo_core.jobs.interrupt import Interrupt
from yolo_core.losses.base import DetectionLoss
from yolo_core.runs.store import RunStore
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig
from yolo_core.training.darknet_setup import network_notes
from yolo_core.training.diagnosis import describe_non_finite
from yolo_core.training.distribute import Devices, start_devices
from yolo_core.training.following import Abreast, together
from yolo_core.training.network import load_first_weights
from yolo_core.training.notes import derived_notes, first_notes, target_notes
from yolo_core.training.own_loss import check_source, is_own_loss, load_loss_class, short_name
from yolo_core.training.recorder import RunRecorder
from yolo_core.training.schedule import LearningRate

logger = logging.getLogger("yolo_core.training")


class Training:
    """A run of ours: builds data, loss and network, and trains them on record.

    Args:
        config: What to train.
        store: The run, open for writing.
        interrupt: Whether a signal asks the process to end; None where nobody listens.
        devices: What it computes on; None for as many of this machine as the configuration says.

    Raises:
        ValueError: The configuration asks for what does not fit together or cannot be read.
    """

    def __init__(
        self,
        config: RunConfig,
        store: RunStore,
        interrupt: Interrupt | None = None,
        devices: Devices | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.devices = devices or start_devices(config.training.devices)
        self.devices.check_batch(config.training.batch_size)
        self._interrupt = interrupt
        self.source: SampleSource = open_source(config.data)
        own = None
        if is_own_loss(config.loss.name):
            check_source(config.loss.name, store.folder.path)
            own = load_loss_class(config.loss.name)
        self.devices.text_from_chief(config.to_json())
        with self.devices.strategy.scope():
            self.loss: DetectionLoss = build_loss(config, self.source, own=own)
            self.detector = build_detector(config, self.loss, self.source)
        options = config.training
        self.rate = LearningRate(options.learning_rate, options.schedule, options.steps)
        self.recorder = RunRecorder(
            store,
            self.source,
            batch_size=options.batch_size,
            steps=options.last_step,
            pinned=None if options.pinned == PINNED else options.pinned,
            loss_name=short_name(config.loss.name),
            schedule=self.rate,
            schedules=options.schedules,
            snapshot_every=options.snapshot_every,
            pulls_every=options.pulls_every,
            snapshot_megabytes=options.snapshot_megabytes,
            evaluate=Evaluator(self.source, config.data.validation_scenes).evaluate,
            evaluate_every=options.evaluate_every,
            checkpoint_every=options.checkpoint_every,
            patience=options.patience,
            describe_failure=self._describe_failure,
            interrupt=interrupt,
            must_record=True,
        )
        self.recorder.set_model(self.detector)

    def run(self) -> None:
        """Trains to the last step, or until told to stop.

        Raises:
            NonFiniteLossError: A step was not finite; a checkpoint of the weights before it is
                on disk.
            ValueError: The disk is full, or another file of the run failed; or another worker is
                lost.
        """
        options, devices, detector = self.config.training, self.devices, self.detector
        with self.recorder as recorder, together(devices.cluster):
            is_new, network = not recorder.restore(), detector.network
            # A run that goes on has its weights: nothing is fetched for it, no file read.
            weights = load_first_weights(self.config, self.loss, network, self.source)
            weights = list(weights) if is_new else []
            layout = self.loss.slots((1, *network.output_shape[1:]))
            shape = self.source.image_shape
            self._say((("note", each) for each in self.source.notes), record=is_new)
            self._say((("note", each) for each in weights), record=is_new)
            self._say(devices.notes(), record=is_new)
            self._say(network_notes(self.config.network), record=is_new)
            self._say(derived_notes(self.config, self.source), record=is_new)
            self._say(first_notes(self.config.loss, self.loss, layout, shape), record=is_new)
            recorder.begin()
            if is_new:
                self._say(target_notes(self.store), record=True)
            left = 0 if recorder.is_over else options.last_step - recorder.done
            devices.from_chief(np.asarray([recorder.done, left], np.int64))
            devices.variables_from_chief([*detector.variables, *detector.optimizer.variables])
            if left:
                batches = devices.batches(
                    self.source,
                    batch_size=options.batch_size,
                    first_batch=recorder.done,
                    batches=left,
                )
                detector.fit(
                    batches,
                    steps_per_epoch=left,
                    shuffle=False,
                    verbose=0,
                    callbacks=[recorder, Abreast(devices, self._interrupt)],
                )
            # The others wait until all that is to be written is.
            devices.summed(np.zeros(1))
        if recorder.done < options.last_step:
            logger.info("--resume %s goes on.", self.store.folder.name)

    def _say(self, notes: Iterable[tuple[str, str]], *, record: bool) -> None:
        for kind, sentence in notes:
            logger.log(logging.WARNING if kind == "warning" else logging.INFO, "%s", sentence)
            if record:
                self.store.record_event(0, kind, {"message": sentence})

    def _describe_failure(self, step: int) -> tuple[str, str]:
        size = self.config.training.batch_size
        names = [f"train/{(step - 1) * size + at}" for at in range(size)]
        images, y_true = sample_batch(self.source, names)
        what = describe_non_finite(self.detector, images.astype(np.float32) / 255.0, y_true, names)
        advice = (
            # Without the run's name, which may change.
            f"To go on, lower a lambda or the learning rate (now {self.rate.at(step):.3g}) as you "
            "resume: train --resume RUN --learning-rate VALUE --lambda NAME=VALUE."
        )
        return what, advice
