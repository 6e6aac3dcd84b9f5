"""The rules of shothub: pure functions over frozen dataclasses, standard library only."""
