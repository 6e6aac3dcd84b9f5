"""The agent's token: kept before it is used, rotated in time, never lost."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.fakes.agent_hub import DENIED, REFUSED, UNREACHABLE

from shothub.agent.credential import NoToken, Rotation, TokenFile, due
from shothub.agent.hub import AgentHub, HubError, Unreachable
from shothub.wire.accounts import NewToken

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(days=30)


class Hub:
    """Rotates tokens named t0, t1 …; each call takes the next trouble first."""

    def __init__(self) -> None:
        self.now = NOW
        self.made = NOW
        self.number = 0
        self.used = "t0"
        self.troubles: list[HubError] = []
        self.asked: list[str] = []

    def _view(self) -> NewToken:
        return NewToken(
            id=str(self.number),
            name="agent",
            scopes=["agent:run"],
            created=self.made,
            expires=self.made + LIFE,
            token=f"t{self.number}",
        )

    def token(self) -> NewToken:
        self.asked.append("token")
        self._fail()
        return self._view()

    def rotate_token(self) -> NewToken:
        self.asked.append("rotate")
        self._fail()
        self.number += 1
        self.made = self.now
        return self._view()

    def use_token(self, token: str) -> None:
        self.used = token

    def _fail(self) -> None:
        if self.troubles:
            raise self.troubles.pop(0)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    kept = TokenFile(tmp_path / "agent.token")
    kept.write("t0")
    return kept


def rotation(hub: Hub, file: TokenFile) -> Rotation:
    return Rotation(hub=hub, file=file, now=lambda: hub.now)


def test_a_young_token_is_left_alone(file: TokenFile) -> None:
    hub = Hub()
    rotating = rotation(hub, file)
    for _ in range(3):
        rotating.attend()
    assert (hub.used, file.read()) == ("t0", "t0")
    assert hub.asked == ["token"]


def test_a_token_is_rotated_after_a_third_of_its_life(file: TokenFile) -> None:
    hub = Hub()
    rotating = rotation(hub, file)
    hub.now = NOW + timedelta(days=11)
    rotating.attend()
    assert (hub.used, file.read()) == ("t1", "t1")
    rotating.attend()
    assert hub.used == "t1"
    hub.now += timedelta(days=11)
    rotating.attend()
    assert (hub.used, file.read()) == ("t2", "t2")


@pytest.mark.parametrize("trouble", [UNREACHABLE, REFUSED, DENIED])
def test_what_fails_is_tried_again_and_the_old_token_stays(
    file: TokenFile, trouble: HubError
) -> None:
    hub = Hub()
    hub.now = NOW + timedelta(days=11)
    rotating = rotation(hub, file)
    for _ in range(2):  # looking at it fails, then rotating it
        hub.troubles = [trouble]
        rotating.attend()
        assert (hub.used, file.read()) == ("t0", "t0")
    rotating.attend()
    assert (hub.used, file.read()) == ("t1", "t1")


def test_a_token_that_could_not_be_kept_is_not_even_asked_for(tmp_path: Path) -> None:
    hub = Hub()
    hub.now = NOW + timedelta(days=11)
    lost = TokenFile(tmp_path / "gone" / "agent.token")
    rotation(hub, lost).attend()
    assert hub.asked == ["token"]
    assert hub.used == "t0"


def test_a_new_token_is_kept_before_it_is_used(file: TokenFile) -> None:
    hub = Hub()
    hub.now = NOW + timedelta(days=11)
    kept: list[str] = []

    def use(token: str) -> None:
        kept.append(file.read())
        assert kept == [token]

    hub.use_token = use  # type: ignore[method-assign]
    rotation(hub, file).attend()
    assert kept == ["t1"]


def test_a_token_that_is_not_kept_is_not_used(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub()
    hub.now = NOW + timedelta(days=11)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    rotation(hub, file).attend()
    assert (hub.used, file.read()) == ("t0", "t0")


def test_only_the_agents_user_can_read_the_file(
    file: TokenFile, tmp_path: Path
) -> None:
    path = tmp_path / "agent.token"
    path.chmod(0o644)
    file.write("t1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["agent.token"]


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "token").write_text("t0")
    (tmp_path / "link").symlink_to(tmp_path / "there" / "token")
    TokenFile(tmp_path / "link").write("t1")
    assert (tmp_path / "link").is_symlink()
    assert TokenFile(tmp_path / "there" / "token").read() == "t1"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_without_a_token_it_says_how_to_get_one(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "agent.token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NoToken) as caught:
        TokenFile(path).read()
    assert caught.value.fault.where == str(path)
    assert "--enrol" in caught.value.fault.hint


def test_it_is_due_in_time_for_a_person_to_mend_what_fails() -> None:
    token = Hub().token()
    assert due(token) == NOW + timedelta(days=10)


def test_the_next_call_shows_the_new_token() -> None:
    shown: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers["Authorization"])
        return httpx.Response(200, text=Hub().token().model_dump_json())

    with AgentHub("http://hub", "t0", transport=httpx.MockTransport(answer)) as hub:
        hub.token()
        hub.use_token("t1")
        hub.rotate_token()
    assert shown == ["Bearer t0", "Bearer t1"]


def test_an_answer_that_makes_no_sense_is_not_quoted() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"token": "shb_agt_secret", "id": 7})

    transport = httpx.MockTransport(answer)
    hub = AgentHub("http://hub", "t0", transport=transport)
    with hub, pytest.raises(Unreachable) as caught:
        hub.enrol("code")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
