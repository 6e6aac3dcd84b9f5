"""A hub before one is let in: logging in through the browser (RFC 8628)."""

from types import TracebackType
from typing import Self

import httpx

from shothub.client import calls
from shothub.client.connection import Connection
from shothub.client.errors import Conflict, NotLoggedIn
from shothub.client.profiles import check_url
from shothub.client.retries import Manner
from shothub.domain.faults import Fault
from shothub.wire.accounts import DeviceRequest, DeviceStarted, NewToken

_PENDING = "authorization_pending"


class Door:
    """Where a program waits until its user has let it in."""

    def __init__(
        self,
        url: str,
        *,
        manner: Manner | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Find the hub; nothing is sent yet.

        Args:
            url: address of the hub.
            manner: time-outs, patience and the clock.
            transport: what carries requests, for tests.
        """
        self._connection = Connection(
            check_url(url), "", manner=manner, transport=transport
        )

    def knock(self, request: DeviceRequest) -> DeviceStarted:
        """Ask to be let in; the person is to open the address and compare the code.

        Raises:
            Refused: the hub has no such scope or apparatus.
        """
        return self._connection.do(calls.ask_to_log_in(request))

    def wait(self, started: DeviceStarted) -> NewToken:
        """Wait until the person has decided, and return the token.

        Raises:
            Forbidden: he turned the program away.
            NotLoggedIn: nobody decided in time.
        """
        manner, call = self._connection.manner, calls.collect_token(started.device_code)
        until = manner.monotonic() + started.expires_in
        while manner.monotonic() < until:
            manner.pause(started.interval)
            try:
                return self._connection.do(call)
            except Conflict as error:
                if error.problem.code != _PENDING:
                    raise
        raise NotLoggedIn(
            Fault(
                code="nobody_let_in",
                detail="Nobody allowed this login in time.",
                hint="run it again, and open the address that it shows",
            )
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
