"""Shot files: the only part that knows their HDF5 layout, and the gate before BLACS."""
