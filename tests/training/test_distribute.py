"""Which devices and workers a training has, by what it is told."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.training.runs_by_command import ROOT
from yolo_core.data.batches import Share
from yolo_core.training.config import parse_config
from yolo_core.training.distribute import Cluster, read_cluster, start_devices

WORKERS = ["one:1", "two:2"]


def told(cluster, task):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


def test_no_tf_config_and_one_worker_alone_are_no_cluster():
    assert read_cluster({}) is None
    assert read_cluster({"TF_CONFIG": " "}) is None
    assert read_cluster(told({}, {})) is None
    assert read_cluster(told({"worker": ["one:1"]}, {"type": "worker", "index": 0})) is None


def test_the_first_worker_or_the_chief_writes_the_run():
    first = read_cluster(told({"worker": WORKERS}, {"type": "worker", "index": 0}))
    assert first == Cluster(("one:1", "two:2"), 0)
    assert first.is_chief
    second = read_cluster(told({"worker": WORKERS}, {"type": "worker", "index": 1}))
    assert second.name == "Worker 2 of 2 (two:2)"
    assert not second.is_chief
    with_chief = {"worker": WORKERS, "chief": ["boss:3"]}
    assert read_cluster(told(with_chief, {"type": "chief", "index": 0})).is_chief
    other = read_cluster(told(with_chief, {"type": "worker", "index": 0}))
    assert (other.addresses[other.index], other.index) == ("one:1", 1)


@pytest.mark.parametrize(
    "environment",
    [
        {"TF_CONFIG": "worker 1"},
        {"TF_CONFIG": "[1]"},
        told({"worker": WORKERS}, {}),
        told({"worker": WORKERS}, {"type": "worker", "index": 2}),
        told({"worker": WORKERS}, {"type": "worker", "index": -1}),
        told({"worker": WORKERS}, {"type": "evaluator", "index": 0}),
        told({"worker": WORKERS, "ps": ["three:3"]}, {"type": "worker", "index": 0}),
        told({"worker": [1, 2]}, {"type": "worker", "index": 0}),
    ],
)
def test_another_tf_config_gets_a_sentence(environment):
    with pytest.raises(ValueError, match=r"TF_CONFIG must be .*; received"):
        read_cluster(environment)


def test_one_device_says_and_shares_nothing():
    devices = start_devices(1)
    assert (devices.replicas, devices.is_chief, devices.share) == (1, True, Share(0, 1, 1))
    assert not list(devices.notes())
    array = np.asarray([1.5, -2])
    assert devices.from_chief(array) is array
    assert devices.summed(array) is array
    assert devices.text_from_chief("said") == "said"


def test_a_batch_is_cut_equally():
    with pytest.raises(ValueError, match="3 devices share a batch equally, which 16 pictures"):
        parse_config({"training": {"devices": 3}})
    with pytest.raises(ValueError, match="xla compiles the step of one device"):
        parse_config({"training": {"devices": 2, "xla": "on"}})


@pytest.mark.slow
def test_a_processor_is_cut_before_anything_computes_and_not_after():
    code = """
import tensorflow as tf
from yolo_core.training.distribute import start_devices
print(start_devices(3).replicas)
tf.constant(1) + 1
print(start_devices(2).replicas)
try:
    start_devices(4)
except ValueError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    three, two, refused = run.stdout.splitlines()
    assert (three, two) == ("3", "2")
    assert refused.startswith("--devices 4: the processor cannot be cut into as many any more")


def test_the_workers_of_the_readme_are_two():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [read_cluster({"TF_CONFIG": each}) for each in re.findall(r"TF_CONFIG='(.*?)'", readme)]
    assert found == [Cluster(("a:2222", "b:2222"), 0), Cluster(("a:2222", "b:2222"), 1)]
