"""Pieces of the Survey page."""
