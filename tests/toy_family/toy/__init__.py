"""The least that a family of losses is: see CONTRIBUTING.md."""

LABEL = "Toy: the first slot of a cell"
SOUND = "ToyLoss"
