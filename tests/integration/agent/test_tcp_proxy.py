"""The bad network of the tests does to HTTP what it says, and nothing else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from tests.fakes.tcp_proxy import TcpProxy, Trouble


class Counting(BaseHTTPRequestHandler):
    """Answers with what it was sent; counts the requests that arrive whole."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        if len(body) < size:
            return  # cut on the way
        type(self).asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Takes it that connections break."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    Counting.asked = 0
    with Server(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with TcpProxy(server.server_port) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=10) as client:
        yield client


def test_what_is_sent_arrives_and_comes_back(client: httpx.Client) -> None:
    for size in (0, 1, 300_000):
        assert client.post("/x", content=b"a" * size).content == b"a" * size
    assert Counting.asked == 3


@pytest.mark.parametrize(
    ("trouble", "asked"),
    [
        (Trouble.CUT_REQUEST, 0),
        (Trouble.LOSE_ANSWER, 1),
        (Trouble.CUT_ANSWER, 1),
        (Trouble.HALF_CLOSE, 1),
    ],
)
def test_a_planned_trouble_happens_once(
    proxy: TcpProxy, client: httpx.Client, trouble: Trouble, asked: int
) -> None:
    proxy.plan(trouble, "/this")
    with pytest.raises(httpx.TransportError):
        client.post("/this", content=b"body")
    assert Counting.asked == asked
    assert proxy.happened[trouble] == 1
    assert client.post("/this", content=b"body").content == b"body"


def test_a_request_can_be_seen_twice(proxy: TcpProxy, client: httpx.Client) -> None:
    proxy.plan(Trouble.TWICE)
    assert client.post("/x", content=b"body").content == b"body"
    assert Counting.asked == 2


def test_a_cut_ends_all_connections_until_it_heals(
    proxy: TcpProxy, client: httpx.Client
) -> None:
    client.post("/x", content=b"body").raise_for_status()
    proxy.cut()
    with pytest.raises(httpx.TransportError):
        client.post("/x", content=b"body")
    proxy.heal()
    assert client.post("/x", content=b"body").content == b"body"


def test_a_throttled_line_is_slow_and_loses_nothing(
    proxy: TcpProxy, client: httpx.Client
) -> None:
    proxy.rate = 100_000
    assert client.post("/x", content=b"a" * 20_000).content == b"a" * 20_000
