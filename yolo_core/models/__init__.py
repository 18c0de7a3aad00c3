"""Networks, and what turns their raw output into detections."""
