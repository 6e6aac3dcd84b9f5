"""A cold-atom machine in numbers: what the outputs of a shot do to the atoms."""
