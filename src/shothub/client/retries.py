"""When to send a call again: only where that is safe and may help, and not for ever."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import httpx

from shothub.client import answers
from shothub.client.calls import Call
from shothub.client.errors import HubUnreachable, ShothubError
from shothub.domain.faults import Fault
from shothub.runtime import clock
from shothub.runtime.delays import delays

FIRST_DELAY = 0.25
LONGEST_DELAY = 15.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_OVERLOADED = frozenset({429, 503})
_GATEWAY = frozenset({502, 504})

Trouble = httpx.Response | httpx.TransportError


def _silent(_said: str) -> None:
    """Say nothing about retries."""


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a connection waits and retries; tests replace the clock.

    Attributes:
        timeout: seconds without any byte after which a connection counts as dead.
        patience: seconds for which a call is retried, None for ever.
        pause: waits some seconds.
        monotonic: reads a clock that never jumps.
        jitter: returns a random number in [0, 1).
        on_retry: told in words before each retry.
    """

    timeout: float = 30.0
    patience: float | None = 30.0
    pause: Callable[[float], None] = clock.pause
    monotonic: Callable[[], float] = clock.monotonic
    jitter: Callable[[], float] = SystemRandom().random
    on_retry: Callable[[str], None] = _silent


class Tries:
    """The tries of one call: waits before the next one, or gives up."""

    def __init__(
        self,
        manner: Manner,
        patience: float | None,
        where: str,
        on_retry: Callable[[str], None] | None = None,
    ) -> None:
        self._manner = manner
        self._on_retry = on_retry or manner.on_retry
        self._patience = patience
        self._where = where
        self._start = manner.monotonic()
        self._waits = delays(
            first=FIRST_DELAY, longest=LONGEST_DELAY, jitter=manner.jitter
        )

    def again(self, call: Call[Any], trouble: Trouble) -> None:
        """Wait before ``call`` is sent again.

        Raises:
            ShothubError: another try is unsafe, of no use, or too late.
        """
        wait = max(next(self._waits), _asked_for(trouble))
        if not worth_a_retry(call, trouble) or self._too_long(wait):
            raise _final(trouble, self._where) from _cause(trouble)
        self._on_retry(
            f"{self._where}: {_in_words(trouble)}; trying again in {wait:.1f} s"
        )
        self._manner.pause(wait)

    def _too_long(self, wait: float) -> bool:
        spent = self._manner.monotonic() - self._start
        return self._patience is not None and spent + wait > self._patience


def worth_a_retry(call: Call[Any], trouble: Trouble) -> bool:
    """Tell whether sending ``call`` again is safe, and may help."""
    if isinstance(trouble, httpx.Response):
        lost = trouble.status_code in _GATEWAY and call.repeatable
        return trouble.status_code in _OVERLOADED or lost
    if isinstance(trouble, httpx.UnsupportedProtocol) or _is_about_trust(trouble):
        return False
    return call.repeatable or isinstance(trouble, _NEVER_SENT)


def _asked_for(trouble: Trouble) -> float:
    if isinstance(trouble, httpx.Response):
        return answers.retry_after(trouble) or 0.0
    return 0.0


def _is_about_trust(trouble: httpx.TransportError) -> bool:
    cause: BaseException | None = trouble
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _cause(trouble: Trouble) -> Exception | None:
    return trouble if isinstance(trouble, Exception) else None


def _final(trouble: Trouble, where: str) -> ShothubError:
    if isinstance(trouble, httpx.Response):
        return answers.refusal(trouble)
    return HubUnreachable(
        Fault(
            code="hub_unreachable",
            detail=f"The hub does not answer: {_in_words(trouble)}.",
            where=where,
            hint="check the address and your network; jobs on the hub go on",
        )
    )


def _in_words(trouble: Trouble) -> str:
    if isinstance(trouble, httpx.Response):
        return f"the hub is busy ({trouble.status_code})"
    if isinstance(trouble, httpx.TimeoutException):
        return "it took too long"
    return str(trouble) or type(trouble).__name__
