"""The loss of the MNIST-digits detector, and its published variants."""
