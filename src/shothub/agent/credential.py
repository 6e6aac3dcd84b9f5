"""The agent's token: where it is kept, and how it is rotated before it grows old.

A new token is written down before it is used, and the old one works on for a day: a crash
at any place between leaves a token in the file that works.
"""

import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TextIO

import structlog

from shothub.agent.hub import HubError, Refused
from shothub.domain.faults import Fault
from shothub.wire.accounts import NewToken, TokenView

logger = structlog.get_logger()

FILE = "agent.token"
_LOOK_EVERY = 3600.0
_PART = 3
"""A token is rotated after a third of its life: time for a person if that fails."""
_PARTING_SECONDS = 1.0


class NoToken(Exception):
    """There is no token to show to the hub."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class TokenFile:
    """A file that holds the agent's token, which only the agent's user can read.

    Args:
        path: of the file; links are followed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def read(self) -> str:
        """Return the token.

        Raises:
            NoToken: there is none, or it cannot be read.
        """
        try:
            token = self._path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise self._none(getattr(error, "strerror", None) or str(error)) from error
        if not token:
            raise self._none("it is empty")
        return token

    def _none(self, why: str) -> NoToken:
        return NoToken(
            Fault(
                code="no_token",
                detail=f"The agent has no token: {why}.",
                where=str(self._path),
                hint="have a code made (shothub admin agent code APPARATUS) and give it by"
                " --enrol, or give a token by --token-file",
            )
        )

    def require_writable(self) -> None:
        """See that another token could be written.

        Raises:
            OSError: it could not.
        """
        self._open_draft().close()
        self._draft.unlink()

    def write(self, token: str) -> None:
        """Replace the token so that either the old or the new one is there, whatever happens.

        Raises:
            OSError: the new one could not be written.
        """
        with self._open_draft() as draft:
            draft.write(f"{token}\n")
            draft.flush()
            os.fsync(draft.fileno())
        self._draft.replace(self._path)

    @property
    def _draft(self) -> Path:
        return self._path.with_name(f"{self._path.name}.new")

    def _open_draft(self) -> TextIO:
        self._draft.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        return os.fdopen(os.open(self._draft, flags, 0o600), "w", encoding="utf-8")


class TokenPort(Protocol):
    """The hub, as far as the agent's token goes; both questions raise ``HubError``."""

    def token(self) -> TokenView: ...

    def rotate_token(self) -> NewToken: ...

    def use_token(self, token: str) -> None: ...


def due(token: TokenView) -> datetime:
    """Return when a token is to be rotated."""
    return token.created + (token.expires - token.created) / _PART


class Rotation:
    """A thread that has the hub rotate the token when it is due.

    Args:
        hub: is asked.
        file: holds the token.
        now: reads the clock.
    """

    def __init__(
        self, *, hub: TokenPort, file: TokenFile, now: Callable[[], datetime]
    ) -> None:
        self._hub = hub
        self._file = file
        self._now = now
        self._due: datetime | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="token", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End; a question under way ends with the connections."""
        self._closed.set()
        self._thread.join(_PARTING_SECONDS)

    def _run(self) -> None:
        while not self._closed.is_set():
            self.attend()
            self._closed.wait(_LOOK_EVERY)

    def attend(self) -> None:
        """Rotate the token if that is due; what fails is tried again at the next look."""
        try:
            self._due = self._due or due(self._hub.token())
            if self._now() >= self._due:
                self._rotate()
        except Refused as error:
            fault = error.problem
            logger.error("token not rotated", why=str(error), hint=fault.hint)
        except HubError as error:
            logger.warning("token not looked at", why=str(error))
        except OSError as error:
            logger.error("token not rotated: it could not be kept", why=str(error))

    def _rotate(self) -> None:
        self._file.require_writable()  # a token that cannot be kept is better not made
        made = self._hub.rotate_token()
        self._file.write(made.token)
        self._hub.use_token(made.token)
        self._due = due(made)
        logger.info("token rotated", token=made.id, expires=made.expires.isoformat())
