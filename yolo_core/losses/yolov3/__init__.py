"""YOLOv3's loss, and its published variants."""
