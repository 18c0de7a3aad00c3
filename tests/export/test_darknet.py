"""A run of a Darknet network as that program's files: the same numbers go back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.models.darknet.golden_cases import cfg, weights
from tests.training.test_darknet_network import of, photographs
from yolo_core.data.registry import open_source
from yolo_core.export.darknet import check_darknet, export_darknet
from yolo_core.models.darknet.build import load_darknet
from yolo_core.models.darknet.plan import read_network
from yolo_core.models.darknet.weights import read_weights
from yolo_core.training.build import build_detector, build_loss
from yolo_core.training.config import RunConfig
from yolo_core.training.detector import Detector
from yolo_core.training.network import load_first_weights

__all__ = ["photographs"]


def made(config: RunConfig) -> Detector:
    source = open_source(config.data)
    loss = build_loss(config, source)
    detector = build_detector(config, loss, source)
    list(load_first_weights(config, loss, detector.network, source))
    return detector


@pytest.mark.slow
@pytest.mark.parametrize("case", ["yolov2_mini_96x64", "yolov3_mini"])
def test_what_came_from_darknet_goes_back(case: str, photographs: Path, tmp_path: Path) -> None:
    config = of(photographs, "--network", f"cfg:{cfg(case)}", "--weights", str(weights(case)))
    detector, source = made(config), open_source(config.data)
    paths = [tmp_path / f"net{ending}" for ending in (".cfg", ".weights", ".names")]
    export_darknet(paths, detector, config, source, 5)

    network = read_network(paths[0])
    before, after = (
        read_weights(file, plan)
        for file, plan in ((weights(case), read_network(cfg(case))), (paths[1], network))
    )
    assert before.arrays.keys() == after.arrays.keys()
    for number, parts in before.arrays.items():
        for name, array in parts.items():
            np.testing.assert_array_equal(after.arrays[number][name], array)
    seen = 5 * config.training.batch_size
    assert after.header == dataclasses.replace(after.header, seen=seen)
    assert paths[2].read_text().split() == ["cat", "dog", "cup", "hat"]

    images = np.random.default_rng(0).random((2, *source.image_shape), np.float32)
    model = load_darknet(paths[0], paths[1])
    raw = model(images)
    heads = raw if isinstance(raw, list) else [raw]
    theirs = [np.asarray(each).reshape(2, -1, 5 + 4) for each in heads]
    ours = np.asarray(detector.network(images)).reshape(2, -1, 5 + 4)
    np.testing.assert_allclose(np.concatenate(theirs, 1), ours, rtol=1e-5, atol=1e-5)
    anchors = np.concatenate([each.spec.anchors for each in network.heads])
    pixels = 32 if case == "yolov2_mini_96x64" else 1  # a [region] has them in cells
    own = detector.detection_loss.anchor_sizes(
        source.image_shape, detector.layout(source.image_shape).grids
    )
    assert own is not None
    stride = source.image_shape[0] / network.heads[0].shape[1] if pixels > 1 else 1
    np.testing.assert_allclose(
        sorted((anchors * stride).tolist()), sorted(own.sizes), rtol=1e-3, atol=1e-2
    )


def test_networks_that_darknet_has_not(photographs: Path) -> None:
    for network, said in (("small", "that of run 'one' is 'small'"), ("darknet19", "passthrough")):
        config = of(photographs, "--network", network, "--image-size", "64")
        with pytest.raises(ValueError, match=said):
            check_darknet(config, "one")
