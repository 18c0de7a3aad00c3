"""What a loss computes, told from its gradient: forms of each term, tried against the numbers."""
