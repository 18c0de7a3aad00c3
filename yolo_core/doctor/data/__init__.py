"""What is looked for in data and anchors before a training, one check a file."""
