"""Anchor-based detection losses that explain themselves, and the loop that trains with them."""
