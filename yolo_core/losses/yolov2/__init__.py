"""YOLOv2's loss, and its published variants."""
