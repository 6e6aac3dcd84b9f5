"""A camera of the simulated lab whose worker fails, or hangs, when a file says so."""
