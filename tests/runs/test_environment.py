from __future__ import annotations

import getpass
import json
import os
import platform
import socket

import numpy as np
import pytest

from yolo_core.runs import environment
from yolo_core.runs.environment import write_environment


def test_it_names_python_packages_processors_and_devices(folder):
    write_environment(folder, devices=["GPU: NVIDIA H100"])
    fields = json.loads(folder.environment.read_text())
    assert fields["python"] == platform.python_version()
    assert fields["packages"]["numpy"] == np.__version__
    assert fields["cpu_count"] == os.cpu_count()
    assert fields["devices"] == ["GPU: NVIDIA H100"]


def test_it_holds_no_path_user_or_host(folder, monkeypatch):
    arguments = [
        "/home/somebody/project/yolo_core/__main__.py",
        "train",
        "--data",
        "/home/somebody/digits.npz",
        "--checkpoints=~/runs/",
        "--config",
        "../../somebody/config.json",
        "--loss",
        "yolov2/notebook",
        "--lambda",
        "xy=5.0",
    ]
    monkeypatch.setattr(environment.sys, "argv", arguments)
    write_environment(folder)
    text = folder.environment.read_text()
    assert json.loads(text)["command"] == [
        "python",
        "-m",
        "yolo_core",
        "train",
        "--data",
        ".../digits.npz",
        "--checkpoints=.../runs",
        "--config",
        ".../config.json",
        "--loss",
        "yolov2/notebook",
        "--lambda",
        "xy=5.0",
    ]
    assert "somebody" not in text
    assert socket.gethostname() not in text
    if len(getpass.getuser()) > 4:  # a short one, such as "root", may be part of a word
        assert getpass.getuser() not in text


@pytest.mark.parametrize(
    ("called", "recorded"),
    [
        ("/home/somebody/.venv/bin/detector-debugger", ["detector-debugger", "train"]),
        ("/home/somebody/study.py", ["python", "study.py", "train"]),
    ],
)
def test_the_command_is_recorded_as_it_can_be_typed(folder, monkeypatch, called, recorded):
    monkeypatch.setattr(environment.sys, "argv", [called, "train"])
    write_environment(folder)
    assert json.loads(folder.environment.read_text())["command"] == recorded
