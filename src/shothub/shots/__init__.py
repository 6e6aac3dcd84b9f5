"""HDF5 shot files: the only code that knows their layout."""
