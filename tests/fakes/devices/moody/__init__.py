"""A device for the tests: its worker fails, or falls silent, when a file says so."""
