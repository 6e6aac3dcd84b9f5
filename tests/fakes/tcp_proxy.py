"""A bad network between HTTP clients and a server: cuts, delays, throttles, repeats, loses.

The proxy understands just enough of HTTP to know where a request and its answer end, so
that a test can lose exactly an answer, or have the server see the same request twice.
"""

import asyncio
import random
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

_CHUNK = 65536
_HEAD_LIMIT = 1 << 20


class Trouble(StrEnum):
    """What may happen to one exchange of a request and its answer."""

    CUT_REQUEST = "cut request"  # at a random byte: the server never has all of it
    LOSE_ANSWER = "lose answer"  # the server has answered, the client sees the end
    CUT_ANSWER = "cut answer"  # at a random byte
    HALF_CLOSE = "half close"  # the answer stops at a random byte, the socket stays
    TWICE = "twice"  # the server sees the request twice; the second answer is given


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Troubles at random.

    Attributes:
        chance: that something happens to an exchange.
        delay: seconds of the longest delay of an exchange.
    """

    random: random.Random
    chance: float = 0.0
    delay: float = 0.0
    troubles: tuple[Trouble, ...] = tuple(Trouble)

    def trouble(self) -> Trouble | None:
        """Return what happens to the next exchange."""
        happens = self.random.random() < self.chance
        return self.random.choice(self.troubles) if happens else None


class Ended(Exception):
    """One of the connections is gone."""


class TcpProxy:
    """Listens on a port of its own and passes on to ``port``; a context manager.

    Attributes:
        weather: what happens to exchanges for which no trouble was planned.
        rate: bytes per second in each direction, 0 for no limit.
        seen: method and path of each request, in order of arrival.
        happened: how often each trouble came to pass.
    """

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._target = port
        self._random = random.Random(seed)
        self.weather = Weather(random=self._random)
        self.rate = 0
        self.seen: deque[str] = deque(maxlen=10_000)
        self.happened: dict[Trouble, int] = dict.fromkeys(Trouble, 0)
        self.port = 0
        self._planned: list[tuple[str, Trouble]] = []
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def plan(self, trouble: Trouble, path: str = "", times: int = 1) -> None:
        """Have the trouble happen to the next requests whose line contains ``path``."""
        with self._lock:
            self._planned += [(path, trouble)] * times

    def cut(self) -> None:
        """End every connection and take no new one until ``heal``."""
        self._closed = True
        self._loop.call_soon_threadsafe(self._hang_up)

    def heal(self) -> None:
        """Let connections through again."""
        self._closed = False

    # The loop's own thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _stop(self) -> None:
        self._closed = True
        self._hang_up()
        self._loop.stop()

    def _hang_up(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        client = Side(reader, writer, lambda: self.rate)
        self._open.add(writer)
        server: Side | None = None
        try:
            if self._closed:
                return
            request = await client.message()
            while request:
                server = server or await self._dial()
                request = await self._exchange(request, client, server)
        except (Ended, OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            for side in (client, server):
                if side:
                    self._open.discard(side.writer)
                    side.writer.transport.abort()

    async def _dial(self) -> "Side":
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._target, limit=_HEAD_LIMIT
        )
        self._open.add(writer)
        return Side(reader, writer, lambda: self.rate)

    async def _exchange(self, request: bytes, client: "Side", server: "Side") -> bytes:
        """Pass one request and its answer; return the client's next request."""
        line = request.split(b"\r\n", 1)[0].decode("latin-1")
        self.seen.append(line)
        trouble = self._trouble(line)
        if self.weather.delay:
            await asyncio.sleep(self._random.uniform(0, self.weather.delay))
        if trouble is Trouble.CUT_REQUEST:
            await server.send(request[: self._random.randrange(len(request))])
            raise Ended
        if trouble is Trouble.TWICE:
            await self._once(request)
        await server.send(request)
        following = asyncio.ensure_future(client.message())
        answer = asyncio.ensure_future(self._answer(client, server, trouble))
        try:
            await asyncio.wait({following, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise Ended  # The client has gone away: let the server know.
            answer.result()
            return await following
        finally:
            for task in (following, answer):
                task.cancel()
            await asyncio.gather(following, answer, return_exceptions=True)

    def _trouble(self, line: str) -> Trouble | None:
        with self._lock:
            for entry in self._planned:
                if entry[0] in line:
                    self._planned.remove(entry)
                    trouble: Trouble | None = entry[1]
                    break
            else:
                trouble = self.weather.trouble()
        if trouble:
            self.happened[trouble] += 1
        return trouble

    async def _once(self, request: bytes) -> None:
        """Let the server see the request and answer it, on a connection of its own."""
        server = await self._dial()
        try:
            await server.send(request)
            await server.message(answer=True)
        finally:
            self._open.discard(server.writer)
            server.writer.transport.abort()

    async def _answer(
        self, client: "Side", server: "Side", trouble: Trouble | None
    ) -> None:
        if trouble not in (Trouble.LOSE_ANSWER, Trouble.CUT_ANSWER, Trouble.HALF_CLOSE):
            await server.message(answer=True, to=client)
            return
        answer = await server.message(answer=True)
        if trouble is not Trouble.LOSE_ANSWER:
            await client.send(answer[: self._random.randrange(len(answer))])
        if trouble is Trouble.HALF_CLOSE:
            client.writer.write_eof()
            return
        raise Ended


class Side:
    """One connection, cut into HTTP messages."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rate: Callable[[], int],
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._rate = rate

    async def send(self, data: bytes) -> None:
        """Send bytes, no faster than the rate."""
        rate = self._rate()
        step = max(1, rate // 20) if rate else len(data) or 1
        for start in range(0, len(data), step):
            self.writer.write(data[start : start + step])
            await self.writer.drain()
            if rate:
                await asyncio.sleep(0.05)

    async def message(self, *, answer: bool = False, to: "Side | None" = None) -> bytes:
        """Return the next request or answer; with ``to``, pass it on as it comes.

        An empty message is the end of the connection before it.
        """
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if answer or error.partial:
                raise Ended from error
            return b""
        parts = [head]
        if to:
            await to.send(head)
        async for part in self._body(head, answer=answer):
            if to:
                await to.send(part)
            else:
                parts.append(part)
        return b"".join(parts)

    async def _body(self, head: bytes, *, answer: bool) -> AsyncIterator[bytes]:
        fields = _fields(head)
        if fields.get("transfer-encoding", "").lower() == "chunked":
            async for part in self._chunks():
                yield part
            return
        left = int(fields.get("content-length", "0"))
        if answer and head.split(b" ", 2)[1] in (b"204", b"304"):
            left = 0
        while left:
            part = await self.reader.read(min(left, _CHUNK))
            if not part:
                raise Ended
            left -= len(part)
            yield part

    async def _chunks(self) -> AsyncIterator[bytes]:
        size = -1
        while size:
            line = await self.reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await self.reader.readexactly(size + 2)


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines if line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
