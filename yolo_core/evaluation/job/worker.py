"""The evaluation itself: measures a checkpoint on a split, in the process that is there for it.

It reads the run and writes into the evaluation's own folder alone: the run's database has one
writer, the training process.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource, first_names
from yolo_core.evaluation.errors import ErrorKind, Errors, find_errors
from yolo_core.evaluation.evaluator import Evaluator, mean_losses
from yolo_core.evaluation.job.folder import EvaluationFolder, samples_asked
from yolo_core.evaluation.matching import match
from yolo_core.evaluation.metrics import coco_scores
from yolo_core.evaluation.table import EvaluationTable, rows_of, write_table
from yolo_core.files import cannot_write
from yolo_core.jobs.status import Job, JobState, JobStatus, read_job
from yolo_core.runs.checkpoints import BEST, find_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.snapshots import write_snapshot
from yolo_core.runs.split_folder import SPLITS
from yolo_core.survey import table as survey_table
from yolo_core.survey.rows import table_of
from yolo_core.training.config import RunConfig, read_run_config

if TYPE_CHECKING:
    from yolo_core.training.detector import Detector

MOST_SAMPLES = 100_000
MOST_PICTURES = 300
CHUNK = 16
SECONDS_BETWEEN_WRITES = 0.5


class Evaluation:
    """An evaluation of the first samples of a split, by the weights of a checkpoint.

    Its table appears when all is done, in place of that of an earlier one of this split and step.
    One that is stopped leaves what was there before, and nothing of its own.

    Args:
        run: The run.
        split: "val", "test" or "train".
        step: Step of the checkpoint, "best" or "last".
        count: Samples wanted; None for all, or where they never run out for as many as the run's
            own evaluations look at.
        report: Told the status whenever it changes.

    Raises:
        ValueError: There is no such split, checkpoint or count, or a process is at work on it.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        split: str = "test",
        step: int | str = BEST,
        count: int | None = None,
        report: Callable[[JobStatus], None] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"An evaluation is of {', '.join(SPLITS)}; received {split!r}.")
        self.config: RunConfig = read_run_config(run)
        self.source: SampleSource = open_source(self.config.data)
        count = samples_asked(self.source, split, count, self.config.data.validation_scenes)
        if not 1 <= count <= MOST_SAMPLES:
            raise ValueError(
                f"An evaluation is of 1 to {MOST_SAMPLES:,} samples; received {count}."
            )
        self.names = first_names(self.source, split, count)
        self._checkpoint = find_checkpoint(run, step)
        self.folder = EvaluationFolder(run, split, self._checkpoint.step)
        before = read_job(self.folder.status)
        if before.is_live:
            raise ValueError(
                f"Process {before.process.pid if before.process else '?'} is at work on the "
                f"evaluation {self.folder.name} of run {run.name!r}; stop that one first, or wait."
            )
        try:
            self.folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(cannot_write(self.folder.path, error)) from None
        # Of this attempt alone, so that nothing of an earlier one is touched before all is there.
        self._prefix = f"{self.folder.name}-{time.time_ns():x}-{os.getpid()}-"
        self.job = Job(
            self.folder.status, JobStatus(JobState.STARTING, total=len(self.names)), report
        )

    def run(
        self,
        interrupted: Callable[[], bool] = lambda: False,
        loading: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> JobStatus:
        """Looks at all samples, or until told to stop.

        Args:
            interrupted: Whether to stop; asked between two batches.
            loading: What to wrap the loading of TensorFlow in.

        Returns:
            The status it ended with: FINISHED, STOPPED, or FAILED with the sentence that says why.
        """
        status = self.job.run(lambda: self._run(interrupted, loading))
        if status.state is not JobState.FINISHED:
            self._sweep(lambda name: name.startswith(self._prefix))
            with contextlib.suppress(ValueError):
                self.job.say(done=0)  # nothing of what it looked at is there
            if status.state is JobState.STOPPED and not self.folder.table.exists():
                with contextlib.suppress(ValueError):
                    self.folder.remove()
        return self.job.status

    def _run(
        self,
        interrupted: Callable[[], bool],
        loading: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self.job.say(message="Importing TensorFlow and making the network.")
        with loading():
            evaluator, detector, grids = self._load()
        self.job.say(message="Compiling the network.")
        looked, done = [], 0
        began, counted, written = time.monotonic(), 0, 0.0
        for batch in evaluator.look(detector):
            if interrupted():
                self.job.say(state=JobState.STOPPED, rate=None, message="")
                return
            looked.append(batch)
            done += len(batch.objects)
            now = time.monotonic()
            if len(looked) == 1:
                began, counted = now, done  # the first one took the compiling, too
            if now - written >= SECONDS_BETWEEN_WRITES:
                written = now
                rate = (done - counted) / (now - began) if done > counted else None
                self.job.say(state=JobState.RUNNING, done=done, rate=rate, message="")
        detections = [each for one in looked for each in one.detections]
        objects = [each for one in looked for each in one.objects]
        height, width = self.source.image_shape[:2]
        classes = len(self.source.class_names)
        found, truth = rows_of(detections, objects, [s for one in looked for s in one.slots])
        table = EvaluationTable(
            step=self.folder.step,
            split=self.folder.split,
            of=self.source.splits.get(self.folder.split),
            loss_name=detector.detection_loss.name,
            class_names=tuple(self.source.class_names),
            image_size=(width, height),
            grids=grids,
            samples=self.names,
            losses=mean_losses(looked),
            scores=coco_scores(
                detections, objects, num_classes=classes, image_size=(width, height)
            ),
            found=found,
            truth=truth,
        )
        errors = find_errors(found, truth, match(found, truth), num_classes=classes)
        self.job.say(
            state=JobState.RUNNING, done=done, rate=None, message="Keeping pictures with errors."
        )
        if not self._keep_pictures(detector, list(_worst(table, errors)), interrupted):
            self.job.say(state=JobState.STOPPED, rate=None, message="")
            return
        write_table(self.folder.table, table)
        self._sweep(lambda name: not name.startswith(self._prefix) and name.endswith(".npz"))
        self.job.say(state=JobState.FINISHED, message="")

    def _load(self) -> tuple[Evaluator, Detector, tuple[tuple[int, int, int], ...]]:
        from yolo_core.training.loading import load_run

        detector = load_run(self.folder.run, self.config, self.source, self._checkpoint.path)
        layout = detector.detection_loss.slots(detector.network.output_shape)
        evaluator = Evaluator(self.source, len(self.names), self.folder.split)
        return evaluator, detector, tuple(layout.grids)

    def _keep_pictures(
        self, detector: Detector, at: list[int], interrupted: Callable[[], bool]
    ) -> bool:
        """Writes the snapshots of samples, as many as the run's disk space has room for.

        Returns:
            Whether nobody asked to stop.
        """
        from yolo_core.data.batches import sample_batch
        from yolo_core.training.own_loss import short_name
        from yolo_core.training.snapshotting import pinned_snapshot

        limit = self.config.training.snapshot_megabytes * 1e6 / 2
        tables, size = [], 0
        for first in range(0, min(len(at), MOST_PICTURES), CHUNK):
            if interrupted():
                return False
            names = tuple(self.names[row] for row in at[first : first + CHUNK])
            snapshot = pinned_snapshot(
                detector,
                names,
                *sample_batch(self.source, names),
                step=self.folder.step,
                class_names=self.source.class_names,
                loss_name=short_name(self.config.loss.name),
                source=self.source,
            )
            path = self.folder.path / f"{self._prefix}{len(tables):06d}.npz"
            write_snapshot(path, snapshot)
            tables.append(table_of(snapshot, path.name))
            size += path.stat().st_size
            # The next file would not fit any more.
            if size * (len(tables) + 1) / len(tables) > limit:
                break
        if tables:
            survey_table.write_table(self.folder.pictures, survey_table.joined(tables))
        else:
            self.folder.pictures.unlink(missing_ok=True)
        return True

    def _sweep(self, goes: Callable[[str], bool]) -> None:
        """Deletes snapshot files of this or an earlier attempt."""
        kept = (self.folder.table.name, self.folder.pictures.name)
        for path in list(self.folder.path.glob("*.npz")):
            if path.name not in kept and goes(path.name):
                with contextlib.suppress(OSError):
                    path.unlink()


def _worst(table: EvaluationTable, errors: Errors) -> Iterator[int]:
    """Rows of the samples with errors: of each kind in turn the surest, or the largest object."""
    found, truth = table.found, table.truth
    queues = []
    for kind in ErrorKind:
        rows, values = (
            (truth.sample[errors.missed], truth.box[errors.missed, 2:].prod(-1))
            if kind is ErrorKind.MISSED
            else (found.sample[errors.kind == kind], found.score[errors.kind == kind])
        )
        queues.append(rows[(-values).argsort(kind="stable")].tolist())
    seen = set()
    for row in itertools.chain.from_iterable(itertools.zip_longest(*queues)):
        if row is not None and row not in seen:
            seen.add(row)
            yield row
