"""Samples: pictures with their ground-truth objects, from bundled digits or one's own files."""
