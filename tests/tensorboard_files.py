"""What TensorBoard's own reader makes of a folder."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tensorboard.util import tensor_util


def scalars(folder: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """{run: {tag: [(step, value)]}} of what it shows as scalars."""
    reader = EventMultiplexer().AddRunsFromDirectory(str(folder))
    reader.Reload()
    return {
        run: {
            tag: [
                (each.step, float(tensor_util.make_ndarray(each.tensor_proto)))
                for each in reader.Tensors(run, tag)
            ]
            for tag in tags["tensors"]
            if reader.SummaryMetadata(run, tag).plugin_data.plugin_name == "scalars"
        }
        for run, tags in reader.Runs().items()
    }
