"""What is another thing under each framework: reading its tensors, and what it computes on."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def as_numpy(value: Any) -> np.ndarray:
    """An array of any framework, on any device, as NumPy's.

    Args:
        value: An array, a number, a tensor of TensorFlow, PyTorch (with a gradient or without) or
            JAX, or what `numpy.asarray` can read. Numbers of 16 bits become float32.

    Raises:
        ValueError: It cannot be read as numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point():
            value = value.float()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{type(value).__name__} is no array of numbers: {error}.") from None
    if array.dtype.kind == "V" or (array.dtype.itemsize == 2 and array.dtype.kind == "f"):
        array = array.astype(np.float32)  # bfloat16 is no kind of NumPy's own
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected an array of numbers; received {array.dtype} values.")
    return array


def device_names() -> list[str]:
    """What trains under Keras: the model names of the GPUs, or "CPU" where there is none."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
            details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
            names = [each.get("device_name", "GPU") for each in details]
        case "jax":
            import jax

            names = [each.device_kind for each in jax.devices() if each.platform != "cpu"]
        case "torch":
            import torch

            names = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
        case _:
            names = []
    return names or ["CPU"]
