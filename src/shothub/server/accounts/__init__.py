"""Users, their grants and their tokens."""
