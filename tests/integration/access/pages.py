"""Who may open which page, and press which button: the table that every page is tried by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tests.integration.access.rules import (
    EVERYBODY,
    MEMBERS,
    OPERATORS,
    SHARED,
    STAFF,
    Rule,
    whom,
)

Kind = Literal["open", "account", "member"]


@dataclass(frozen=True)
class Page:
    """A page, or a button's address.

    Attributes:
        rule: who may, and what of.
        kind: ``open`` to strangers; ``account``: to whoever has logged in, also while the
            lab has not let him in; ``member``: to those whom it has.
        is_act: whether it is a button, which only a form's POST presses.
        parts: of its address that are not a thing of the world's.
        data: of the form; ``{…}`` stands for a part of the thing's address.
        others: statuses that a success has besides 200, 204, 302 and 422.
    """

    rule: Rule
    kind: Kind = "member"
    is_act: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[int] = frozenset()


def _page(rule: Rule, **parts: str) -> Page:
    return Page(rule, parts=parts)


def _act(rule: Rule, **data: str) -> Page:
    return Page(rule, is_act=True, data=data)


def _open(*, is_act: bool = False, **parts: str) -> Page:
    gone = frozenset({401, 404, 409})  # what is asked for here is not there
    return Page(
        Rule(is_open=True), kind="open", is_act=is_act, parts=parts, others=gone
    )


def _account(**parts: str) -> Page:
    gone = frozenset({403, 404, 409})
    return Page(Rule(whom=EVERYBODY), kind="account", parts=parts, others=gone)


FOR_ALL = Rule(whom=EVERYBODY)
PROVED = replace(FOR_ALL, by="proof")
OF_MACHINE = Rule(of="apparatus", whom=EVERYBODY)
CONTROL = Rule(of="apparatus", whom=OPERATORS, seen=EVERYBODY)
TO_LAB = Rule(of="apparatus", whom=STAFF, seen=EVERYBODY)
BY_PERSON = replace(TO_LAB, by="person")
READING = Rule(of="shared job", whom=SHARED)
OWNING = Rule(of="shared job", seen=SHARED)
BOOKED = Rule(of="reservation", whom=OPERATORS, seen=EVERYBODY)
HOOK, TOKEN = Rule(of="webhook"), Rule(of="token")
GROUP = Rule(of="group", whom=STAFF, seen=SHARED)
LAB = Rule(whom=STAFF)
PERSON = replace(LAB, by="person")
_BOB = {"username": "bob"}


def _of_bob(**data: str) -> Page:
    done = frozenset({404, 409})  # he is in no state for that
    return Page(PERSON, is_act=True, parts=_BOB, data=data, others=done)


PAGES: dict[str, Page] = {
    # Strangers: signing up, logging in, what somebody gave them a link to.
    "icon": _open(),
    "account_login": _open(),
    "account_logout": _open(),
    "account_signup": _open(),
    "invitation": _open(code="nonsense"),
    "account_inactive": _open(),
    "account_email_verification_sent": _open(),
    "account_confirm_email": _open(key="nonsense"),
    "account_reset_password": _open(),
    "account_reset_password_done": _open(),
    "account_reset_password_from_key": _open(uidb36="1", key="nonsense"),
    "account_reset_password_from_key_done": _open(),
    "mfa_authenticate": _open(),
    "mfa_login_webauthn": _open(),
    "socialaccount_signup": _open(),
    "socialaccount_login_cancelled": _open(),
    "socialaccount_login_error": _open(),
    "openid_connect_login": _open(provider_id="nonsense"),
    "openid_connect_callback": _open(provider_id="nonsense"),
    "shared": _open(text="nonsense"),
    "shared_results": _open(text="nonsense"),
    "shared_file": _open(text="nonsense", name="x"),
    # One's own account.
    "welcome": _account(),
    "account_reauthenticate": _account(),
    "prove_elsewhere": _account(),
    "account_email": _account(),
    "account_change_password": _account(),
    "account_set_password": _account(),
    "usersessions_list": _account(),
    "mfa_index": _account(),
    "mfa_reauthenticate": _account(),
    "mfa_activate_totp": _account(),
    "mfa_deactivate_totp": _account(),
    "mfa_view_recovery_codes": _account(),
    "mfa_generate_recovery_codes": _account(),
    "mfa_download_recovery_codes": _account(),
    "mfa_list_webauthn": _account(),
    "mfa_add_webauthn": _account(),
    "mfa_reauthenticate_webauthn": _account(),
    "mfa_edit_webauthn": _account(pk="1"),
    "mfa_remove_webauthn": _account(pk="1"),
    "socialaccount_connections": _account(),
    "account": _page(FOR_ALL),
    "account_close": _page(PROVED),
    "first_job": _act(FOR_ALL),
    "privacy": _page(FOR_ALL),
    "privacy_export": _act(FOR_ALL),
    "record": _page(FOR_ALL),
    "record_file": _page(FOR_ALL, form="csv"),
    "device": _page(FOR_ALL),
    "tokens": _page(FOR_ALL),
    "token_revoke": _act(TOKEN),
    "notifications": _page(FOR_ALL),
    "webhook_create": _act(FOR_ALL),
    "webhook": _page(HOOK),
    "webhook_delete": _act(HOOK),
    "webhook_test": _act(HOOK),
    "webhook_resume": _act(HOOK),
    # Groups.
    "groups": _page(FOR_ALL),
    "group": _page(Rule(of="group", whom=MEMBERS)),
    "group_change": _act(GROUP, title="Cold atoms"),
    "group_member": _act(GROUP, user="alice", weight="2"),
    # Alice herself is whom this takes out of her group.
    "group_member_remove": _act(Rule(of="group", whom=MEMBERS), user="{user}"),
    "group_default": _act(Rule(of="group", whom=SHARED)),
    "group_quota": _act(replace(GROUP, by="person"), what="machine_week", limit="3600"),
    # Jobs.
    "jobs": _page(FOR_ALL),
    "quotas": _page(FOR_ALL),
    "job": _page(READING),
    "job_live": _page(READING),
    "job_results": _page(READING),
    "job_record": _page(READING),
    "job_file": _page(READING),
    "job_source": _page(Rule(of="shared job", whom=whom("shared", "reviewer"))),
    "job_cancel": _act(OWNING),
    "job_keep": _act(OWNING),
    "job_share": _act(OWNING, days="7"),
    "job_unshare": _act(OWNING),
    "job_hold": _act(replace(OWNING, whom=OPERATORS)),
    "job_release": Page(
        replace(OWNING, whom=OPERATORS),
        is_act=True,
        others=frozenset({400}),  # its owner holds it
    ),
    "job_decide": _act(replace(OWNING, whom=OPERATORS), choice="keep"),
    # Apparatus.
    "submit": _page(FOR_ALL),
    "apparatus_list": _page(FOR_ALL),
    "apparatus": _page(OF_MACHINE),
    "apparatus_live": _page(OF_MACHINE),
    "connection_table": _page(OF_MACHINE),
    "api": _page(OF_MACHINE),
    "procedure": _page(OF_MACHINE),
    "count": _act(OF_MACHINE),
    "script": _page(TO_LAB),
    "grants": _page(TO_LAB),
    "agent": _page(TO_LAB),
    "agent_revoke": Page(
        BY_PERSON,
        is_act=True,
        parts={"ident": "nothere"},
        others=frozenset({404}),
    ),
    "pause": _act(CONTROL),
    "resume": _act(replace(CONTROL, by="proof")),
    "calendar": _page(OF_MACHINE),
    "calendar_cancel": _act(BOOKED),
    "session_end": _act(Rule(of="session", whom=OPERATORS)),
    "feed": _page(Rule(whom=OPERATORS)),
    # People, for the lab's staff.
    "people": _page(LAB),
    "person": _page(LAB, username="bob"),
    "people_invite": _act(PERSON),
    "invitation_withdraw": Page(
        PERSON, is_act=True, parts={"ident": "1"}, others=frozenset({404})
    ),
    "person_approve": _of_bob(key="bob"),
    "person_decline": _of_bob(),
    "person_suspend": _of_bob(why="for a test"),
    "person_reinstate": _of_bob(),
}
"""By name. A page that is not here fails the tests."""

FORMS = {
    "account_close": _act(PROVED),
    "device": Page(
        FOR_ALL, is_act=True, data={"code": "nonsense"}, others=frozenset({404})
    ),
    "tokens": _act(FOR_ALL, name="for a test", scopes="jobs:read", days="1"),
    "notifications": _act(FOR_ALL, email="done"),
    "groups": _act(PERSON, name="new"),
    "calendar": _act(OF_MACHINE),
    "procedure": _act(OF_MACHINE, tof="0.005"),
    "script": _act(TO_LAB),
    "grants": _act(BY_PERSON, user="bob", kinds="scripts"),
    "agent": _act(BY_PERSON),
}
"""Pages to which a form is sent as well. One that is not here fails the tests."""

APART = {
    "healthz": "tells everybody that the hub lives, and nothing else",
    "metrics": "a token's, tried by itself",
    "^api/": "what is no route of the API",
}
"""What has an address and is no page."""
