"""The address of the database: what it means, and what is wrong with a wrong one."""

from pathlib import Path

import pytest

from shothub.server import databases
from shothub.server.config import BadConfig, load
from shothub.server.databases import BadAddress, settings_of


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOTHUB_DATA", "SHOTHUB_CONFIG", "SHOTHUB_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def test_without_an_address_it_is_sqlite_that_waits_for_the_disk(
    tmp_path: Path,
) -> None:
    found = settings_of("", tmp_path)
    assert found["ENGINE"] == "django.db.backends.sqlite3"
    assert found["NAME"] == tmp_path / "db.sqlite3"
    assert "synchronous=FULL" in found["OPTIONS"]["init_command"]


def test_an_address_is_taken_apart() -> None:
    address = (
        "postgresql://lab%40x:p%3Aw@db.example.org:5433/shot%20hub?sslmode=require"
    )
    found = settings_of(address, Path())
    assert found["USER"] == "lab@x"
    assert found["PASSWORD"] == "p:w"
    assert (found["HOST"], found["PORT"]) == ("db.example.org", "5433")
    assert found["NAME"] == "shot hub"
    assert found["OPTIONS"]["sslmode"] == "require"
    assert "-c synchronous_commit=on" in found["OPTIONS"]["options"]


def test_options_of_the_address_do_not_take_ours_away() -> None:
    given = "postgresql:///hub?options=-c%20synchronous_commit%3Doff"
    options = settings_of(given, Path())["OPTIONS"]["options"]
    assert options.index("commit=off") < options.index(
        "commit=on"
    )  # the last one holds


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("mysql://a@b/c", "postgresql://"),
        ("db.sqlite3", "postgresql://"),
        ("postgresql://a@b", "name of the database"),
        ("postgresql://a@b/", "name of the database"),
        ("postgresql://a@b:0/c", "port"),
        ("postgresql://a@b:70000/c", "port"),
        ("postgresql://a@b:x/c", "port"),
    ],
)
def test_a_wrong_address_is_told_with_an_example_and_without_its_password(
    address: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadAddress, match=says):
        settings_of(address, tmp_path)
    with pytest.raises(BadConfig, match=says) as told:
        load(data=tmp_path, database=address.replace("a@", "a:hidden@"))
    assert "SHOTHUB_DATABASE=postgresql://" in str(told.value)
    assert "hidden" not in str(told.value)


def test_the_driver_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "find_spec", lambda _: None)
    with pytest.raises(BadAddress, match=r"shothub\[postgres\]"):
        settings_of("postgresql://a@b/c", Path())
    assert settings_of("", Path())  # SQLite needs none


def test_the_address_may_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "address").write_text("postgresql://a:b@c/d\n")
    monkeypatch.setenv("SHOTHUB_DATABASE_FILE", str(tmp_path / "address"))
    config = load(data=tmp_path / "data")
    assert config.database.get_secret_value() == "postgresql://a:b@c/d"
    assert config.on_postgresql
    assert "a:b" not in repr(config)
