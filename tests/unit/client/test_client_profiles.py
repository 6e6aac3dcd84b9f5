import os
import stat
from pathlib import Path

import pytest

from shothub.client import NotLoggedIn, Refused, UnsafeProfile
from shothub.client.profiles import (
    Account,
    check_url,
    find_account,
    read_profiles,
    remove_profile,
    save_profile,
)

HOME = Account(url="https://hub.example.org", token="shb_pat_secret")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "profiles.toml"


def found(file: Path, **given: str | None) -> Account:
    environ = {k: v for k, v in given.items() if k.isupper() and v}
    named = {k: given.get(k) for k in ("url", "token", "profile")}
    return find_account(**named, environ=environ, file=file)


def test_a_saved_profile_is_found_again(file: Path) -> None:
    save_profile(file, "default", HOME)
    assert found(file) == HOME


def test_only_the_user_can_read_the_profile_file(file: Path) -> None:
    save_profile(file, "default", HOME)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_users_umask_does_not_matter(file: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        save_profile(file, "default", HOME)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(file: Path, mode: int) -> None:
    save_profile(file, "default", HOME)
    file.chmod(mode)
    with pytest.raises(UnsafeProfile, match="chmod 600") as caught:
        found(file)
    assert "secret" not in str(caught.value)


def test_logging_in_again_repairs_it(file: Path) -> None:
    save_profile(file, "other", HOME)
    file.chmod(0o644)
    save_profile(file, "default", HOME)
    assert found(file, profile="other") == HOME


def test_profiles_can_be_removed(file: Path) -> None:
    save_profile(file, "lab", HOME)
    assert remove_profile(file, "lab")
    assert not remove_profile(file, "lab")
    assert read_profiles(file) == {}


def test_odd_names_survive(file: Path) -> None:
    save_profile(file, 'my "lab".x', HOME)
    assert found(file, profile='my "lab".x') == HOME


def test_the_environment_wins_over_the_default_profile(file: Path) -> None:
    save_profile(file, "default", HOME)
    account = found(file, SHOTHUB_URL="http://localhost:1", SHOTHUB_TOKEN="t")
    assert account == Account(url="http://localhost:1", token="t")


def test_arguments_win_over_the_environment(file: Path) -> None:
    account = found(
        file,
        url="http://a",
        token="t1",
        SHOTHUB_URL="http://localhost:1",
        SHOTHUB_TOKEN="t",
    )
    assert account == Account(url="http://a", token="t1")


def test_a_named_profile_wins_over_the_environment(file: Path) -> None:
    save_profile(file, "lab", HOME)
    account = found(
        file, profile="lab", SHOTHUB_URL="http://localhost:1", SHOTHUB_TOKEN="t"
    )
    assert account == HOME


def test_a_saved_token_is_never_sent_to_another_address(file: Path) -> None:
    save_profile(file, "default", HOME)
    with pytest.raises(NotLoggedIn):
        found(file, SHOTHUB_URL="https://evil.example.org")
    with pytest.raises(NotLoggedIn):
        found(file, url="https://evil.example.org")
    assert found(file, url="https://hub.example.org/").token == HOME.token


def test_a_token_may_lie_in_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("shb_x\n")
    account = found(
        file, SHOTHUB_URL="http://h", SHOTHUB_TOKEN_FILE=str(tmp_path / "token")
    )
    assert account.token == "shb_x"
    with pytest.raises(NotLoggedIn):
        found(file, SHOTHUB_URL="http://h", SHOTHUB_TOKEN_FILE="/nowhere")


def test_without_a_profile_it_says_how_to_log_in(file: Path) -> None:
    with pytest.raises(NotLoggedIn, match="shothub login"):
        found(file)


@pytest.mark.parametrize(
    "text", ["[default", "[default]\nurl = 1", "default = 3", '[d]\nurl = "x"']
)
def test_a_malformed_file_is_named(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(Refused) as caught:
        found(file)
    assert caught.value.faults[0].where == str(file)


@pytest.mark.parametrize(
    "url",
    ["hub", "ftp://hub", "https://", "https://a:b@hub", "https://hub?x=1", "file:///x"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        check_url(url)


@pytest.mark.parametrize("end", ["", "/", "/api/v1", "/api/v1/"])
def test_an_address_may_be_given_in_several_forms(end: str) -> None:
    assert check_url(f" https://hub.example.org{end} ") == "https://hub.example.org"


def test_a_token_is_never_shown() -> None:
    assert "secret" not in repr(HOME)
