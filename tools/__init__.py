"""What works on the project rather than in it."""
