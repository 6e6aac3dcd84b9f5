"""Isolated child processes: the host starts, limits and ends guests."""
