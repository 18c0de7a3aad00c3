"""One sample under other labels, anchors, options or lambdas, without touching the run."""
