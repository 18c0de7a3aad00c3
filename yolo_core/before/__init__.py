"""What is looked for before anything is trained: objects that a loss would lose, and duplicates."""
