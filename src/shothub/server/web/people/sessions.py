"""Sessions that their user ends from elsewhere: that is on record."""

from collections.abc import Iterable
from typing import Any

from allauth.usersessions.adapter import DefaultUserSessionsAdapter

from shothub.domain.acts import Act
from shothub.runtime.clock import now
from shothub.server.accounts.acting import account_of
from shothub.server.audit.services import record


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """django-allauth's hook."""

    def end_sessions(self, sessions: Iterable[Any]) -> None:
        """End sessions of one user."""
        ended = list(sessions)
        for session in ended:
            detail = {"address": session.ip}
            whose = account_of(session.user)
            record(Act.SESSION_ENDED, now=now(), subject=whose, detail=detail)
        super().end_sessions(ended)
