"""Who may sign up is configured, and a configuration that cannot work stops the start."""

import json
from pathlib import Path

import pytest

from shothub.domain.people import SignUp
from shothub.server.config import BadConfig, load

UNI = {
    "kind": "oidc",
    "id": "uni",
    "name": "University",
    "address": "https://login.example.org",
    "client_id": "shothub",
    "secret": "provider-secret",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOTHUB_DATA", "SHOTHUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def test_a_hub_is_closed_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    assert load(data=tmp_path).sign_up == SignUp.CLOSED


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sign_up": "all"}, r"sign_up: .*\n?.*SHOTHUB_SIGN_UP=approval"),
        ({"sign_up": "open"}, r"smtp_host: sign_up needs it.*=mail\.example\.org"),
        (
            {"sign_up": "domain", "smtp_host": "mail.test"},
            r"sign_up_domains: .*SHOTHUB_SIGN_UP_DOMAINS=",
        ),
        ({"login_providers": [UNI, UNI]}, "'uni' is there twice"),
        ({"login_providers": [UNI | {"address": ""}]}, "needs an address"),
        ({"login_providers": [UNI | {"kind": "magic"}]}, "login_providers.0.kind"),
        ({"login_providers": [UNI | {"id": "../x"}]}, "login_providers.0.id"),
    ],
)
def test_what_cannot_work_stops_the_start(
    given: dict[str, object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfig, match=says):
        load(data=tmp_path, **given)


def test_providers_may_come_from_a_file_that_only_the_hub_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps([UNI]))
    monkeypatch.setenv("SHOTHUB_LOGIN_PROVIDERS_FILE", str(file))
    [provider] = load(data=tmp_path / "hub").login_providers
    assert provider.secret.get_secret_value() == "provider-secret"
    assert "provider-secret" not in repr(provider)


def test_a_fault_names_no_secret(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as told:
        load(data=tmp_path, login_providers=[UNI | {"kind": "magic"}])
    assert "provider-secret" not in str(told.value)
