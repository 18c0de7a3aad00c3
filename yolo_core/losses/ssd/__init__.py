"""SSD's loss, its priors, and its published variants."""
