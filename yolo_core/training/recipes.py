"""What each loss needs to train well on the digit scenes, where that is not the loss's own default.

Found by trying, on validation scenes. The command line writes these values into `config.json`, so
that a run says what it was trained with; a published variant is trained as it was published.
"""

from __future__ import annotations

from collections.abc import Mapping

# YOLOv2: the notebook's confidence terms are means over thousands of slots; at 5 and 1 they are
# learned last. MNIST: its box terms are squared fractions of the picture, a thousandth of others.
# YOLOv1 holds one object a cell: of the 956 digits of the 300 validation scenes one shares its cell
# with a later one, so a recall of 955 in 956 (0.999) is the most that it can reach (a test has it).
LAMBDAS: dict[str, dict[str, float]] = {
    "yolov2": {
        "xy": 20.0,
        "wh": 8.0,
        "objectness": 50.0,
        "no_object": 50.0,
        "classification": 1.0,
    },
    "mnist_yolo": {
        "objectness": 1.0,
        "xy": 500.0,
        "wh": 300.0,
        "classification": 1.0,
        "no_object": 2.0,
    },
    "yolov1": {
        "xy": 5.0,
        "wh": 20.0,
        "objectness": 1.0,
        "no_object": 0.5,
        "classification": 1.0,
    },
    "yolov3": {
        "xy": 5.0,
        "wh": 2.0,
        "objectness": 1.0,
        "no_object": 10.0,
        "classification": 5.0,
    },
    "ssd": {"xy": 1.0, "wh": 1.0, "classification": 1.0, "no_object": 1.0},
}


def recipe_lambdas(loss: str, wanted: Mapping[str, float]) -> dict[str, float]:
    """The lambdas that a run of that loss starts with: the recipe, then what was asked for.

    A group name that was asked for comes after the terms it sets, so that it wins.
    """
    recipe = {name: value for name, value in LAMBDAS.get(loss, {}).items() if name not in wanted}
    return {**recipe, **wanted}
