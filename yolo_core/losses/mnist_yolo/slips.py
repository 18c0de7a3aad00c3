"""The slips of the published MNIST-digits loss, and which variant has which."""

from __future__ import annotations

from yolo_core.losses.slips import Slip, Variant

PIXEL_SIZED_WEIGHT = 0.001

SLIPS: tuple[Slip, ...] = (
    Slip(
        name="floor-corners",
        number="A-2",
        title="Corners rounded down",
        sentence=(
            "The corners of the boxes are rounded down before they are intersected, which is "
            "meant for pixels: in fractions of the picture every corner becomes 0 or 1, the IoU "
            "says nothing, and nearly every object goes to the first predictor."
        ),
        shows="Where the best predictor of some object's cell is not the first.",
        option="floor_corners",
    ),
    Slip(
        name="x-y-order",
        number="A-3",
        title="Rows found by x",
        sentence=(
            "The cell is looked up as (x, y) in a grid that is stored as (row, column), so an "
            "object is trained in the cell mirrored on the diagonal."
        ),
        shows="With any object away from the diagonal.",
        option="grid_order",
        on="x_y",
        off="row_column",
    ),
    Slip(
        name="objectless-left-out",
        number="A-4",
        title="Objectless term left out",
        sentence=(
            "The term for predictors without an object is computed and not added to the total: "
            "only the predictors with an object get any gradient."
        ),
        shows="On every picture.",
        lambdas={"no_object": 0.0},
    ),
    Slip(
        name="raw-matching",
        number="A-5",
        title="Raw outputs compared",
        sentence=(
            "The responsible predictor is chosen by the IoU of raw network outputs, taken as "
            "boxes, while the boxes that are trained went through a sigmoid: another predictor "
            "may be chosen than the one whose box fits best."
        ),
        shows="Where that changes the best predictor of some object.",
        option="matching",
        on="raw",
        off="activated",
    ),
    Slip(
        name="raw-boxes",
        number="A-5",
        title="Raw outputs as boxes",
        sentence=(
            "Raw network outputs are trained as boxes, without a sigmoid: widths may be "
            "negative, and centres outside the picture."
        ),
        shows="On every picture with an object.",
        option="box_activation",
        on="none",
        off="sigmoid",
    ),
    Slip(
        name="pixel-sized-weight",
        number="A-9",
        title="Box weight of 0.001",
        sentence=(
            "The box terms are weighted by 0.001, which belongs to errors in pixels; errors in "
            "fractions of the picture are a thousand times smaller already, so boxes are hardly "
            "learned."
        ),
        shows="On every picture with an object.",
        lambdas={"bounding_box": PIXEL_SIZED_WEIGHT},
    ),
    Slip(
        name="clipped-probabilities",
        number="A-1",
        title="Probabilities clipped",
        sentence=(
            "Cross-entropies are taken of probabilities clipped to 1e-7, so a sure mistake costs "
            "16.1 at most and has no gradient to get out of it."
        ),
        shows="Only with raw outputs beyond 16 or so.",
        option="probability_clip",
        on=1e-07,
        off=None,
    ),
    Slip(
        name="huber-errors",
        number="A-9",
        title="Huber in place of squares",
        sentence=(
            "The document says squared errors, and its code became Huber's later: half of the "
            "square up to 1, so half as much here, where no error is larger."
        ),
        shows="On every picture with an object.",
        option="box_error",
        on="huber",
        off="squared",
        words=("Huber in place of squared errors", "squared errors in place of Huber"),
    ),
    Slip(
        name="cell-offsets",
        number="A-5",
        title="Centres as offsets in their cell",
        sentence=(
            "The code came to train the centre's place in its cell, while the predictor is still "
            "chosen by boxes of the whole picture; xy and wh are means over two numbers each."
        ),
        shows="On every picture with an object.",
        option="box_target",
        on="cell",
        off="image",
        words=("centres as offsets in their cell", "centres as fractions of the picture"),
    ),
    Slip(
        name="offsets-by-swapped-axes",
        number="A-10",
        title="Offsets scaled by the other axis",
        sentence=(
            "The place in the cell is taken from x times the number of rows and y times the number "
            "of columns: on a grid that is not square it is the place in no cell there is."
        ),
        shows="Only on a grid that is not square, with centres as offsets in their cell.",
        option="offset_axes",
        on="swapped",
        off="own",
        situation={"box_target": "cell"},
    ),
)

_LATE = ("raw-matching", "huber-errors", "pixel-sized-weight")

VARIANTS: dict[str, Variant] = {
    "mnist_yolo/documented": Variant(
        (
            "floor-corners",
            "x-y-order",
            "objectless-left-out",
            "raw-matching",
            "raw-boxes",
            "pixel-sized-weight",
        )
    ),
    "mnist_yolo/huber": Variant(("floor-corners", *_LATE)),
    "mnist_yolo/huber_no_floor": Variant(_LATE),
    "mnist_yolo/cell_offsets": Variant(
        (
            "floor-corners",
            "raw-matching",
            "huber-errors",
            "cell-offsets",
            "offsets-by-swapped-axes",
        ),
        lambdas={"bounding_box": 1.0},
    ),
}
