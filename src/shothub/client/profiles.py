"""Where the hub is and with which token: arguments, environment or the profile file."""

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from shothub.client.errors import NotLoggedIn, Refused, UnsafeProfile
from shothub.domain.faults import Fault

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A hub's address and a token for it.

    Attributes:
        url: ``https://host`` without a path of the API.
        token: never shown.
    """

    url: str
    token: str = field(repr=False)


def profile_file() -> Path:
    """Return the place of the profile file, in the user's folder for settings."""
    return platformdirs.user_config_path("shothub") / "profiles.toml"


def find_account(
    *,
    url: str | None,
    token: str | None,
    profile: str | None,
    environ: Mapping[str, str],
    file: Path,
) -> Account:
    """Return the account to use: arguments first, then environment, then profile.

    A token of the profile file is only ever sent to the address it was saved with.

    Raises:
        NotLoggedIn: address or token is missing.
        UnsafeProfile: other people can read the profile file.
        Refused: the address or the file is malformed.
    """
    if profile is None:
        url = url or environ.get("SHOTHUB_URL")
        token = token or _token_of(environ)
    if url and token:
        return Account(url=check_url(url), token=token)
    saved = read_profiles(file)
    name = profile or environ.get("SHOTHUB_PROFILE") or DEFAULT
    account = saved.get(name)
    if account is None:
        raise _not_logged_in(name, sorted(saved))
    if url and check_url(url) != account.url:
        raise _no_token_for(url)
    return Account(url=account.url, token=token or account.token)


def _token_of(environ: Mapping[str, str]) -> str | None:
    if place := environ.get("SHOTHUB_TOKEN_FILE"):
        try:
            return Path(place).read_text(encoding="utf-8").strip()
        except OSError as error:
            detail = f"The file of SHOTHUB_TOKEN_FILE cannot be read: {error.strerror}."
            raise NotLoggedIn(
                Fault(code="no_token_file", detail=detail, where=place)
            ) from error
    return environ.get("SHOTHUB_TOKEN")


def check_url(url: str) -> str:
    """Return ``url`` without a slash or the path of the API at its end.

    Raises:
        Refused: it is no address of a hub.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise Refused(
            Fault(
                code="bad_address",
                detail=f"{url[:100]!r} is no address of a hub.",
                where="url",
                hint="it looks like https://hub.example.org",
            )
        )
    if parts.username or parts.password:
        detail = "An address must not hold a name or a password."
        raise Refused(Fault(code="bad_address", detail=detail, where="url"))
    return url.strip().rstrip("/").removesuffix("/api/v1").rstrip("/")


def read_profiles(file: Path) -> dict[str, Account]:
    """Return all saved accounts by the name of their profile; none if there is no file.

    Raises:
        UnsafeProfile: other people can read the file.
        Refused: the file is malformed.
    """
    try:
        with file.open("rb") as opened:
            _refuse_if_shared(file, os.fstat(opened.fileno()).st_mode)
            data = tomllib.load(opened)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _malformed(file, str(error)) from error
    return {name: _account(file, name, entry) for name, entry in data.items()}


def _account(file: Path, name: str, entry: object) -> Account:
    match entry:
        case {"url": str(url), "token": str(token)}:
            return Account(url=check_url(url), token=token)
    raise _malformed(file, f"profile {name!r} needs url and token")


def _refuse_if_shared(file: Path, mode: int) -> None:
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeProfile(
            Fault(
                code="unsafe_profile",
                detail="Other people on this machine can read your token "
                f"(mode {stat.S_IMODE(mode):04o}).",
                where=str(file),
                hint=f"run: chmod 600 '{file}'; if someone may have read it, revoke the "
                "token and log in again",
            )
        )


def save_profile(file: Path, name: str, account: Account) -> None:
    """Write ``account`` under ``name``; only the user can read the file afterwards."""
    write_profiles(file, {**_read_even_if_shared(file), name: account})


def remove_profile(file: Path, name: str) -> Account | None:
    """Remove a profile and return it; None if there was none."""
    saved = _read_even_if_shared(file)
    found = saved.pop(name, None)
    if found is not None:
        write_profiles(file, saved)
    return found


def _read_even_if_shared(file: Path) -> dict[str, Account]:
    """Return the saved accounts, closing a file that stood open to others first."""
    if file.exists():
        file.chmod(0o600)
    return read_profiles(file)


def write_profiles(file: Path, accounts: Mapping[str, Account]) -> None:
    """Replace the profile file as a whole, readable by the user only."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(_section(name, accounts[name]) for name in sorted(accounts))
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)


def _section(name: str, account: Account) -> str:
    # A JSON string without control characters is a TOML string.
    quoted = [json.dumps(part) for part in (name, account.url, account.token)]
    return "[{}]\nurl = {}\ntoken = {}\n\n".format(*quoted)


def _not_logged_in(name: str, known: list[str]) -> NotLoggedIn:
    others = f" (there are: {', '.join(known)})" if known else ""
    nameless = name == DEFAULT and not known
    detail = f"There is no profile named {name!r}{others}."
    return NotLoggedIn(
        Fault(
            code="not_logged_in",
            detail="You are not logged in to a hub." if nameless else detail,
            hint="run `shothub login --url https://…`, or set SHOTHUB_URL and SHOTHUB_TOKEN",
        )
    )


def _no_token_for(url: str) -> NotLoggedIn:
    return NotLoggedIn(
        Fault(
            code="not_logged_in",
            detail=f"There is no token for {url}.",
            hint="give a token too, or run `shothub login --url …`",
        )
    )


def _malformed(file: Path, why: str) -> Refused:
    return Refused(
        Fault(
            code="bad_profile_file",
            detail=f"The profile file is malformed: {why}.",
            where=str(file),
            hint="mend it, or remove it and run `shothub login`",
        )
    )
