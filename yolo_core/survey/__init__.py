"""Every sample of a split at one step, looked at as a pinned snapshot is; kept with the run."""
