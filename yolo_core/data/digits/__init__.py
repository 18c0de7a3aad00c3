"""Scenes of handwritten digits: bundled, from MNIST, or from a file in its layout."""
