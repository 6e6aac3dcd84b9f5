"""A guest that runs any Python: for the self-test of the sandbox only."""

from shothub.sandbox.guests.channel import Channel


def prepare(preload: list[str]) -> None:
    """Import nothing: attacks need no suite."""


def rehearse() -> None:
    """Do nothing: attacks are not timed."""


def run(order: bytes, files: list[int], channel: Channel) -> bool:
    """Execute the order, which is source text."""
    exec(compile(order, "attack.py", "exec"), {"__name__": "__main__", "files": files})  # noqa: S102
    return True
