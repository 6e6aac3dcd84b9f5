"""The hub without its fences, for the control: ``python -m`` this instead of ``shothub``.

Every session may speak, and START is granted whatever became of the shot since. Nothing
of this can be reached from the product.
"""

import sys
from collections.abc import Callable
from typing import Any

from shothub import command
from shothub.domain.states import ShotState
from shothub.server import main as server


def take_fences_down() -> None:
    """Replace the checks by ones that let everything pass."""
    # They can be imported only now, that Django is set up.
    from shothub.server.api import root  # noqa: F401, PLC0415
    from shothub.server.jobs import transitions  # noqa: PLC0415
    from shothub.server.jobs.services import starts  # noqa: PLC0415

    def pass_all(*_: object) -> None:
        """Let everybody pass."""

    for name, module in list(sys.modules.items()):
        if name.startswith("shothub.server") and hasattr(module, "require_epoch"):
            setattr(module, "require_epoch", pass_all)  # noqa: B010
    setattr(starts, "_require_startable", pass_all)  # noqa: B010
    setattr(transitions, "sources_of_shot", lambda _: frozenset(ShotState))  # noqa: B010


def main() -> None:
    """Serve as ``shothub server`` does."""
    prepare: Callable[..., Any] = server.prepare

    def prepare_without_fences(*words: Any) -> None:
        prepare(*words)
        take_fences_down()

    setattr(server, "prepare", prepare_without_fences)  # noqa: B010
    command.main()


if __name__ == "__main__":
    main()
