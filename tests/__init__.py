"""Tests. A package, so that no folder in here hides the one of the same name that it tests."""
