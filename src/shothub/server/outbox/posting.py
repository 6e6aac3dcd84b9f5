"""Sending one webhook: signed, to the address that was checked, and soon over."""

import asyncio
import base64
import hmac
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import httpx

from shothub.domain.addresses import Address, BadTarget, Target, require_allowed
from shothub.runtime import clock

SECRET_PREFIX = "whsec_"  # noqa: S105  (of the secrets' text form, after Standard Webhooks)
SECONDS = 10.0
_READ = 4096
_RESOLVING = 2 * SECONDS
_GONE = 410

Resolve = Callable[[str, int], Sequence[Address]]


@dataclass(frozen=True, kw_only=True)
class Posted:
    """How a delivery went.

    Attributes:
        error: why it failed; empty if it did not.
        gone: whether the receiver said that it wants nothing any more.
    """

    error: str = ""
    gone: bool = False


def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host.

    Raises:
        BadTarget: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadTarget(f"The host {host} was not found: {error}.") from None
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def signature(secret: bytes, *, ident: str, seconds: int, body: bytes) -> str:
    """Return the signature of a message, after the Standard Webhooks specification."""
    signed = f"{ident}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def headers(secret: bytes, *, ident: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of a message: its id, the time of this try, the signature."""
    seconds = int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "shothub-webhook",
        "webhook-id": ident,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(secret, ident=ident, seconds=seconds, body=body),
    }


class Poster:
    """Posts to addresses that are allowed; resolves a name once for each delivery."""

    def __init__(
        self,
        *,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        seconds: float = SECONDS,
    ) -> None:
        self._trust = trust or ssl.create_default_context()
        self._resolve = resolve
        self._seconds = seconds

    def post(self, target: Target, body: bytes, said: dict[str, str]) -> Posted:
        """Send one message; every way of failing is an answer."""
        began = clock.monotonic()
        try:
            addresses = self._resolve(target.host, target.port)
            for address in addresses:
                require_allowed(address, trusted=target.trusted)
            if clock.monotonic() - began > _RESOLVING:
                raise TimeoutError  # another process may have it in hand soon
            return asyncio.run(self._send(target, addresses[0], body, said))
        except BadTarget as refusal:
            return Posted(error=str(refusal))
        except TimeoutError:
            return Posted(error=f"no answer within {self._seconds:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Posted(error=str(error) or type(error).__name__)

    async def _send(
        self, target: Target, address: Address, body: bytes, said: dict[str, str]
    ) -> Posted:
        scheme = "https" if target.secure else "http"
        client = httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=self._seconds,
        )
        # One deadline for all, so that a drip of bytes cannot hold it open.
        async with asyncio.timeout(self._seconds), client:
            request = client.build_request(
                "POST",
                f"{scheme}://{_bracketed(str(address))}:{target.port}{target.path}",
                content=body,
                headers={**said, "Host": _authority(target)},
                extensions={"sni_hostname": target.host},
            )
            answer = await client.send(request, stream=True)
            await _read_a_little(answer)
            await answer.aclose()
        return _judged(answer)


async def _read_a_little(answer: httpx.Response) -> None:
    size = 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > _READ:
            return


def _judged(answer: httpx.Response) -> Posted:
    status = answer.status_code
    if answer.is_success:
        return Posted()
    if answer.is_redirect:
        return Posted(error=f"it answered {status}: redirects are not followed")
    return Posted(error=f"it answered {status}", gone=status == _GONE)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(target: Target) -> str:
    usual = target.port == (443 if target.secure else 80)
    host = _bracketed(target.host)
    return host if usual else f"{host}:{target.port}"
