"""The hub as a user sees it: the door to apparatus, jobs and tokens."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx

from shothub.client import calendar_calls, calls, downloads, sharing_calls
from shothub.client.apparatus import Apparatus
from shothub.client.calls import Submission
from shothub.client.connection import Connection
from shothub.client.job import Job, Jobs
from shothub.client.moments import AnyMoment
from shothub.client.notices import Notifications, Webhooks, feed
from shothub.client.profiles import find_account, profile_file
from shothub.client.reservation import (
    Reservation,
    Reservations,
    reservations_between,
)
from shothub.client.retries import Manner
from shothub.client.tokens import Tokens
from shothub.wire.accounts import Me
from shothub.wire.groups import GroupDetail, GroupView
from shothub.wire.notices import FeedEvent
from shothub.wire.reservations import SessionView

_PAGE = 100


def _uuid() -> str:
    return str(uuid4())


class Hub:
    """A hub and one's account on it.

    Attributes:
        url: its address.
        tokens: makes, lists and revokes tokens.
        webhooks: registers addresses that are told of jobs.
        notifications: chooses of which events one is sent an e-mail.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        profile: str | None = None,
        manner: Manner | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Find address and token; nothing is sent yet.

        Args:
            url: address; else SHOTHUB_URL, else the profile's.
            token: token; else SHOTHUB_TOKEN or SHOTHUB_TOKEN_FILE, else the profile's.
            profile: name of a profile written by ``shothub login``; wins over the
                environment.
            manner: time-outs and patience with an unreachable hub.
            transport: what carries requests, for tests.

        Raises:
            NotLoggedIn: address or token is missing.
            UnsafeProfile: other people can read the profile file.
        """
        account = find_account(
            url=url,
            token=token,
            profile=profile,
            environ=os.environ,
            file=profile_file(),
        )
        self.url = account.url
        self._connection = Connection(
            account.url, account.token, manner=manner, transport=transport
        )
        self._new_key: Callable[[], str] = _uuid
        self.tokens = Tokens(self._connection)
        self.webhooks = Webhooks(self._connection)
        self.notifications = Notifications(self._connection)

    def me(self) -> Me:
        """Return who one is, and what the token may do."""
        return self._connection.do(calls.me())

    def export(self, path: str | Path) -> Path:
        """Store all that the hub knows of oneself in a file, which only you can read.

        Args:
            path: a new JSON file.

        Raises:
            FileExistsError: there is such a file.
            Forbidden: the token may read a part of it only.
        """
        return downloads.save_private(self._connection, calls.export_me(), Path(path))

    def apparatus(self, name: str) -> Apparatus:
        """Return an apparatus.

        Raises:
            NotFound: it is not there, or not for you.
        """
        view = self._connection.do(calls.get_apparatus(name))
        return Apparatus(self._connection, view, self._new_key)

    def apparatuses(self) -> list[Apparatus]:
        """Return all apparatus that one may see."""
        found = self._connection.do(calls.list_apparatus())
        return [Apparatus(self._connection, view, self._new_key) for view in found]

    def job(self, ident: str) -> Job:
        """Return a job by its id.

        Raises:
            NotFound: it is not there, or not yours.
        """
        return Job(self._connection, self._connection.do(calls.get_job(ident)))

    def jobs(
        self,
        *,
        state: str = "",
        apparatus: str = "",
        tag: str = "",
        limit: int | None = 20,
        shared: bool = False,
    ) -> Jobs:
        """Return one's jobs, newest first.

        Args:
            state: only jobs in this state.
            apparatus: only jobs on this apparatus.
            tag: only jobs with this tag.
            limit: how many at most; None for all.
            shared: those that others share with one's groups, in place of one's own.
        """
        found, cursor = Jobs(), None
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            page = self._connection.do(
                calls.list_jobs(
                    state=state,
                    apparatus=apparatus,
                    tag=tag,
                    limit=size,
                    cursor=cursor,
                    shared=shared,
                )
            )
            found.extend(Job(self._connection, view) for view in page.jobs)
            cursor = page.next
            if cursor is None:
                break
        return found

    def groups(self) -> list[GroupView]:
        """Return the groups that one is in."""
        return self._connection.do(sharing_calls.list_groups())

    def group(self, name: str) -> GroupDetail:
        """Return a group with its members, and what is granted to them.

        Raises:
            NotFound: it is not there, or one is not in it.
        """
        return self._connection.do(sharing_calls.get_group(name))

    def submit(self, requests: Iterable[Submission]) -> Jobs:
        """Submit several jobs made by `Apparatus.request`: all of them or none.

        Raises:
            Refused: something is wrong with one of them; nothing was stored.
        """
        call = calls.submit_many(list(requests), key=self._new_key())
        return Jobs(Job(self._connection, v) for v in self._connection.do(call))

    def reservations(
        self, start: AnyMoment = "now", end: AnyMoment | None = None
    ) -> Reservations:
        """Return what is reserved between two times on all apparatus."""
        return reservations_between(self._connection, "", start, end)

    def reservation(self, ident: int) -> Reservation:
        """Return a reservation by its number.

        Raises:
            NotFound: it is not there.
        """
        view = self._connection.do(calendar_calls.get_reservation(ident))
        return Reservation(self._connection, view)

    def sessions(self) -> list[SessionView]:
        """Return one's sessions, newest first."""
        return self._connection.do(calendar_calls.list_sessions())

    def end_session(self, ident: str) -> SessionView:
        """End a session, e.g. one that a program which crashed has left open.

        Raises:
            NotFound: it is not there, or not yours.
        """
        return self._connection.do(calendar_calls.end_session(ident))

    def feed(
        self, *, since: int | None = None, apparatus: str = "", follow: bool = False
    ) -> Iterator[FeedEvent]:
        """Yield the events of the apparatus that one operates, each once and in order.

        Args:
            since: id of the event after which to begin; None begins with the newest.
            apparatus: only those of this one.
            follow: wait for more, without end.

        Raises:
            Forbidden: one operates none.
        """
        return feed(self._connection, since=since, apparatus=apparatus, follow=follow)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Hub {self.url}>"
