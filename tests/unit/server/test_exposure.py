"""A hub that others reach must be safe; each fault is found, and named with its mending."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from pydantic import SecretStr

from shothub.server import exposure
from shothub.server.config import Config, load

OPEN = "0.0.0.0"  # noqa: S104  (an address that others reach)
Make = Callable[..., Config]


@pytest.fixture(autouse=True)
def nothing_of_django(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's own list looks at settings of this process; it has a test of its own."""
    monkeypatch.setattr(exposure, "_of_django", list)
    for name in ("SHOTHUB_DATA", "SHOTHUB_CONFIG", "SHOTHUB_DATABASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def safe(tmp_path: Path) -> Make:
    """Make a configuration that is safe but for what is given."""

    def make(**given: object) -> Config:
        public = {
            "data": tmp_path / "hub",
            "public_url": "https://shots.example.org",
            "allowed_hosts": ["shots.example.org"],
            "behind_tls": True,
        }
        return load(**(public | given))

    return make


def test_a_safe_hub_has_no_faults(safe: Make) -> None:
    assert exposure.faults(safe(), OPEN) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_what_only_this_machine_reaches_need_not_be_safe(
    tmp_path: Path, host: str
) -> None:
    config = load(data=tmp_path)
    tmp_path.chmod(0o755)
    assert exposure.is_local(config, host)
    assert exposure.faults(config, host) == []
    assert exposure.faults(config, OPEN)


def test_a_hub_behind_a_proxy_on_this_machine_is_not_local(safe: Make) -> None:
    assert not exposure.is_local(safe(), "127.0.0.1")


@pytest.mark.parametrize(
    ("given", "key", "mends"),
    [
        ({"behind_tls": False}, "behind_tls", "SHOTHUB_BEHIND_TLS=true"),
        ({"public_url": "http://shots.example.org"}, "public_url", "https://"),
        ({"public_url": ""}, "public_url", "SHOTHUB_PUBLIC_URL"),
        ({"allowed_hosts": ["*"]}, "allowed_hosts", "SHOTHUB_ALLOWED_HOSTS"),
        ({"allowed_hosts": [".org"]}, "allowed_hosts", "SHOTHUB_ALLOWED_HOSTS"),
        ({"secret_key": SecretStr("a" * 40)}, "secret_key", "openssl rand"),
        (
            {"token_peppers": [SecretStr("a text of at least 32 random characters")]},
            "token_peppers",
            "openssl rand",
        ),
        (
            {"database": SecretStr("postgresql://a:b@db.example.org/shothub")},
            "database",
            "sslmode=verify-full",
        ),
    ],
)
def test_each_fault_is_named_and_mended(
    safe: Make, given: dict[str, object], key: str, mends: str
) -> None:
    [said] = exposure.faults(safe(**given), OPEN)
    assert said.startswith(f"{key}: ")
    assert mends in said


def test_one_secret_for_two_things_is_a_fault(safe: Make) -> None:
    text = SecretStr("0123456789abcdefghijklmnopqrstuvwxyz")
    [said] = exposure.faults(safe(secret_key=text, token_peppers=[text]), OPEN)
    assert said.startswith("token_peppers: ")


def test_an_encrypted_or_near_database_is_no_fault(safe: Make) -> None:
    for address in ("db.example.org/x?sslmode=require", "localhost/x", "127.0.0.1/x"):
        database = SecretStr(f"postgresql://{address}")
        assert exposure.faults(safe(database=database), OPEN) == []


def test_debug_is_a_fault(safe: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEBUG", True)
    assert exposure.faults(safe(), OPEN)[0].startswith("debug: ")


def test_a_database_that_others_can_read_is_a_fault(safe: Make) -> None:
    config = safe()
    database = config.data / "db.sqlite3"
    database.touch(0o644)
    database.chmod(0o644)
    assert exposure.faults(config, OPEN) == [], "nobody else gets into the folder"
    config.data.chmod(0o755)
    [said] = exposure.faults(config, OPEN)
    assert f"chmod 700 {config.data}" in said
    database.chmod(0o600)
    assert exposure.faults(config, OPEN) == []


def test_secrets_that_others_can_read_are_a_fault(
    safe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = safe()
    (config.data / "secret").chmod(0o640)
    [said] = exposure.faults(config, OPEN)
    assert f"chmod 600 {config.data / 'secret'}" in said
    (config.data / "secret").chmod(0o600)
    keys = tmp_path / "hub.toml"
    keys.write_text('smtp_password = "x"\n')
    keys.chmod(0o644)
    monkeypatch.setenv("SHOTHUB_CONFIG", str(keys))
    assert str(keys) in exposure.faults(config, OPEN)[0]
    keys.write_text("threads = 2\n")
    assert exposure.faults(config, OPEN) == []


def test_the_secret_is_made_for_us_alone(safe: Make) -> None:
    mode = stat.S_IMODE((safe().data / "secret").stat().st_mode)
    assert mode == 0o600
