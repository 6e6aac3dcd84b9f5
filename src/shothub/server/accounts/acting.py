"""Users and credentials as the record of acts names them."""

from django.http import HttpRequest

from shothub.server.accounts.models import User
from shothub.server.accounts.principals import Principal
from shothub.server.audit.services import Account, Actor, act_as
from shothub.server.requests import address_of


def act_for(principal: Principal, address: str) -> None:
    """Say that the rest of this request is done by its principal."""
    by = f"token {principal.ident}" if principal.ident else "session"
    act_as(Actor(user=principal.user, name=principal.username, by=by, address=address))


def actor_of_session(user: User, request: HttpRequest | None) -> Actor:
    """Return a user who acts in a browser.

    Args:
        user: who.
        request: None if somebody was logged in without one.
    """
    address = address_of(request) if request else ""
    return Actor(user=user.pk, name=user.username, by="session", address=address)


def account_of(user: User) -> Account:
    """Return a user as the record names him."""
    return Account(user.pk, user.username)


def account_known_as(typed: str) -> Account | None:
    """Return the account that somebody meant by a name or an e-mail address."""
    named = User.objects.filter(username=typed).first()
    found = named or (
        User.objects.filter(email__iexact=typed).order_by("pk").first()
        if "@" in typed
        else None
    )
    return account_of(found) if found else None
