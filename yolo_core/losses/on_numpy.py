"""Losses without TensorFlow: Keras on NumPy, for what is computed once and needs no gradient.

Keras's NumPy backend imports JAX for convolutions and Fourier transforms, which no loss has. Where
JAX is not installed, something empty stands in its place while Keras loads, and is gone after that.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types

_JAX = ("jax", "jax.lax", "keras.src.backend.jax", "keras.src.backend.jax.math")


def load_keras_on_numpy() -> None:
    """Loads Keras on NumPy, in 1 s, unless this process has loaded Keras already.

    For a process of its own: Keras has one backend as long as the process lives.
    """
    if "keras" in sys.modules:
        return
    os.environ["KERAS_BACKEND"] = "numpy"
    stands_in = () if importlib.util.find_spec("jax") else _JAX
    for name in stands_in:
        sys.modules[name] = _Absent(name)
    try:
        import keras  # noqa: F401
    finally:
        # Others look whether JAX is loaded: SciPy does.
        for name in stands_in:
            sys.modules.pop(name, None)


class _Absent(types.ModuleType):
    """A module that has every function, none of which can be called."""

    __path__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)

        def absent(*_: object, **__: object) -> object:
            raise ModuleNotFoundError(f"{self.__name__}.{name} needs JAX.", name="jax")

        return absent
