"""The plugin channel: who is let in, and what becomes of garbage."""

import socket
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest
from tests.fakes.suite_lab import PATIENCE, Ear, FakeLab

from shothub.suite.channel import NotConnected, PluginChannel
from shothub.suite.endpoint import plugin_folder, read_endpoint
from shothub.suite.lines import LONGEST_LINE, BadPeer, LineStream, greet_as_agent
from shothub.suite.plugin.door import Door
from shothub.wire.plugin import Abort, Ended, Offer, State, Unheard

NONCE = "0" * 64


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[FakeLab]:
    with FakeLab(tmp_path) as lab:
        yield lab


def knock(lab: FakeLab) -> socket.socket:
    port = read_endpoint(plugin_folder(lab.state)).port
    return socket.create_connection(("127.0.0.1", port), timeout=10.0)


def listen(lab: FakeLab) -> Ear:
    ear = Ear(lab.state)
    ear.wait(State)
    return ear


def works(ear: Ear, lab: FakeLab) -> bool:
    ear.offer(lab.shot())
    return ear.wait(Ended).outcome == "done"


def test_the_secret_is_readable_by_its_owner_alone(lab: FakeLab) -> None:
    secret = plugin_folder(lab.state) / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("known", [False, True])
def test_only_who_knows_the_secret_is_let_in(lab: FakeLab, known: bool) -> None:
    right = (plugin_folder(lab.state) / "secret").read_bytes().strip()
    with knock(lab) as connection:
        stream = LineStream(connection)
        if known:
            greet_as_agent(stream, right, NONCE)
            assert b'"state"' in (stream.read() or b"")
        else:
            with pytest.raises((BadPeer, OSError)):
                greet_as_agent(stream, b"f" * 64, NONCE)


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x80\x04\x95.\n", b"{}\n", b"[" * 99 + b"\n"],
)
def test_garbage_before_the_proof_is_shown_out(lab: FakeLab, garbage: bytes) -> None:
    ear = listen(lab)
    with knock(lab) as connection:
        connection.sendall(garbage)
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
    assert b"state" not in received
    assert works(ear, lab)
    ear.close()


@pytest.mark.parametrize(
    "garbage",
    [b"{}", b'{"type":"offer"}', b"\xff", b"x" * (LONGEST_LINE + 2)],
    ids=["empty", "incomplete", "no text", "endless"],
)
def test_garbage_after_the_proof_ends_that_connection_alone(
    lab: FakeLab, garbage: bytes
) -> None:
    secret = (plugin_folder(lab.state) / "secret").read_bytes().strip()
    with knock(lab) as connection:
        stream = LineStream(connection)
        greet_as_agent(stream, secret, NONCE)
        connection.sendall(garbage + b"\n")
        while stream.read() is not None:
            pass
    ear = listen(lab)
    assert works(ear, lab)
    ear.close()


def test_a_new_agent_takes_the_place_of_the_old_one(lab: FakeLab) -> None:
    news: SimpleQueue[bool] = SimpleQueue()
    old = PluginChannel(lab.state, lambda _: None, news.put)
    old.start()
    assert news.get(timeout=PATIENCE) is True
    new = Ear(lab.state)
    assert new.wait(State).blacs == "idle"
    assert news.get(timeout=PATIENCE) is False
    old.close()
    new.close()


def test_what_was_told_before_blacs_closes_is_heard(tmp_path: Path) -> None:
    arrived = Event()
    door = Door(
        secret=b"s" * 64,
        nonce=lambda: NONCE,
        on_order=lambda _: None,
        on_arrival=arrived.set,
        on_leave=lambda: None,
    )
    door.open()
    with socket.create_connection(("127.0.0.1", door.port), timeout=10.0) as one:
        stream = LineStream(one)
        greet_as_agent(stream, b"s" * 64, NONCE)
        assert arrived.wait(PATIENCE)
        for attempt in range(2000):
            door.tell(Unheard(attempt=attempt))
        door.close()
        lines = list(iter(stream.read, None))
    assert len(lines) == 2000


def test_a_channel_without_blacs_says_so(tmp_path: Path) -> None:
    channel = PluginChannel(tmp_path, lambda _: None)
    channel.start()
    assert not channel.connected
    with pytest.raises(NotConnected):
        channel.send(Abort(attempt=1))
    channel.close()


def test_an_unencodable_path_is_no_way_to_break_the_line(lab: FakeLab) -> None:
    ear = listen(lab)
    ear.channel.send(Offer(attempt=99_999, path='a\n{"type":"pause"}\n', seconds=1.0))
    assert ear.wait(Ended).attempt == 99_999
    assert works(ear, lab)
    ear.close()
