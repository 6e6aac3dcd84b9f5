"""The hub's configuration: one object, and a wrong one stops the start in words."""

import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from shothub.server.config import BadConfig, load


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOTHUB_DATA", "SHOTHUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_secrets_are_generated_once_and_readable_by_us_only(tmp_path: Path) -> None:
    first, second = load(data=tmp_path / "hub"), load(data=tmp_path / "hub")
    assert first.secret_key.get_secret_value() == second.secret_key.get_secret_value()
    assert len(first.secret_key.get_secret_value()) >= 32
    mode = (tmp_path / "hub" / "secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    other = load(data=tmp_path / "other")
    assert other.token_peppers != first.token_peppers


def test_values_come_from_file_then_environment_then_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(f'data = "{tmp_path}/d"\nlease_seconds = 5\nthreads = 2\n')
    monkeypatch.setenv("SHOTHUB_CONFIG", str(file))
    monkeypatch.setenv("SHOTHUB_THREADS", "3")
    config = load()
    assert (config.lease_seconds, config.threads) == (5.0, 3)
    assert load(threads=7).threads == 7


def test_a_secret_may_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    (tmp_path / "peppers").write_text(f'["{"p" * 40}"]')
    monkeypatch.setenv("SHOTHUB_SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SHOTHUB_TOKEN_PEPPERS_FILE", str(tmp_path / "peppers"))
    config = load(data=tmp_path / "d")
    assert config.secret_key == SecretStr("k" * 40)
    assert config.token_peppers == [SecretStr("p" * 40)]
    assert not (tmp_path / "d" / "secret").exists()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SHOTHUB_LEASE_SECONDS", "0", "lease_seconds"),
        ("SHOTHUB_THREADS", "many", "threads"),
        ("SHOTHUB_PUBLIC_URL", "shots.example.org", "https://shots.example.org"),
        ("SHOTHUB_LOG_LEVEL", "LOUD", "SHOTHUB_LOG_LEVEL=INFO"),
        ("SHOTHUB_SECRET_KEY", "short", "32 characters"),
        ("SHOTHUB_SECRET_KEY_FILE", "/nowhere/key", "/nowhere/key"),
        (
            "SHOTHUB_LOGIN_PROVIDERS",
            '[{"kind": "orcid", "client_id": "a", "secret": "b"}]',
            "login_providers.0.name: Field required. Example: SHOTHUB_LOGIN_PROVIDERS=",
        ),
        ("SHOTHUB_CONFIG", "/nowhere/hub.toml", ""),
    ],
)
def test_a_wrong_value_is_named_with_its_fault_and_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    if name == "SHOTHUB_CONFIG":
        Path(tmp_path / "x.toml").write_text("colour = 1\n")
        value, says = str(tmp_path / "x.toml"), "colour"
    monkeypatch.setenv(name, value)
    with pytest.raises(BadConfig, match=says):
        load(data=tmp_path / "d")


def test_a_missing_data_folder_is_named_with_an_example() -> None:
    with pytest.raises(BadConfig, match="SHOTHUB_DATA=/srv/shothub"):
        load()


def test_a_damaged_secret_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("{")
    with pytest.raises(BadConfig, match="backup"):
        load(data=tmp_path)


def test_a_configuration_file_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOTHUB_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(BadConfig, match=r"no file .*none\.toml"):
        load(data=tmp_path)


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfig, match=r"data: .*file/hub cannot be used"):
        load(data=tmp_path / "file" / "hub")


def test_hubs_that_start_at_once_in_a_new_folder_have_the_same_secrets(
    tmp_path: Path,
) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        with ThreadPoolExecutor(8) as hubs:
            starts = [hubs.submit(partial(load, data=folder)) for _ in range(8)]
            loaded = [start.result() for start in starts]
        assert len({config.secret_key.get_secret_value() for config in loaded}) == 1
        assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
        assert (folder / "secret").stat().st_mode & 0o077 == 0
