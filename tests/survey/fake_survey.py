"""Stands in for `python -m yolo_core survey`: a status and no TensorFlow.

`--split` says how it behaves: "val" works until it is told to stop, "test" refuses, "train" is
silent.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from yolo_core.jobs.interrupt import Interrupt
from yolo_core.jobs.process import ProcessIdentity
from yolo_core.jobs.status import JobState, JobStatus, write_job
from yolo_core.runs.layout import find_run
from yolo_core.survey.folder import SurveyFolder


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--split")
    parser.add_argument("--count", type=int)
    parser.add_argument("--step", type=int, default=0)
    parser.add_argument("--checkpoints", type=Path)
    arguments = parser.parse_args()
    run = find_run(arguments.checkpoints, arguments.run)
    if arguments.split == "test":
        print("error: there is nothing to look at", file=sys.stderr)
        return 2
    if arguments.split == "train":
        time.sleep(60)
        return 0
    folder = SurveyFolder(run, arguments.split, arguments.step)
    folder.path.mkdir(parents=True)
    me = ProcessIdentity.current()
    status = JobStatus(JobState.RUNNING, done=3, total=arguments.count, process=me)
    with Interrupt() as interrupt:
        write_job(folder.status, status)
        end = time.monotonic() + 60
        while interrupt.by is None and time.monotonic() < end:
            time.sleep(0.02)
    write_job(folder.status, dataclasses.replace(status, state=JobState.STOPPED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
