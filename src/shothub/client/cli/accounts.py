"""Logging in and out."""

import os
from typing import Annotated
from urllib.parse import urlsplit

import typer

from shothub.client.cli import output
from shothub.client.cli.session import Json, Profile, hub, session
from shothub.client.errors import NotLoggedIn
from shothub.client.profiles import (
    DEFAULT,
    Account,
    check_url,
    remove_profile,
    save_profile,
)
from shothub.domain.faults import Fault
from shothub.domain.tokens import BadToken, parse_token
from shothub.wire.accounts import Me, MembershipView

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def login(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="Address of the hub.", envvar="SHOTHUB_URL")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="A token from the hub's page of tokens; - reads it from stdin.",
            envvar="SHOTHUB_TOKEN",
        ),
    ] = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Save the hub's address and your token, after asking the hub whether they work.

    The token goes to a file that only you can read.
    """
    name = profile or os.environ.get("SHOTHUB_PROFILE") or DEFAULT
    account = Account(url=check_url(_asked(url, "Address of the hub")), token="")
    account = Account(url=account.url, token=_token(token))
    _warn_if_open(account.url)
    with session(context).open_hub(account.url, account.token, None) as opened:
        me = opened.me()
    save_profile(session(context).profiles(), name, account)
    _show(me, as_json=as_json)
    output.note(f"saved as profile {name!r} in {session(context).profiles()}")


def logout(context: typer.Context, profile: Profile = None) -> None:
    """Remove the saved address and token; the token itself stays valid until revoked."""
    name = profile or os.environ.get("SHOTHUB_PROFILE") or DEFAULT
    if not remove_profile(session(context).profiles(), name):
        detail = f"There is no profile named {name!r}."
        raise NotLoggedIn(Fault(code="not_logged_in", detail=detail))
    output.note(f"removed profile {name!r}; `shothub token revoke` ends a token itself")


def whoami(
    context: typer.Context, profile: Profile = None, as_json: Json = False
) -> None:
    """Tell who you are on the hub, and what your token may do."""
    _show(hub(context, profile).me(), as_json=as_json)


def _show(me: Me, *, as_json: bool) -> None:
    if as_json:
        output.document(me)
        return
    grants = "; ".join(f"{name}: {', '.join(may)}" for name, may in me.grants.items())
    expires = me.token_expires
    output.pairs(
        [
            ("user", me.username),
            ("key", me.key),
            ("scopes", ", ".join(me.scopes)),
            ("apparatus", grants),
            ("groups", ", ".join(_group(g) for g in me.groups)),
            ("token expires", expires and f"{expires:%Y-%m-%d %H:%M} UTC"),
        ]
    )
    if me.quotas:
        heads = ["quota", "used", "waiting", "of", ""]
        rows = [(q.words, q.used, q.queued or None, q.limit, q.unit) for q in me.quotas]
        output.table(heads, rows)


def _group(group: MembershipView) -> str:
    return f"{group.name} (default)" if group.is_default else group.name


def _asked(given: str | None, question: str, *, hidden: bool = False) -> str:
    if given:
        return given
    if not output.is_interactive():
        raise NotLoggedIn(
            Fault(
                code="nobody_to_ask",
                detail=f"{question}: not given, and there is no terminal to ask at.",
                hint="give --url and --token",
            )
        )
    return str(typer.prompt(question, hide_input=hidden, err=True)).strip()


def _token(given: str | None) -> str:
    if given == "-":
        given = typer.get_text_stream("stdin").readline().strip()
    token = _asked(given, "Token", hidden=True)
    try:
        parse_token(token)
    except BadToken as error:
        raise NotLoggedIn(
            Fault(
                code="bad_token",
                detail=f"That does not work: {error}.",
                hint="copy it whole from the hub's page of tokens",
            )
        ) from None
    return token


def _warn_if_open(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        output.note("warning: over http:// others on the network can read your token")
