"""A TCP proxy that cuts what the server sends after a random number of bytes."""

import asyncio
import random
import threading


class CuttingProxy:
    """Passes bytes on as they come; each connection ends at some byte of the answer.

    Attributes:
        most: largest number of bytes that one connection lets through; 0 cuts nothing.
        cuts: how many connections were cut.
    """

    def __init__(self, port: int, *, most: int, seed: int = 0) -> None:
        self.most = most
        self.cuts = 0
        self.port = 0
        self._target = port
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "CuttingProxy":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0)
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

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            "127.0.0.1", self._target
        )
        up = asyncio.ensure_future(self._pass(reader, far_writer, 0))
        limit = self._random.randint(1, self.most) if self.most else 0
        try:
            await self._pass(far_reader, writer, limit)
        except asyncio.CancelledError:
            return  # the proxy ends; asyncio would report it as a mistake
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int
    ) -> None:
        passed = 0
        try:
            while data := await reader.read(65536):
                kept = data[: limit - passed] if limit else data
                writer.write(kept)
                await writer.drain()
                passed += len(kept)
                if limit and passed >= limit:
                    self.cuts += 1
                    return
        except OSError:
            return
