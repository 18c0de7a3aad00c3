"""The command line, one file a command: `python -m yolo_core COMMAND`."""
