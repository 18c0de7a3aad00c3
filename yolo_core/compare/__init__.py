"""Losses side by side on one sample, the published slips as switches, and a loss of one's own."""
