"""Sending calls to one hub with one token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import finalize

import httpx

from shothub import __version__
from shothub.client import answers
from shothub.client.calls import Call
from shothub.client.retries import Manner, Tries, worth_a_retry

T = TypeVar("T")


class Connection:
    """A pool of connections to one hub; safe to share among threads."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        manner: Manner | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self.manner = manner or Manner()
        self._http = httpx.Client(
            base_url=url,
            headers={
                "User-Agent": f"shothub/{__version__}",
                **({"Authorization": f"Bearer {token}"} if token else {}),
            },
            transport=transport,
        )
        # In notebooks nobody closes a hub: the end of its last user does.
        self._closer = finalize(self, self._http.close)

    def close(self) -> None:
        """Close all connections."""
        self._closer()

    def tries(
        self, patience: float | None, on_retry: Callable[[str], None] | None = None
    ) -> Tries:
        """Return tries that go on for ``patience`` seconds, None for ever."""
        return Tries(self.manner, patience, self.url, on_retry)

    def do(self, call: Call[T], tries: Tries | None = None) -> T:
        """Send ``call``, again where that is safe, and return its answer.

        Raises:
            ShothubError: the hub refused or stayed unreachable.
        """
        tries = tries or self.tries(self.manner.patience)
        while True:
            try:
                answer = self._http.send(self._request(call, {}))
            except httpx.TransportError as error:
                tries.again(call, error)
                continue
            if not worth_a_retry(call, answer):
                return answers.read(call, answer)
            tries.again(call, answer)

    @contextmanager
    def stream(
        self, call: Call[None], headers: dict[str, str], *, most: float | None = None
    ) -> Iterator[httpx.Response]:
        """Send ``call`` once and hand out its answer before its body is read.

        Args:
            call: what to send.
            headers: beside its own.
            most: seconds after which silence is an error, if that is sooner than usual.

        Raises:
            httpx.TransportError: the connection broke.
        """
        request = self._request(call, headers)
        if most is not None:
            silence = min(most, self.manner.timeout)
            request.extensions["timeout"]["read"] = silence
        answer = self._http.send(request, stream=True)
        try:
            yield answer
        finally:
            answer.close()

    def _request(self, call: Call[T], headers: dict[str, str]) -> httpx.Request:
        form = {"Content-Type": "application/json"} if call.body is not None else {}
        timeout = self.manner.timeout
        return self._http.build_request(
            call.method,
            call.path,
            params=dict(call.params),
            content=call.body,
            headers={**form, **call.headers, **headers},
            timeout=httpx.Timeout(timeout, read=timeout + call.wait),
        )
