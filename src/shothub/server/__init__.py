"""The hub: what users and agents talk to."""

from pathlib import Path

import django

from shothub.server.config import configure


def setup(data: Path) -> None:
    """Make the hub's services usable in this process, on the data folder ``data``."""
    configure(data)
    django.setup()
