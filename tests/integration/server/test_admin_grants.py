"""``shothub admin grant``, ``grants`` and ``group``: what they change, and what they refuse."""

import json
from collections.abc import Callable

import pytest
from tests.integration.server.hub_cast import Cast
from typer.testing import CliRunner, Result

from shothub.server import admin_grants, admin_groups
from shothub.server.accounts.models import Grant, Membership
from shothub.server.accounts.queries import rights_of
from shothub.server.admin_cli import admin_app

Command = Callable[..., Result]


@pytest.fixture
def admin(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command on the tests' own database, which is prepared already."""
    for module in (admin_grants, admin_groups):
        monkeypatch.setattr(module, "prepare", lambda _: None)
    return lambda *words: CliRunner().invoke(admin_app, list(words))


def test_a_user_is_granted_kinds_roles_and_procedures(
    cast: Cast, admin: Command
) -> None:
    words = ("--relay", "--reviewer", "--procedure", "bec_tof")
    assert admin("grant", "bob", "sim", *words).exit_code == 0
    rights = rights_of(cast.users["bob"].pk)
    assert rights.grants == {"sim": ["relay", "reviewer"]}
    assert rights.procedures == {"sim": {"bec_tof"}}
    admin("grant", "bob", "sim", "--no-reviewer", "--all-procedures")
    rights = rights_of(cast.users["bob"].pk)
    assert (rights.grants, rights.procedures) == ({"sim": ["relay"]}, {})


def test_a_group_is_granted_kinds(cast: Cast, admin: Command) -> None:
    assert admin("group", "create", "atoms").exit_code == 0
    assert admin("group", "add", "atoms", "bob", "--owner").exit_code == 0
    assert Membership.objects.get(user=cast.users["bob"]).is_owner
    assert admin("grant", "--group", "atoms", "sim", "--scripts").exit_code == 0
    assert rights_of(cast.users["bob"].pk).grants == {"sim": ["scripts"]}
    listed = json.loads(admin("grants", "--json").output)
    assert {
        "apparatus": "sim",
        "user": "",
        "group": "atoms",
        "kinds": ["scripts"],
        "procedures": None,
    } in listed
    assert "group atoms" in admin("grants").output
    shown = json.loads(admin("group", "show", "atoms", "--json").output)
    assert [(m["user"], m["is_owner"]) for m in shown] == [("bob", True)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bob", "sim"], "Say what to grant"),
        (["sim", "--scripts"], "Name a user and an apparatus"),
        (
            ["--group", "atoms", "bob", "sim", "--scripts"],
            "Name a user and an apparatus",
        ),
        (["nobody", "sim", "--scripts"], "There is no user 'nobody'"),
        (["bob", "nowhere", "--scripts"], "There is no apparatus named 'nowhere'"),
        (["--group", "none", "sim", "--scripts"], "There is no group 'none'"),
        (["bob", "sim", "--procedure", "../x"], "'../x' cannot be a procedure"),
        (["--group", "atoms", "sim", "--operator"], "A role is a person's"),
    ],
)
def test_what_makes_no_sense_is_told(
    cast: Cast, admin: Command, words: list[str], said: str
) -> None:
    admin("group", "create", "atoms")
    before = Grant.objects.count()
    answer = admin("grant", *words)
    assert answer.exit_code == 1
    assert said in answer.output
    assert Grant.objects.count() == before
