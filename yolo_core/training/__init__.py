"""The training loop: configuration, detector, callbacks, and the process they run in."""
