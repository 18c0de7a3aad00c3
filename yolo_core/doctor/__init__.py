"""The doctor: names what is wrong with a loss, with data, with a run, and says by what it knows."""
