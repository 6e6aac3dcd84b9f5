"""Who may sign up, who enters without being approved, and under which key."""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from shothub.domain.names import ID_ALPHABET, is_slug

_LONGEST_KEY = 48
_GROUPS, _GROUP = 4, 5


class SignUp(StrEnum):
    """Who may make an account for himself.

    ``CLOSED``: nobody. ``INVITED``: whoever holds an invitation. ``DOMAIN``: besides,
    whoever has an address in one of the lab's domains. ``APPROVAL``: everybody, and the
    lab decides about each. ``OPEN``: everybody. An invited user needs no approval.
    """

    CLOSED = "closed"
    INVITED = "invited"
    DOMAIN = "domain"
    APPROVAL = "approval"
    OPEN = "open"


def is_in_domain(email: str, domains: Sequence[str]) -> bool:
    """Tell whether an address is in one of some domains.

    Args:
        email: the address.
        domains: ``example.org`` for itself alone, ``*.example.org`` for those below it.
    """
    host = email.rpartition("@")[2].lower()
    return bool(host) and any(_fits(host, domain.lower()) for domain in domains)


def _fits(host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return host.endswith(domain[1:])
    return host == domain


def may_sign_up(
    mode: SignUp, *, email: str, domains: Sequence[str], invited: bool
) -> bool:
    """Tell whether somebody may make an account for himself."""
    if mode in {SignUp.CLOSED, SignUp.INVITED}:
        return invited and mode != SignUp.CLOSED
    return invited or mode != SignUp.DOMAIN or is_in_domain(email, domains)


def enters_at_once(
    mode: SignUp, *, email: str, domains: Sequence[str], invited: bool
) -> bool:
    """Tell whether somebody who has confirmed his address needs no approval."""
    if invited or mode == SignUp.OPEN:
        return True
    return mode == SignUp.DOMAIN and is_in_domain(email, domains)


def keys_for(username: str) -> Iterator[str]:
    """Yield keys that suit a user name, without end, the most natural first.

    >>> next(keys_for("Rémy.Dubois"))
    'r-my-dubois'
    """
    stem = re.sub(r"[^a-z0-9_]+", "-", username.lower()).strip("-_")
    if not is_slug(stem[:_LONGEST_KEY]):
        stem = f"u-{stem}".rstrip("-")
    yield stem[:_LONGEST_KEY]
    number = 2
    while True:
        end = f"-{number}"
        yield f"{stem[: _LONGEST_KEY - len(end)]}{end}"
        number += 1


def make_code(choice: Callable[[str], str]) -> str:
    """Return a code that is good once, of 98 random bits, as people can type it.

    Args:
        choice: returns a random character of a text, unpredictably.
    """
    groups = (
        "".join(choice(ID_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )
    return "-".join(groups)


def plain_code(typed: str) -> str:
    """Return a code as it was made, however it was typed; empty if it is none."""
    letters = re.sub(r"[\s\-]+", "", typed.lower())
    if len(letters) != _GROUPS * _GROUP or not set(letters) <= set(ID_ALPHABET):
        return ""
    return "-".join(letters[i : i + _GROUP] for i in range(0, len(letters), _GROUP))
