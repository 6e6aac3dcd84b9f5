"""``python -m shothub`` is the ``shothub`` command."""

from shothub.command import main

main()
