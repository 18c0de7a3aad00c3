"""How good a detector is: average precision, recall, what is missed."""
