"""What is looked for in what a run has put on record, one check a file. No TensorFlow."""
