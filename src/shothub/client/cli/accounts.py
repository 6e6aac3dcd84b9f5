"""Logging in and out."""

import os
import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from shothub.client.cli import output
from shothub.client.cli.session import (
    Json,
    OnlyOn,
    Profile,
    Session,
    hub,
    session,
)
from shothub.client.errors import NotLoggedIn, ShothubError, Unauthorized
from shothub.client.profiles import (
    DEFAULT,
    Account,
    check_url,
    remove_profile,
    save_profile,
)
from shothub.client.requests import build_login
from shothub.domain.faults import Fault
from shothub.domain.tokens import (
    OPERATOR_SCOPES,
    USER_SCOPES,
    BadToken,
    parse_token,
)
from shothub.wire.accounts import DeviceRequest, Me, MembershipView

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def login(  # noqa: PLR0913 (one option for each property)
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(help="Address of the hub.", envvar="SHOTHUB_URL")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="A token from the hub's page of tokens, instead of the browser; "
            "- reads it from stdin.",
            envvar="SHOTHUB_TOKEN",
        ),
    ] = None,
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it shall be allowed to do.",
            show_default="all that users may",
        ),
    ] = None,
    operator: Annotated[
        bool, typer.Option("--operator", help="With the scopes of operators besides.")
    ] = False,
    only_on: OnlyOn = None,
    days: Annotated[
        int, typer.Option(help="For how long you want to be logged in.", min=1)
    ] = 90,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only show the address to open.")
    ] = False,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Log in: you allow it in the browser, and a token of this computer's own is saved.

    On a computer without a browser open the address that is shown on any other one. The
    token goes to a file that only you can read.
    """
    name = profile or os.environ.get("SHOTHUB_PROFILE") or DEFAULT
    address = check_url(_asked(url, "Address of the hub"))
    _warn_if_open(address)
    if token is not None:
        raw = _token(token)
    else:
        wanted = build_login(
            client=_this_program(),
            scopes=_wanted(scopes, operator=operator),
            apparatus=only_on or [],
            days=days,
        )
        raw = _let_in(session(context), address, wanted, quiet=no_browser)
    with session(context).open_hub(address, raw, None) as opened:
        me = opened.me()
    save_profile(session(context).profiles(), name, Account(url=address, token=raw))
    _show(me, as_json=as_json)
    output.note(f"saved as profile {name!r} in {session(context).profiles()}")


def _this_program() -> str:
    return f"shothub on {socket.gethostname() or 'some computer'}"[:120]


def _wanted(scopes: list[str] | None, *, operator: bool) -> list[str]:
    wanted = USER_SCOPES if scopes is None else frozenset(scopes)
    return sorted(wanted | OPERATOR_SCOPES if operator else wanted)


def _let_in(
    stands_on: Session, address: str, wanted: DeviceRequest, *, quiet: bool
) -> str:
    with stands_on.open_door(address) as door:
        started = door.knock(wanted)
        page = started.verification_uri_complete
        output.note(f"Open {page}")
        output.note(f"and allow it if it shows the code {started.user_code}")
        if not quiet and output.is_interactive() and is_web_address(page):
            stands_on.browse(page)
        output.note("waiting …")
        return door.wait(started).token


def is_web_address(page: str) -> bool:
    """Tell whether a browser may be sent there: a hub cannot name a file or a program."""
    return urlsplit(page).scheme in {"http", "https"}


def logout(
    context: typer.Context,
    revoke: Annotated[
        bool | None,
        typer.Option(
            "--revoke/--keep",
            help="End the token itself too, or leave it valid.",
            show_default="ends it if `shothub login` got it by the browser",
        ),
    ] = None,
    profile: Profile = None,
) -> None:
    """Remove the saved address and token, and end the token that the login was given."""
    name = profile or os.environ.get("SHOTHUB_PROFILE") or DEFAULT
    account = remove_profile(session(context).profiles(), name)
    if account is None:
        detail = f"There is no profile named {name!r}."
        raise NotLoggedIn(Fault(code="not_logged_in", detail=detail))
    if account.token.startswith("shb_cli_") if revoke is None else revoke:
        output.note(_end(session(context), account))
    else:
        output.note("the token itself stays valid: `shothub token revoke` ends it")
    output.note(f"removed profile {name!r}")


def _end(stands_on: Session, account: Account) -> str:
    try:
        with stands_on.open_hub(account.url, account.token, None) as opened:
            opened.tokens.revoke_own()
    except Unauthorized:
        return "the token was not valid any more"
    except ShothubError as error:
        return f"the token is still valid ({error}); revoke it on the hub's page Tokens"
    return "the token is revoked"


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
            ("good on", ", ".join(me.only_on)),
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


def _asked(given: str | None, question: str) -> str:
    if given:
        return given
    if not output.is_interactive():
        raise NotLoggedIn(
            Fault(
                code="nobody_to_ask",
                detail=f"{question}: not given, and there is no terminal to ask at.",
                hint="give --url",
            )
        )
    return str(typer.prompt(question, err=True)).strip()


def _token(given: str) -> str:
    if given == "-":
        given = typer.get_text_stream("stdin").readline().strip()
    try:
        parse_token(given)
    except BadToken as error:
        raise NotLoggedIn(
            Fault(
                code="bad_token",
                detail=f"That does not work: {error}.",
                hint="copy it whole from the hub's page of tokens",
            )
        ) from None
    return given


def _warn_if_open(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        output.note("warning: over http:// others on the network can read your token")
