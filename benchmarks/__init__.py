"""What the losses cost: `make bench`."""
