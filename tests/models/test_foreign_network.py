"""A `.keras` file that somebody sent: a network, and nothing that runs code of the file."""

from __future__ import annotations

import contextlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yolo_core.models.foreign_network import load_keras
from yolo_core.models.networks import StartAtCell


def network(*between: Any) -> keras.Model:
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(2, 1)(image)
    for layer in between:
        x = layer(x)
    return keras.Model(image, x)


def kept(model: keras.Model, folder: Path) -> Path:
    model.save(folder / "net.keras")
    return folder / "net.keras"


def changed(path: Path, change: Any) -> Path:
    """The file with another config.json."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(change(json.loads(members["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_network_of_keras_s_and_our_layers_is_loaded(tmp_path: Path) -> None:
    model = network(StartAtCell([0], [1]))
    again = load_keras(kept(model, tmp_path))
    image = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    np.testing.assert_array_equal(again(image), model(image))


def test_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "was here"
    springs = keras.layers.Lambda(lambda x, t=str(trap): (Path(t).touch(), x)[1])
    path = kept(network(springs), tmp_path)
    trap.unlink()  # of building it here
    with pytest.raises(ValueError, match=r"net\.keras is not loaded: a layer Lambda runs code"):
        load_keras(path)
    assert not trap.exists()


def test_a_lambda_within_a_network_within_it_is_found(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Lambda(lambda x: x + 1)])
    with pytest.raises(ValueError, match="a layer Lambda runs code"):
        load_keras(kept(network(inner), tmp_path))


@keras.saving.register_keras_serializable(package="somebody")
class Theirs(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return x


def test_classes_of_somebody_s_own_are_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Theirs is a class of the script that trained it"):
        load_keras(kept(network(Theirs()), tmp_path))


def test_no_module_is_imported_that_the_file_names(tmp_path: Path) -> None:
    def change(fields: dict) -> dict:
        text = json.dumps(fields).replace('"keras.layers"', '"antigravity"')
        return json.loads(text)

    with pytest.raises(ValueError, match="is a class of the script"):
        load_keras(changed(kept(network(), tmp_path), change))


def test_what_is_no_keras_file_gets_a_sentence(tmp_path: Path) -> None:
    for name, data, said in (
        ("missing.keras", None, "cannot be read: No such file"),
        ("text.keras", b"hello", r"is no zip archive with a config\.json"),
    ):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(ValueError, match=said):
            load_keras(path)
    with pytest.raises(ValueError, match="is no network that Keras"):
        load_keras(changed(kept(network(), tmp_path), lambda _: {"class_name": "Functional"}))
    with pytest.raises(ValueError, match="is no network that Keras"):
        load_keras(changed(kept(network(), tmp_path), lambda _: [1, 2]))


@pytest.mark.slow
@settings(max_examples=40)
@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_damaged_file_is_loaded_or_refused_with_a_sentence(
    at: float, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = kept(network(), folder)
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] = byte
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        load_keras(path)
