"""An evaluation as a process of its own, and the folder that it leaves beside the run."""
