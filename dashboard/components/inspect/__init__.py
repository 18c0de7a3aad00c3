"""Pieces of the Inspect page."""
