"""What is looked for in a loss before its first step, one check a file."""
