"""A run as files for other programs: its rows, its detections, its network."""
