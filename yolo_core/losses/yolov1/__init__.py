"""YOLOv1's loss, and its published variants."""
