"""The hub as an ASGI application: pages by Django's handler, the API by a lighter one."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar

import django
from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import close_old_connections
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from shothub.server.api.problems import MEDIA_TYPE, Problems
from shothub.server.audit.acting import ActsAsNobody
from shothub.server.headers import ApiHeaders, harden
from shothub.server.limits import LimitsAddresses
from shothub.server.requests import RequestId
from shothub.wire.problems import Problem

T = TypeVar("T")
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

_WAITS = re.compile(r"/api/v1/(agent/poll|jobs/[^/]+(/stream)?|events(/stream)?)")
_UPLOAD = re.compile(r"/api/v1/agent/jobs/[^/]+/files/")
_SHORT_WRITES = {"POST", "DELETE"}  # a PUT is an upload
_MEMORY = 2_500_000


class BodyTooLarge(Exception):
    """The body has more bytes than the hub takes."""


class BodyTooSlow(Exception):
    """The client has fallen silent in the middle of its body."""


def _most_bytes(scope: Scope) -> int:
    """Return how large the body of a request may be."""
    config = settings.SHOTHUB
    if not _shows_credential(scope):
        return int(min(config.max_stranger_bytes, config.max_body_bytes))
    upload = _UPLOAD.match(scope["path"])
    return int(config.max_upload_bytes if upload else config.max_body_bytes)


def _shows_credential(scope: Scope) -> bool:
    session = f"{settings.SESSION_COOKIE_NAME}=".encode()
    return any(
        name == b"authorization" or (name == b"cookie" and session in value)
        for name, value in scope["headers"]
    )


async def _read_body(scope: Scope, receive: Receive) -> SpooledTemporaryFile[bytes]:
    """Return the body, kept on disk if large.

    Raises:
        BodyTooLarge: it is larger than the configuration allows.
        BodyTooSlow: nothing of it came for too long.
        RequestAborted: the client went away.
    """
    limit = _most_bytes(scope)
    body = SpooledTemporaryFile[bytes](max_size=_MEMORY)
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout(settings.SHOTHUB.body_seconds):
                message = await receive()
        except TimeoutError:
            body.close()
            raise BodyTooSlow from None
        if message["type"] == "http.disconnect":
            body.close()
            raise RequestAborted
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            body.close()
            raise BodyTooLarge
        body.write(part)
        more = message.get("more_body", False)
    body.seek(0)
    return body


class Pages(ASGIHandler):
    """Django's handler with all middleware, and with bounded bodies."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request in the thread that the caller has chosen."""
        try:
            body = await _read_body(scope, receive)
        except RequestAborted:
            return
        except (BodyTooLarge, BodyTooSlow) as error:
            await _send(_refusal_of(error), send)
            return
        first: list[Mapping[str, Any]] = [
            {"type": "http.request", "body": b"", "more_body": False}
        ]

        async def rest() -> Mapping[str, Any]:
            return first.pop() if first else await receive()

        await self.handle({**scope, "shothub.body": body}, rest, send)

    def create_request(
        self, scope: Scope, body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Return the request with the body that was read above."""
        body_file.close()
        return super().create_request(scope, scope["shothub.body"])


class Waiting(Pages):
    """The same for the API's routes that wait: without the middleware of pages."""

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001
        """Load what every answer of the API needs, and no more."""
        _load_api_middleware(self, is_async=is_async)


class Light(BaseHandler):
    """The API's other routes: the whole request in one call in one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware()

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: FBT001
        """Load what every answer of the API needs, and no more."""
        _load_api_middleware(self, is_async=is_async)

    def answer(
        self, scope: Scope, body: SpooledTemporaryFile[bytes]
    ) -> HttpResponseBase:
        """Return the answer to one request."""
        set_script_prefix("/")
        try:
            return self.get_response(ASGIRequest(scope, body))
        finally:
            body.close()


# ruff: noqa: SLF001  (Django has no public way to give one handler fewer middleware)
def _load_api_middleware(handler: Any, *, is_async: bool) -> None:
    handler._view_middleware = []
    handler._template_response_middleware = []
    handler._exception_middleware = []
    inner = handler._get_response_async if is_async else handler._get_response
    chain = convert_exception_to_response(inner)
    chain = convert_exception_to_response(LimitsAddresses(chain))
    chain = convert_exception_to_response(Problems(chain))
    chain = convert_exception_to_response(ApiHeaders(chain))
    chain = convert_exception_to_response(ActsAsNobody(chain))
    handler._middleware_chain = convert_exception_to_response(RequestId(chain))


class DatabaseThread(ThreadPoolExecutor):
    """One thread with its own database connection, opened anew if that was dropped."""

    def __init__(self, number: int) -> None:
        super().__init__(1, thread_name_prefix=f"hub-{number}")

    def submit(self, fn: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        """Have the thread call a function; nothing is under way on the connection."""
        return super().submit(_on_fresh_connection, partial(fn, *args, **named))


def _on_fresh_connection(call: Callable[[], T]) -> T:
    close_old_connections()
    return call()


class Threads:
    """Long-lived threads, each with its own database connection, given out in turn.

    Args:
        number: how many.
        one_writer: keep the first for the short writes of the API, one after another:
            threads that write at the same time would only wait for SQLite's one lock,
            and poorly, as it waits by sleeping.
    """

    def __init__(self, number: int, *, one_writer: bool = True) -> None:
        self._executors = [DatabaseThread(i) for i in range(number)]
        self._contexts = [ThreadSensitiveContext() for _ in self._executors]
        for context, executor in zip(self._contexts, self._executors, strict=True):
            SyncToAsync.context_to_thread_executor[context] = executor
        self._one_writer = one_writer
        self._turn = itertools.cycle(range(int(one_writer), number) or [0])

    def choose(self, scope: Scope) -> ThreadPoolExecutor:
        """Pin the present task's synchronous calls to one thread, and return it."""
        short = scope["method"] in _SHORT_WRITES and scope["path"].startswith("/api/")
        number = 0 if short and self._one_writer else next(self._turn)
        SyncToAsync.thread_sensitive_context.set(self._contexts[number])
        return self._executors[number]


class Hub:
    """The application: decides which handler serves a request."""

    def __init__(self, threads: int, *, one_writer: bool) -> None:
        self._threads = Threads(threads, one_writer=one_writer)
        self._pages, self._waiting, self._light = Pages(), Waiting(), Light()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            return
        executor = self._threads.choose(scope)
        path = scope["path"]
        if not path.startswith("/api/"):
            await self._pages(scope, receive, send)
        elif _WAITS.fullmatch(path):
            await self._waiting(scope, receive, send)
        else:
            await self._serve_light(executor, scope, receive, send)

    async def _serve_light(
        self,
        executor: ThreadPoolExecutor,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            body = await _read_body(scope, receive)
        except RequestAborted:
            return
        except (BodyTooLarge, BodyTooSlow) as error:
            await _send(_refusal_of(error), send)
            return
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(executor, self._light.answer, scope, body)
        try:
            await _send(response, send)
        finally:
            response.close()


def _refusal_of(error: BodyTooLarge | BodyTooSlow) -> HttpResponseBase:
    """Return the answer to a body that was not taken, before there is a request."""
    large = isinstance(error, BodyTooLarge)
    status, code = (413, "too_large") if large else (408, "too_slow")
    said = Problem(
        type=f"https://shothub.dev/problems/{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail="The body is larger than this hub takes."
        if large
        else "The body did not arrive in time.",
        where="body",
        hint="",
        request_id="",
        faults=[],
    )
    text = said.model_dump_json()
    return harden(HttpResponse(text, status=status, content_type=MEDIA_TYPE))


async def _send(response: HttpResponseBase, send: Send) -> None:
    headers = [(k.encode("ascii"), v.encode("latin1")) for k, v in response.items()]
    status = response.status_code
    if isinstance(response, HttpResponse):
        headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if isinstance(response, HttpResponse):
        await send({"type": "http.response.body", "body": response.content})
        return
    parts: Any = response
    async for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def build() -> Hub:
    """Return the application, with Django set up."""
    django.setup()
    config = settings.SHOTHUB
    return Hub(config.threads, one_writer=not config.on_postgresql)
