"""The HTTP interface under ``/api/v1``: it translates, then makes one call."""
