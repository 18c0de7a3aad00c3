"""Pieces of the Sandbox page."""
