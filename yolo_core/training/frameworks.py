"""What Keras computes on, whichever framework it computes with."""

from __future__ import annotations

import keras


def device_names() -> list[str]:
    """What trains under Keras: the model names of the GPUs, or "CPU" where there is none."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            gpus = tf.config.list_physical_devices("GPU")
            details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
            names = [each.get("device_name", "GPU") for each in details]
        case "jax":
            import jax  # pyright: ignore[reportMissingImports]

            names = [each.device_kind for each in jax.devices() if each.platform != "cpu"]
        case "torch":
            import torch  # pyright: ignore[reportMissingImports]

            names = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
        case _:
            names = []
    return names or ["CPU"]
