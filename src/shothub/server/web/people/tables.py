"""Tables of django-allauth that Django's admin pages do not show."""

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin


def hide() -> None:
    """Take them out of the admin pages: who changes them changes how people log in.

    Login providers come from the hub's configuration alone, an address is confirmed by its
    owner, and nobody adds a second factor to another's account.
    """
    for table in (
        EmailAddress,
        EmailConfirmation,
        Authenticator,
        SocialAccount,
        SocialApp,
        SocialToken,
        UserSession,
    ):
        if admin.site.is_registered(table):
            admin.site.unregister(table)
