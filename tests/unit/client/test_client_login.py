"""Logging in through the browser, and out again."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
import pytest
from tests.fakes.client_hub import NOON, URL, FakeHub, problem, reply

from shothub.client import Forbidden, Hub, Manner, NotFound, NotLoggedIn
from shothub.client.cli import output
from shothub.client.cli.session import Session
from shothub.client.door import Door
from shothub.command import run
from shothub.domain.tokens import OPERATOR_SCOPES, USER_SCOPES, make_token
from shothub.wire.accounts import (
    DeviceRequest,
    DeviceStarted,
    NewToken,
    TokenView,
)

TOKEN = make_token("cli", Random(1).choice)
PASTED = make_token("pat", Random(2).choice)
PAGE = f"{URL}/device?code=BCDF-GHJK"
STARTED = DeviceStarted(
    device_code="secret-of-the-program",
    user_code="BCDF-GHJK",
    verification_uri=f"{URL}/device",
    verification_uri_complete=PAGE,
    expires_in=60,
    interval=3,
)
VIEW = TokenView(id="x", name="n", scopes=[], created=NOON, expires=NOON)
MADE = NewToken(**VIEW.model_dump(), token=TOKEN)
PENDING = "authorization_pending"


@pytest.fixture
def fake() -> FakeHub:
    hub = FakeHub()
    hub.answers["POST /device/code"] = STARTED
    hub.answers["POST /device/token"] = MADE
    return hub


@pytest.fixture
def door(fake: FakeHub) -> Door:
    return door_of(fake)


def door_of(fake: FakeHub) -> Door:
    manner = Manner(
        pause=fake.clock.pause, monotonic=lambda: fake.clock.time, jitter=lambda: 1.0
    )
    return Door(URL, manner=manner, transport=httpx.MockTransport(fake))


def test_a_program_waits_until_it_is_let_in(fake: FakeHub, door: Door) -> None:
    fake.troubles.extend(problem(409, PENDING) for _ in range(3))
    assert door.wait(STARTED).token == TOKEN
    assert fake.clock.pauses == [3, 3, 3, 3]


def test_it_shows_no_credential_at_the_door(fake: FakeHub, door: Door) -> None:
    door.knock(DeviceRequest(client="me"))
    door.wait(STARTED)
    assert all("Authorization" not in request.headers for request in fake.requests)
    assert all("secret" not in str(request.url) for request in fake.requests)


def test_told_to_slow_down_it_does(fake: FakeHub, door: Door) -> None:
    slow = problem(429, "slow_down", headers={"Retry-After": "7"})
    fake.troubles.append(slow)
    assert door.wait(STARTED).token == TOKEN
    assert 7 in fake.clock.pauses


def test_it_waits_on_through_a_cut(fake: FakeHub, door: Door) -> None:
    fake.troubles.extend([problem(409, PENDING), httpx.ReadError("cut")])
    assert door.wait(STARTED).token == TOKEN


def test_it_is_told_when_it_was_turned_away(fake: FakeHub, door: Door) -> None:
    fake.troubles.append(problem(403, "access_denied"))
    with pytest.raises(Forbidden):
        door.wait(STARTED)


def test_it_does_not_wait_for_ever(fake: FakeHub, door: Door) -> None:
    fake.answers["POST /device/token"] = lambda _: problem(409, PENDING)
    with pytest.raises(NotLoggedIn, match="in time"):
        door.wait(STARTED)
    assert fake.clock.time <= 63


def test_a_login_that_is_over_is_no_pending_one(fake: FakeHub, door: Door) -> None:
    fake.troubles.append(problem(404, "expired_token"))
    with pytest.raises(NotFound):
        door.wait(STARTED)


class Ended:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Shothub = Callable[..., Ended]


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    return tmp_path / "config" / "profiles.toml"


@pytest.fixture
def shothub(
    fake: FakeHub,
    profiles: Path,
    opened: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shothub:
    for name in ("SHOTHUB_URL", "SHOTHUB_TOKEN", "SHOTHUB_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def open_hub(_url: str | None, _token: str | None, _profile: str | None) -> Hub:
        return fake.hub()

    def browse(page: str) -> bool:
        opened.append(page)
        return True

    def call(*arguments: str) -> Ended:
        stands_on = Session(open_hub, lambda: profiles, lambda _: door_of(fake), browse)
        code = run(arguments, stands_on)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return call


LOGIN = ("login", "--url", URL)


def asked(fake: FakeHub) -> dict[str, object]:
    (request,) = fake.sent("POST", "/device/code")
    body: dict[str, object] = json.loads(request.content)
    return body


def test_login_shows_where_to_go_and_saves_the_token(
    shothub: Shothub, profiles: Path
) -> None:
    ended = shothub(*LOGIN)
    assert ended.code == 0
    assert PAGE in ended.err
    assert "BCDF-GHJK" in ended.err
    assert TOKEN not in ended.out + ended.err
    assert STARTED.device_code not in ended.out + ended.err
    assert TOKEN in profiles.read_text()
    assert profiles.stat().st_mode & 0o777 == 0o600


def test_login_opens_a_browser_for_a_person_only(
    shothub: Shothub, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shothub(*LOGIN)
    assert opened == []
    monkeypatch.setattr(output, "is_interactive", lambda: True)
    shothub(*LOGIN, "--no-browser")
    assert opened == []
    shothub(*LOGIN)
    assert opened == [PAGE]


@pytest.mark.parametrize("page", ["file:///etc/passwd", "javascript:alert(1)", "x"])
def test_a_hub_sends_the_browser_to_no_file(
    fake: FakeHub,
    shothub: Shothub,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    monkeypatch.setattr(output, "is_interactive", lambda: True)
    odd = STARTED.model_copy(update={"verification_uri_complete": page})
    fake.answers["POST /device/code"] = odd
    shothub(*LOGIN)
    assert opened == []


def test_login_asks_for_what_users_may(fake: FakeHub, shothub: Shothub) -> None:
    shothub(*LOGIN)
    body = asked(fake)
    assert body["scopes"] == sorted(USER_SCOPES)
    assert body["apparatus"] == []
    assert socket.gethostname() in str(body["client"])


def test_login_asks_for_less_if_told_to(fake: FakeHub, shothub: Shothub) -> None:
    shothub(*LOGIN, "--scope", "jobs:read", "--only-on", "sim", "--days", "7")
    body = asked(fake)
    assert (body["scopes"], body["apparatus"], body["days"]) == (
        ["jobs:read"],
        ["sim"],
        7,
    )


def test_login_asks_for_more_only_if_told_to(fake: FakeHub, shothub: Shothub) -> None:
    shothub(*LOGIN, "--operator")
    assert asked(fake)["scopes"] == sorted(USER_SCOPES | OPERATOR_SCOPES)


@pytest.mark.parametrize("wrong", [("--only-on", "Not A Name"), ("--days", "1000000")])
def test_what_makes_no_sense_is_said_before_anything_is_sent(
    fake: FakeHub, shothub: Shothub, wrong: tuple[str, str]
) -> None:
    ended = shothub(*LOGIN, *wrong)
    assert ended.code == 1
    assert "where:" in ended.err
    assert fake.requests == []
    assert shothub("token", "create", "").code == 1


def test_turned_away_it_saves_nothing(
    fake: FakeHub, shothub: Shothub, profiles: Path
) -> None:
    fake.answers["POST /device/token"] = lambda _: problem(403, "access_denied")
    assert shothub(*LOGIN).code == 4
    assert not profiles.exists()


def test_logout_ends_the_token_of_a_login(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["DELETE /me/token"] = VIEW
    shothub(*LOGIN)
    ended = shothub("logout")
    assert "the token is revoked" in ended.err
    assert len(fake.sent("DELETE", "/me/token")) == 1


def test_logout_keeps_a_token_if_told_to(fake: FakeHub, shothub: Shothub) -> None:
    shothub(*LOGIN)
    assert "stays valid" in shothub("logout", "--keep").err
    assert fake.sent("DELETE", "/me/token") == []


def test_logout_leaves_a_pasted_token_to_whoever_made_it(
    fake: FakeHub, shothub: Shothub
) -> None:
    fake.answers["DELETE /me/token"] = VIEW
    shothub(*LOGIN, "--token", PASTED)
    assert "stays valid" in shothub("logout").err
    assert fake.sent("DELETE", "/me/token") == []
    shothub(*LOGIN, "--token", PASTED)
    assert "the token is revoked" in shothub("logout", "--revoke").err


def test_logout_forgets_the_token_also_when_the_hub_is_away(
    fake: FakeHub, shothub: Shothub, profiles: Path
) -> None:
    shothub(*LOGIN)

    def away(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    fake.answers["DELETE /me/token"] = away
    ended = shothub("logout")
    assert ended.code == 0
    assert "still valid" in ended.err
    assert TOKEN not in profiles.read_text()


def test_logout_does_not_mind_a_token_that_is_dead(
    fake: FakeHub, shothub: Shothub
) -> None:
    shothub(*LOGIN)
    fake.answers["DELETE /me/token"] = lambda _: problem(401, "bad_token")
    assert "not valid any more" in shothub("logout").err


def test_a_token_is_made_for_one_apparatus(fake: FakeHub, shothub: Shothub) -> None:
    fake.answers["POST /tokens"] = MADE
    shothub("token", "create", "robot", "--scope", "jobs:read", "--only-on", "sim")
    (request,) = fake.sent("POST", "/tokens")
    assert json.loads(request.content)["apparatus"] == ["sim"]


def test_tokens_are_listed_with_where_they_are_good_and_were_used(
    fake: FakeHub, shothub: Shothub
) -> None:
    used = {"apparatus": ["sim"], "last_used": NOON, "last_address": "198.51.100.7"}
    views = [VIEW.model_copy(update=used), VIEW]
    fake.answers["GET /tokens"] = lambda _: reply(views)
    listed = shothub("token", "list", "--json").out
    assert [t["apparatus"] for t in json.loads(listed)] == [["sim"], []]
    assert "198.51.100.7" in listed
