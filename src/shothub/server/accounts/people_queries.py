"""Questions about people who have signed up, and about invitations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db.models import Q, QuerySet

from shothub.domain.people import enters_at_once, keys_for, plain_code
from shothub.server.accounts.models import Code, User
from shothub.server.accounts.sealing import digests_of


@dataclass(frozen=True, kw_only=True)
class Applicant:
    """Somebody who has signed up and waits for the lab.

    Attributes:
        confirmed: whether he has confirmed his address.
        proposed_key: the key that he gets unless the lab chooses another.
    """

    username: str
    email: str
    confirmed: bool
    since: datetime
    proposed_key: str


def applicants() -> list[Applicant]:
    """Return who waits for the lab's decision, the longest waiting first."""
    waiting = list(User.objects.filter(state="pending").order_by("date_joined", "pk"))
    confirmed = _confirmed([user.pk for user in waiting])
    return [
        Applicant(
            username=user.username,
            email=user.email,
            confirmed=user.pk in confirmed,
            since=user.date_joined,
            proposed_key=free_key(user.username),
        )
        for user in waiting
    ]


def _confirmed(users: Sequence[int]) -> set[int]:
    """Return who has confirmed the very address that he has given."""
    rows = EmailAddress.objects.filter(user_id__in=users, verified=True)
    known = rows.values_list("user_id", "email", "user__email")
    return {user for user, email, given in known if email.lower() == given.lower()}


def keys_of(user: int) -> int:
    """Return how many passkeys and security keys a user has."""
    kind = Authenticator.Type.WEBAUTHN
    return int(Authenticator.objects.filter(user_id=user, type=kind).count())


def has_confirmed(user: int) -> bool:
    """Tell whether a user has confirmed the address that he has given."""
    return bool(_confirmed([user]))


def free_key(username: str) -> str:
    """Return the key that suits a user name best and that nobody has."""
    return next(
        key for key in keys_for(username) if not User.objects.filter(key=key).exists()
    )


def usable(typed: str, *, email: str, now: datetime) -> QuerySet[Code]:
    """Return the invitation of a code, if the address may use it now."""
    code = plain_code(typed)
    digests = digests_of(f"invitation {code}") if code else []
    fits = Q(email="") | Q(email__iexact=email) if email else Q()
    return Code.objects.filter(
        fits, kind="invitation", digest__in=digests, used=None, expires__gt=now
    )


def invitation(typed: str, *, email: str, now: datetime) -> Code | None:
    """Return the invitation of a code as typed, if the address may use it now.

    Args:
        typed: the code.
        email: the address; empty for one that is not known yet.
        now: the present time.
    """
    return usable(typed, email=email, now=now).first()


def invitations(now: datetime) -> list[Code]:
    """Return the invitations that can still be used, newest first."""
    good = Code.objects.filter(kind="invitation", used=None, expires__gt=now)
    return list(good.select_related("by", "group").order_by("-pk"))


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a user's account is set up.

    Attributes:
        changing: the address that he is changing to and has not confirmed.
        protected: whether a second factor is asked for.
        sessions: in how many browsers he is logged in.
        others: accounts elsewhere by which he can log in.
    """

    changing: str
    protected: bool
    sessions: int
    others: int


def setup_of(user: int) -> Setup:
    """Return how a user's account is set up."""
    new = EmailAddress.objects.filter(user_id=user, verified=False).order_by("pk")
    known = User.objects.get(pk=user)
    return Setup(
        changing=new.values_list("email", flat=True).last() or "",
        protected=is_mfa_enabled(known),
        sessions=UserSession.objects.filter(user=known).count(),
        others=SocialAccount.objects.filter(user=known).count(),
    )


def other_accounts(user: int) -> list[SocialAccount]:
    """Return the accounts elsewhere by which a user can log in."""
    return list(SocialAccount.objects.filter(user_id=user).order_by("pk"))


def used_invitation(user: int) -> Code | None:
    """Return the invitation by which a user came."""
    return Code.objects.filter(kind="invitation", used_by_id=user).first()


def enters(user: User) -> bool:
    """Tell whether a user who has confirmed his address needs no approval."""
    config = settings.SHOTHUB
    return enters_at_once(
        config.sign_up,
        email=user.email,
        domains=config.sign_up_domains,
        invited=used_invitation(user.pk) is not None,
    )
