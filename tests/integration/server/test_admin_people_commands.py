"""People, record and rights by ``shothub admin``, each act on record as a command's."""

import csv
import io
import json
from pathlib import Path

import pytest
from tests.integration.postgresql.hub_process import ADMIN, HubProcess, run

PASSWORD = "correct-horse-9"
SIGN_UP = """
from shothub.server import main
main.prepare(None)
from allauth.account.models import EmailAddress
from shothub.server.accounts.models import User
for name in ("nina", "spam"):
    user = User.objects.create(username=name, email=f"{name}@x.org", state="pending")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


def admin(data: Path, *words: str) -> str:
    status, printed = run(ADMIN, data, "", *words)
    assert status == 0, printed
    return printed.strip()


def refused(data: Path, *words: str) -> str:
    status, printed = run(ADMIN, data, "", *words)
    assert status == 1
    assert "Traceback" not in printed
    return printed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("hub")
    admin(data, "user", "create", "alice", "--password", PASSWORD)
    return data


def test_who_waits_is_listed_approved_or_declined(data: Path) -> None:
    assert run(SIGN_UP, data, "")[0] == 0
    waiting = json.loads(admin(data, "user", "list", "--state", "pending", "--json"))
    assert [(one["username"], one["key"]) for one in waiting] == [
        ("nina", ""),
        ("spam", ""),
    ]
    admin(data, "user", "approve", "nina", "--key", "nina-bec")
    admin(data, "user", "decline", "spam")
    everybody = json.loads(admin(data, "user", "list", "--json"))
    assert {one["username"]: one["key"] for one in everybody} == {
        "alice": "alice",
        "nina": "nina-bec",
    }
    assert "does not wait" in refused(data, "user", "approve", "nina")


def test_a_suspension_holds_at_the_running_hub_at_once(data: Path) -> None:
    token = admin(data, "token", "alice").splitlines()[-1]
    with HubProcess(data, "") as hub, hub.client(token) as alice:
        assert alice.get("/me").status_code == 200
        said = admin(data, "user", "suspend", "alice", "--why", "Laptop lost.")
        assert "1 tokens revoked" in said
        assert alice.get("/me").status_code == 401
        admin(data, "user", "reinstate", "alice")
        assert alice.get("/me").status_code == 401
    assert "not suspended" in refused(data, "user", "reinstate", "alice")


def test_staff_is_made_and_unmade(data: Path) -> None:
    for words, staff in (
        (("staff", "alice"), True),
        (("staff", "alice", "--no"), False),
    ):
        admin(data, "user", *words)
        [alice] = json.loads(admin(data, "user", "list", "--text", "ali", "--json"))
        assert alice["staff"] is staff
    changed = admin(data, "audit", "--what", "grant.changed", "--json").splitlines()
    assert [json.loads(line)["detail"] for line in changed] == [
        {"staff": False},
        {"staff": True},
    ]


def test_a_closed_hub_invites_nobody(data: Path) -> None:
    assert "SHOTHUB_SIGN_UP" in refused(data, "user", "invite")


def test_a_state_that_is_none_is_refused(data: Path) -> None:
    assert "pending, active" in refused(data, "user", "list", "--state", "asleep")


def test_the_record_says_that_a_command_did_it(data: Path) -> None:
    lines = admin(data, "audit", "--what", "user.created", "--json").splitlines()
    [alice] = [json.loads(line) for line in lines]
    assert (alice["by"], alice["subject"], alice["address"]) == ("command", "alice", "")
    table = admin(data, "audit", "--who", "alice", "--csv")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["subject"] for row in rows} == {"alice"}
    assert "user.created" in admin(data, "audit", "--limit", "100")
    assert admin(data, "audit", "--until", "2001-01-01") == ""
