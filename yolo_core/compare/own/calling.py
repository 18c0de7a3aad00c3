"""What a file calls its loss, made callable with (y_true, y_pred); and what it returns, one number.

Functions, Keras losses, plain classes with a method that computes, methods by name, PyTorch too.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from yolo_core.training.own_loss import blamed_on, load_object, names_around, short_name, split_name

# By these names a class computes, the first that it has.
_COMPUTES = ("call", "forward", "loss", "compute_loss", "__call__")
_OLD_TF = re.compile(r"module '(?:tensorflow|tensorflow\.\S+)' has no attribute '(\w+)'")
_OLD_K = re.compile(r"module 'keras\S*backend\S*' has no attribute '(\w+)'")
# Two shapes that do not fit, as TensorFlow and NumPy tell them.
_SHAPES = re.compile(r"shapes:? *[\[(]([\d, ]+)[\])] *(?:vs\. *)?[\[(]([\d, ]+)[\])]")


def load_callable(
    name: str, given: Mapping[str, Any], usual: Mapping[str, Any], found: Any = None
) -> Callable[[Any, Any], Any]:
    """Loads a loss: "FILE.py:function", "FILE.py:Class" or "FILE.py:Class.method".

    Args:
        name: As above.
        given: Arguments of a class, as --with names them.
        usual: Arguments that a class gets where it has one of that name without a default.
        found: The function or class, where the file has been run; None runs it.

    Raises:
        ValueError: There is no such name, it cannot be called, or a class needs more arguments.
    """
    file, _, attribute = name.rpartition(":")
    of_class, _, method = attribute.partition(".")
    found = load_object(f"{file}:{of_class}") if found is None else found
    path = split_name(f"{file}:{of_class}")[0].absolute()
    if not isinstance(found, type):
        if method or given:
            what = f"no class, so it has no {method!r}" if method else "no class: leave --with out"
            raise ValueError(f"{short_name(f'{file}:{of_class}')} is {what}.")
        if not callable(found):
            raise ValueError(
                f"{short_name(name)} is a {type(found).__name__}; expected a function of "
                "(y_true, y_pred), or a class."
            )
        return found
    made = _made(found, path, given, usual)
    names = (
        [method]
        if method
        else [
            # A class itself can be called: that says nothing of what it makes.
            each
            for each in _COMPUTES
            if any(each in vars(kind) for kind in found.__mro__[:-1])
        ]
    )
    if method and not callable(getattr(made, method, None)):
        has = [each for each in vars(found) if callable(getattr(found, each)) and each[:1] != "_"]
        raise ValueError(f"{found.__name__} has no method {method!r}; it has {', '.join(has)}.")
    if not names:
        raise ValueError(
            f"{found.__name__} has none of the methods {', '.join(_COMPUTES)}: name the one that "
            f"computes the loss, as FILE.py:{found.__name__}.method."
        )
    # A Keras loss takes the mean of what `call` gives; so does whoever calls this.
    return getattr(made, names[0])


def _made(kind: type, path: Path, given: Mapping[str, Any], usual: Mapping[str, Any]) -> Any:
    wanted = inspect.signature(kind).parameters
    every = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in wanted.values())
    unknown = [] if every else [each for each in given if each not in wanted]
    if unknown:
        raise ValueError(
            f"{kind.__name__} has no argument {unknown[0]!r}; it takes {', '.join(wanted)}."
        )
    bare = [
        each.name
        for each in wanted.values()
        if each.default is inspect.Parameter.empty
        and each.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    ]
    arguments = {each: usual[each] for each in bare if each in usual} | dict(given)
    missing = [each for each in bare if each not in arguments]
    if missing:
        raise ValueError(
            f"{kind.__name__} needs {', '.join(missing)}: give "
            f"{' '.join(f'--with {each}=VALUE' for each in missing)}."
        )
    with blamed_on(path, f"{kind.__name__}() could not be made"):
        return kind(**arguments)


def is_pytorch(name: str) -> bool:
    """Whether a file that was loaded computes with PyTorch: it has torch and no TensorFlow."""
    around = names_around(name)
    modules = {getattr(value, "__name__", "") for value in around.values()}
    return "torch" in modules and not modules & {"tensorflow", "keras"}


def one_number(value: Any, add: Callable[[Any], Any]) -> Any:
    """A total out of what a loss returns: a number, numbers, (total, parts), heads, or a mapping.

    Args:
        value: What it returned.
        add: The mean of a tensor, as the framework has it.
    """
    if isinstance(value, Mapping):
        for key in ("loss", "total", "total_loss"):
            if key in value:
                return add(value[key])
        return sum(add(each) for each in value.values())
    if isinstance(value, tuple) and value:
        return add(value[0])
    if isinstance(value, list) and value:
        return sum(add(each) for each in value)
    return add(value)


def hint(error: str) -> str:
    """A next step that works, for errors of old code; "" for others."""
    old = _OLD_TF.search(error)
    if old:
        return (
            f" (TensorFlow 1 had {old[1]}: put `import tensorflow.compat.v1 as tf` in place of "
            "`import tensorflow as tf`.)"
        )
    if _OLD_K.search(error):
        return " (Put `from tensorflow.keras import backend as K` in its place.)"
    shapes = _SHAPES.search(error)
    if shapes:
        one, other = ([int(n) for n in each.split(",") if n.strip()] for each in shapes.groups())
        if len(one) != len(other) and 1 in one[-1:] + other[-1:]:
            return (
                f" (One has {len(one)} axes and the other {len(other)}: a mask or an error that "
                "has kept a last axis of 1 meets one that has not, and would be broadcast over the "
                "wrong axis.)"
            )
    if "shape" in error.lower() or "size of tensor" in error:
        return (
            " (Is another number written into the code? --labels says what else it can be given.)"
        )
    return ""


def pytorch_gradient(
    function: Callable[[Any, Any], Any], y_true: Any, y_pred: Any
) -> tuple[float, list[np.ndarray]]:
    """The total of a PyTorch loss, and its gradient by each tensor of the predictions."""
    import torch  # pyright: ignore[reportMissingImports]

    many = isinstance(y_pred, list)
    tensors = [torch.tensor(np.asarray(each), requires_grad=True) for each in listed(y_pred)]
    labels = [torch.tensor(np.asarray(each)) for each in listed(y_true)]
    value = function(
        labels if isinstance(y_true, list) else labels[0], tensors if many else tensors[0]
    )
    total = one_number(value, lambda each: torch.as_tensor(each).float().mean())
    total.backward()
    found = [
        np.zeros(each.shape, np.float32) if each.grad is None else each.grad.numpy()
        for each in tensors
    ]
    return float(total.detach()), found


def listed(value: Any) -> list[Any]:
    """One tensor or a list of them, as a list."""
    return list(value) if isinstance(value, list) else [value]


def mean(value: Any) -> tf.Tensor:
    """The mean of a tensor, or of what can be made one."""
    return tf.reduce_mean(tf.cast(tf.convert_to_tensor(value), tf.float32))
