"""A loss out of the installed package, where there is neither TensorFlow nor a dashboard."""

import importlib.util
import sys

import keras
import numpy as np

from yolo_core import YoloV2Loss

loss = YoloV2Loss([(1.0, 1.0), (2.0, 3.0)], num_classes=3)
labels = np.zeros((1, 2, 8), "float32")
labels[0, 0] = (1, 0.5, 0.5, 0.25, 0.5, 0, 1, 0)
parts = loss.breakdown(labels, np.zeros((1, 4, 4, 16), "float32")).to_numpy()
total = sum(parts.lambdas[name] * parts.terms[name] for name in parts.terms)
if not (np.isclose(total, parts.total) and parts.total > 0):
    sys.exit(f"The terms {parts.terms} do not make the total {parts.total}.")
for name in ("tensorflow", "streamlit", "pydantic"):
    if importlib.util.find_spec(name) is not None:
        sys.exit(f"The losses alone brought {name}.")
print(f"{keras.backend.backend()}, Keras {keras.__version__}: a loss of {float(parts.total):.4f}")
