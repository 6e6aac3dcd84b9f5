"""What makes a hub that others can reach unsafe, and how whoever runs it mends that."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core.checks import run_checks

from shothub.server.config import EXAMPLES, PREFIX, Config

_FEW = 10  # different characters; random texts of the least length have more
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_LEFT_TO_THE_PROXY = frozenset(
    {
        "security.W005",  # HSTS for subdomains, which are not the hub's
        "security.W008",  # redirects from http to https
        "security.W021",  # preloading HSTS, which is for the owner of the domain
    }
)


def is_local(config: Config, host: str) -> bool:
    """Tell whether only this machine reaches the hub.

    Args:
        config: as it was read.
        host: the address that the hub listens on.
    """
    public = urlsplit(config.public_url).hostname or "localhost"
    return _is_loopback(host) and _is_loopback(public) and not config.behind_tls


def faults(config: Config, host: str) -> list[str]:
    """Return what is unsafe about a hub that others reach; nothing for a local one."""
    if is_local(config, host):
        return []
    checks: Sequence[Callable[[Config, str], Iterator[str]]] = (
        _debug,
        _secrets,
        _transport,
        _names,
        _readable,
        _database,
    )
    found = [line for check in checks for line in check(config, host)]
    return found + _of_django()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _debug(_config: Config, _host: str) -> Iterator[str]:
    if settings.DEBUG:
        yield "debug: Django's DEBUG is on, which shows strangers the hub's insides."


def _secrets(config: Config, _host: str) -> Iterator[str]:
    secret = config.secret_key.get_secret_value()
    peppers = [pepper.get_secret_value() for pepper in config.token_peppers]
    for name, text in [
        ("secret_key", secret),
        *(("token_peppers", p) for p in peppers),
    ]:
        if len(set(text)) < _FEW or text in EXAMPLES[name]:
            yield (
                f"{name}: it can be guessed. Leave it out, and the hub makes one, or"
                " take the output of: openssl rand -base64 48"
            )
    if secret in peppers:
        yield "token_peppers: it is the secret_key again. Make each by itself."


def _transport(config: Config, host: str) -> Iterator[str]:
    if not config.behind_tls:
        yield (
            f"behind_tls: others reach this hub (host {host}), and passwords and tokens"
            " would cross the network unencrypted. Put a proxy that speaks HTTPS in"
            " front, let it set X-Forwarded-Proto and X-Forwarded-For, and set"
            f" {PREFIX}BEHIND_TLS=true."
        )
    if not config.public_url.startswith("https://"):
        yield (
            "public_url: it does not begin with https://."
            f" Example: {PREFIX}PUBLIC_URL={EXAMPLES['public_url']}"
        )


def _names(config: Config, _host: str) -> Iterator[str]:
    if any(name.startswith(("*", ".")) for name in config.allowed_hosts):
        yield (
            "allowed_hosts: it allows names that are not this hub's, so that others can"
            " make it send links to them."
            f" Example: {PREFIX}ALLOWED_HOSTS={EXAMPLES['allowed_hosts']}"
        )


def _readable(config: Config, _host: str) -> Iterator[str]:
    """Find what other users of this machine can read."""
    if os.name != "posix":
        return
    closed = not _mode(config.data) & stat.S_IXOTH
    inside = [config.data / "db.sqlite3", config.data / "files"]
    for path in [] if closed else inside:
        if _mode(path) & stat.S_IROTH:
            yield (
                f"data: every user of this machine can read {path}."
                f" Mend it with: chmod 700 {config.data}"
            )
    for path in (config.data / "secret", *_files_of_secrets()):
        if _mode(path) & (stat.S_IRGRP | stat.S_IROTH):
            yield (
                f"secrets: others on this machine can read {path}."
                f" Mend it with: chmod 600 {path}"
            )


def _files_of_secrets() -> Iterator[Path]:
    """Return the files that the environment names for secrets; also its file of keys."""
    keys = ("SECRET_KEY", "TOKEN_PEPPERS", "SMTP_PASSWORD", "DATABASE")
    named = [os.environ.get(f"{PREFIX}{key}_FILE") for key in keys]
    yield from (Path(name) for name in named if name)
    file = os.environ.get(f"{PREFIX}CONFIG")
    if file and _holds_secrets(Path(file)):
        yield Path(file)


def _holds_secrets(file: Path) -> bool:
    words = ("secret", "token_peppers", "password", "database")
    lines = file.read_text().splitlines() if file.is_file() else []
    return any(word in line.partition("=")[0] for line in lines for word in words)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else 0


def _database(config: Config, _host: str) -> Iterator[str]:
    address = urlsplit(config.database.get_secret_value())
    if not address.hostname or _is_loopback(address.hostname):
        return
    mode = parse_qs(address.query).get("sslmode", ["prefer"])[-1]
    if mode not in _ENCRYPTED:
        yield (
            f"database: what the hub asks of {address.hostname} may cross the network"
            " unencrypted. Add ?sslmode=verify-full (or require) to the address."
        )


def _of_django() -> list[str]:
    """Return what Django's own list for deployments finds."""
    found = run_checks(include_deployment_checks=True)
    return [
        f"{fault.id}: {fault.msg}"
        for fault in found
        if (fault.id or "").startswith("security.")
        and fault.id not in _LEFT_TO_THE_PROXY
    ]
