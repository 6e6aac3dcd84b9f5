"""shothub: many users, one experiment."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shothub.client import Hub, Scan, SessionOver, linspace, values

__version__ = "0.1.0"
__all__ = ["Hub", "Scan", "SessionOver", "__version__", "linspace", "values"]


def __getattr__(name: str) -> object:
    """Load the client on first use, so that no other program pays for it."""
    if name not in __all__:
        raise AttributeError(f"module 'shothub' has no attribute {name!r}")
    from shothub import client  # noqa: PLC0415  (lazy on purpose, see above)

    return getattr(client, name)
