"""Models of all that crosses a process boundary."""
