"""Jobs, shots, attempts, and the events of all of them."""
