"""Which addresses the hub may send to on behalf of a user: none of the lab's own network."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
# Where clouds tell a machine its own secrets, beside the link-local addresses.
_METADATA = frozenset(map(ip_address, ("100.100.100.200", "fd00:ec2::254")))
_SHARED = IPv4Network("100.64.0.0/10")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WELL_KNOWN = frozenset({80, 443})
_LONGEST_URL = 500


class BadTarget(ValueError):
    """The hub does not send there; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a webhook goes.

    Attributes:
        host: lower-case name or address, an IPv6 one without brackets.
        path: path and query as they are sent.
        trusted: whether the lab named this host as one of its own network.
    """

    secure: bool
    host: str
    port: int
    path: str
    trusted: bool


def target_of(url: str, *, trusted: Collection[str]) -> Target:
    """Read the address of a webhook.

    Args:
        url: as the user gave it.
        trusted: names of hosts that may be private and do without HTTPS.

    Raises:
        BadTarget: it is malformed, not HTTPS, or names a private address.
    """
    parts = _split(url)
    host = _host(parts)
    known = host in {name.lower() for name in trusted}
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not known):
        raise BadTarget("The address must begin with https://.")
    port = _port(parts)
    target = Target(
        secure=parts.scheme == "https",
        host=host,
        port=port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        trusted=known,
    )
    if (literal := _literal(host)) is not None:
        require_allowed(literal, trusted=known)
    return target


def _split(url: str) -> SplitResult:
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable():
        raise BadTarget(
            f"The address must be printable ASCII of at most {_LONGEST_URL} characters."
        )
    if " " in url or "\\" in url:
        raise BadTarget("The address must not have spaces or backslashes.")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadTarget(f"This is no address: {error}.") from None
    if parts.username is not None or parts.password is not None:
        raise BadTarget("The address must not have a user name or a password.")
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".").lower()
    if not host:
        raise BadTarget("The address names no host.")
    if ":" in host:
        return host
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        raise BadTarget("The name of the host is malformed.")
    # Resolvers read 2130706433, 0x7f.1 and 017700000001 as addresses.
    if _NUMBER.fullmatch(labels[-1]) and _literal(host) is None:
        raise BadTarget("Write an IPv4 address as four decimal numbers.")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise BadTarget("The port is malformed.") from None
    if port is None:
        return 443 if parts.scheme == "https" else 80
    if port not in _WELL_KNOWN and port < 1024:
        raise BadTarget("The port must be 80, 443, or 1024 and above.")
    return port


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        if ":" in host:
            raise BadTarget("The IPv6 address is malformed.") from None
        return None


def require_allowed(address: Address, *, trusted: bool) -> None:
    """Refuse an address to which users may not have the hub send.

    Args:
        address: as resolved.
        trusted: whether the lab named the host, so that it may be private.

    Raises:
        BadTarget: it is private, local, for many hosts, or for no use.
    """
    for form in _forms(address):
        if form in _METADATA or form.is_link_local:
            raise BadTarget(f"{address} is a link-local or metadata address.")
        if form.is_multicast or form.is_unspecified:
            raise BadTarget(f"{address} is not the address of one host.")
        private = not form.is_global or form in _SHARED or form.is_reserved
        if private and not trusted:
            raise BadTarget(
                f"{address} is a private address; only hosts that the lab has named"
                " (private_webhook_hosts) may have one."
            )


def _forms(address: Address) -> Iterator[Address]:
    """Yield the address, or the IPv4 addresses that an IPv6 one stands for."""
    inner = [] if isinstance(address, IPv4Address) else list(_inside(address))
    yield from inner or [address]


def _inside(address: IPv6Address) -> Iterator[Address]:
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _NAT64):
        yield low
    if address in _COMPATIBLE and int(address) > 1:
        yield low
