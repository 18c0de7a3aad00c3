"""What if from here: forks of the run, and what came of them."""
