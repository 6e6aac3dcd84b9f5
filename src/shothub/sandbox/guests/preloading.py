"""Imports what the lab's files will import, before any job."""

import contextlib
import importlib


def import_all(names: list[str]) -> None:
    """Import what can be imported of ``names``.

    What fails here fails again in the job that needs it, and is told there.
    """
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
