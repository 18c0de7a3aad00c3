"""The browser pages that show a training run while it happens."""
