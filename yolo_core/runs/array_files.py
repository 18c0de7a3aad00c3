"""Reading .npz files of ours: numpy arrays, and under "meta" JSON that says what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np


def read_arrays(
    path: Path, *, form: str, what: str, foreign: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON and the arrays of a file; whether they fit together is for the caller to check.

    Args:
        path: The file.
        form: What "format" must be in its JSON.
        what: What such a file is called, such as "snapshot".
        foreign: What another file is said to be, such as "not a snapshot".

    Raises:
        ValueError: The file is missing, half-written, damaged, or something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:
        # Whatever a damaged zip makes numpy raise (a dozen kinds), the file is at fault. What
        # comes after numpy's first sentence may be the advice to unpickle it.
        why = str(error).partition(". ")[0].rstrip(".")
        raise ValueError(f"{path} is damaged, half-written or no {what} ({why}).") from None
    try:
        meta = json.loads(arrays["meta"].tobytes())
        is_ours = meta["format"] == form
    except (LookupError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        raise ValueError(f"{path} is an .npz file, but {foreign}.")
    return meta, arrays
