"""The parts of the Doctor page."""
