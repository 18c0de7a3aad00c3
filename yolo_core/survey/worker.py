"""The survey itself: looks at one sample after the other, in the process that is there for it.

It reads the run and writes into the survey's own folder alone: the run's database has one writer,
the training process.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from yolo_core.data.registry import open_source
from yolo_core.data.source import SampleSource, first_names
from yolo_core.files import replace_file
from yolo_core.jobs.status import Job, JobState, JobStatus, read_job
from yolo_core.runs.checkpoints import LAST, find_checkpoint
from yolo_core.runs.layout import RunFolder
from yolo_core.runs.records import CheckpointRecord
from yolo_core.runs.snapshots import read_snapshot, write_snapshot
from yolo_core.runs.split_folder import SPLITS
from yolo_core.survey.folder import CHUNK, SurveyFolder, list_surveys
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import SurveyTable, first_samples, joined, write_table
from yolo_core.training.config import RunConfig, read_run_config

MOST_SAMPLES = 10_000
SECONDS_BETWEEN_WRITES = 0.5
# A long table takes a while to write: no more than a tenth of the time goes into that.
WRITING_SHARE = 10


class Survey:
    """A survey of the first samples of a split, by the weights of a checkpoint.

    One that was stopped goes on where it was; of the very same checkpoint nothing is looked at
    twice. Its table holds as many samples as were asked for last; the files of more stay.

    Args:
        run: The run.
        split: "val", "test" or "train".
        count: Samples wanted; None for as many as the run's evaluations look at. A split that has
            fewer is looked at whole.
        step: Step of the checkpoint; None for the latest.
        report: Told the status whenever it changes.

    Raises:
        ValueError: There is no such split, checkpoint or count, or a process is at work on it.
    """

    def __init__(
        self,
        run: RunFolder,
        *,
        split: str = "val",
        count: int | None = None,
        step: int | None = None,
        report: Callable[[JobStatus], None] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"A survey is of {', '.join(SPLITS)}; received {split!r}.")
        self.config: RunConfig = read_run_config(run)
        count = self.config.data.validation_scenes if count is None else count
        if not 1 <= count <= MOST_SAMPLES:
            raise ValueError(f"A survey is of 1 to {MOST_SAMPLES} samples; received {count}.")
        self.source = open_source(self.config.data)
        count = len(first_names(self.source, split, count))
        checkpoint = choose_checkpoint(run, step)
        self.folder = SurveyFolder(run, split, checkpoint.step)
        before = read_job(self.folder.status)
        if before.is_live:
            raise ValueError(
                f"Process {before.process.pid if before.process else '?'} is at work on the survey "
                f"{self.folder.name} of run {run.name!r}; stop that one first, or wait for it."
            )
        digest = self._take_checkpoint(checkpoint, before.checkpoint)
        status = JobStatus(
            JobState.STARTING,
            done=min(before.done, count) if before.checkpoint == digest else 0,
            total=count,
            checkpoint=digest,
        )
        self.job = Job(self.folder.status, status, report)
        self._message = ""

    def run(
        self,
        interrupted: Callable[[], bool] = lambda: False,
        loading: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> JobStatus:
        """Looks at all samples, or until told to stop.

        Args:
            interrupted: Whether to stop; asked between two snapshot files.
            loading: What to wrap the loading of TensorFlow in, if it must be loaded.

        Returns:
            The status it ended with: FINISHED, STOPPED, or FAILED with the sentence that says why.
        """
        return self.job.run(lambda: self._run(interrupted, loading))

    def _run(
        self,
        interrupted: Callable[[], bool],
        loading: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        total = self.job.status.total
        tables = self._tables_on_disk()
        if _samples(tables) < total and not interrupted():
            self.job.say(message="Importing TensorFlow and making the network.")
            with loading():
                look = _looker(self.config, self.source, self.folder)
            self.job.say(message="Compiling the network.")
            at_first, next_write = _samples(tables), 0.0
            while (done := _samples(tables)) < total and not interrupted():
                number = done // CHUNK
                first, end = number * CHUNK, min((number + 1) * CHUNK, total)
                tables[number:] = [look(number, end)]
                now, rate = time.monotonic(), None
                if done == at_first:
                    self._make_room(self.folder.chunk(number).stat().st_size / (end - first))
                    # The first ones took the compiling of the network, too: no rate to go by.
                    began, counted = now, end
                else:
                    rate = (end - counted) / (now - began)
                if now >= next_write:
                    self._write(tables, JobState.RUNNING, rate)
                    took = time.monotonic() - now
                    next_write = now + max(SECONDS_BETWEEN_WRITES, WRITING_SHARE * took)
        if _samples(tables) < total:
            self._write(tables, JobState.STOPPED)
        else:
            if self._has_more():
                self._message = (
                    f"The first {total:,}, as asked for. More were looked at before: ask for more, "
                    "and they are there again."
                )
            else:
                # A longer one that was stopped still needs them.
                self.folder.weights.unlink(missing_ok=True)
            self._write(tables, JobState.FINISHED)

    def _write(self, tables: list[SurveyTable], state: JobState, rate: float | None = None) -> None:
        # The table first: whoever reads the status then finds at least what it speaks of.
        if tables:
            write_table(self.folder.table, joined(tables))
        self.job.say(state=state, done=_samples(tables), rate=rate, message=self._message)

    def _take_checkpoint(self, checkpoint: CheckpointRecord, before: str) -> str:
        """Copies the checkpoint into the survey; a survey of other weights goes.

        Returns:
            Its SHA-256.
        """
        folder = self.folder
        try:
            data = checkpoint.path.read_bytes()
        except OSError as error:
            raise ValueError(f"{checkpoint.path} cannot be read: {error.strerror}.") from None
        digest = hashlib.sha256(data).hexdigest()
        if digest != before:
            folder.remove()
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{folder.path} cannot be written: {error.strerror}.") from None
        replace_file(folder.weights, data)
        return digest

    def _tables_on_disk(self) -> list[SurveyTable]:
        """Tables of the snapshot files that are there, up to the first that is none, and of no
        more samples than are asked for.
        """
        tables: list[SurveyTable] = []
        number = 0
        while _samples(tables) == number * CHUNK < self.job.status.total:
            path = self.folder.chunk(number)
            try:
                snapshot = read_snapshot(path)
            except ValueError:
                break
            first = number * CHUNK
            if snapshot.samples != self.folder.names(first, first + len(snapshot.samples)):
                break
            table = table_of(snapshot, path.name)
            tables.append(first_samples(table, self.job.status.total - first))
            number += 1
        return tables

    def _has_more(self) -> bool:
        """Whether files hold samples after the ones that were asked for."""
        total = self.job.status.total
        if self.folder.chunk(-(-total // CHUNK)).exists():
            return True
        try:
            last = read_snapshot(self.folder.chunk((total - 1) // CHUNK)).samples
        except ValueError:
            return False
        return len(last) > (total - 1) % CHUNK + 1

    def _make_room(self, size: float) -> None:
        """Refuses a survey that would be too large; older ones of the run go where they must.

        Args:
            size: Bytes that a sample takes.
        """
        limit = self.config.training.snapshot_megabytes * 1e6
        total = self.job.status.total
        needed = size * total
        if needed > limit:
            raise ValueError(
                f"{total:,} samples would take {needed / 1e6:,.0f} MB; the surveys of "
                f"this run may take {limit / 1e6:,.0f} MB (snapshot_megabytes in its config.json): "
                f"ask for {int(limit / size):,} at most."
            )
        others = [
            each
            for each in list_surveys(self.folder.run)
            if each != self.folder and not read_job(each.status).is_live
        ]
        others.sort(key=lambda each: _age(each.status))
        sizes = {each.name: each.bytes() for each in others}
        gone = []
        while others and needed + sum(sizes.values()) > limit:
            oldest = others.pop(0)
            oldest.remove()
            del sizes[oldest.name]
            gone.append(oldest.name)
        if gone:
            self._message = (
                f"Deleted to stay below {limit / 1e6:,.0f} MB: the surveys {', '.join(gone)}."
            )


def choose_checkpoint(run: RunFolder, step: int | None) -> CheckpointRecord:
    """The checkpoint of a step, or the latest one.

    Raises:
        ValueError: There is none; the message says which there are.
    """
    try:
        return find_checkpoint(run, LAST if step is None else step)
    except ValueError:
        for each in list_surveys(run):
            # One that was stopped has kept its copy, which the training does not delete.
            if each.step == step and each.weights.is_file():
                return CheckpointRecord(each.step, _age(each.weights), each.weights)
        raise


def _looker(
    config: RunConfig, source: SampleSource, folder: SurveyFolder
) -> Callable[[int, int], SurveyTable]:
    """What looks at one chunk: loads TensorFlow, the network and the loss of the run.

    Returns:
        A function of a chunk's number and the end of its samples, which writes its snapshot file.
    """
    from yolo_core.data.batches import sample_batch
    from yolo_core.training.loading import load_run
    from yolo_core.training.own_loss import short_name
    from yolo_core.training.snapshotting import pinned_snapshot

    detector = load_run(folder.run, config, source, folder.weights)

    def look(number: int, end: int) -> SurveyTable:
        names = folder.names(number * CHUNK, end)
        images, y_true = sample_batch(source, names)
        snapshot = pinned_snapshot(
            detector,
            names,
            images,
            y_true,
            step=folder.step,
            class_names=source.class_names,
            loss_name=short_name(config.loss.name),
            source=source,
        )
        path = folder.chunk(number)
        write_snapshot(path, snapshot)
        return table_of(snapshot, path.name)

    return look


def _samples(tables: list[SurveyTable]) -> int:
    return sum(len(each.samples.name) for each in tables)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
