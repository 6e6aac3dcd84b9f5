"""Granting: what users and groups may do on an apparatus."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from shothub.domain.acts import Act
from shothub.domain.names import is_slug
from shothub.server.accounts.grant_queries import Whom
from shothub.server.accounts.models import KINDS, ROLES, Grant, Group, User
from shothub.server.accounts.principals import Principal
from shothub.server.accounts.proofs import require_person
from shothub.server.audit.services import Account, record
from shothub.server.refusals import Forbidden, Invalid

_MOST_PROCEDURES = 500


class RolesAreForUsers(Invalid):
    """A role is a person's: grant it to users, not to groups."""

    code = "role_to_group"


def grant(
    *,
    apparatus: str,
    now: datetime,
    user: User | None = None,
    group: Group | None = None,
    **kinds: bool | None,
) -> None:
    """Set what a user or a group may do on an apparatus.

    Args:
        apparatus: its name.
        now: the present time.
        user: to whom, unless it is to a group.
        group: to whose members.
        kinds: ``scripts``, ``relay``, ``hdf5``, ``reviewer``, ``operator``, ``admin``;
            None, or what is left out, stays as it is.

    Raises:
        RolesAreForUsers: a role is granted to a group.
        Invalid: there is no such kind.
    """
    given = {kind: value for kind, value in kinds.items() if value is not None}
    set_grant(Whom(user=user, group=group), apparatus, given, now=now)


def set_grant(
    whom: Whom, apparatus: str, given: Mapping[str, Any], *, now: datetime
) -> None:
    """Set kinds of a grant, and its ``procedures``; one that grants nothing is removed.

    Raises:
        RolesAreForUsers: a role is granted to a group.
        Invalid: there is no such kind, or a procedure's name is none.
    """
    unknown = given.keys() - {*KINDS, "procedures"}
    if unknown:
        raise Invalid(f"There is no grant {min(unknown)!r}.", where=min(unknown))
    if whom.group and any(given.get(role) for role in ROLES):
        raise RolesAreForUsers(
            "A role is a person's: grant it to users, not to groups.", where="role"
        )
    with transaction.atomic():
        row = _locked(whom, apparatus)
        before = _said(row)
        for name, value in given.items():
            setattr(row, name, _procedures(value) if name == "procedures" else value)
        after = _said(row)
        if before == after:
            return
        if row.kinds() or row.procedures is not None:
            row.save()
        else:
            row.delete()
        subject = Account(whom.user.pk, whom.user.username) if whom.user else None
        record(
            Act.GRANT_CHANGED,
            now=now,
            subject=subject,
            on=f"{whom.words} on {apparatus}",
            detail={"before": before, "after": after},
        )


def set_grant_by(
    principal: Principal,
    whom: Whom,
    apparatus: str,
    given: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Set a grant by right of an apparatus's admin, who has just proved who he is.

    Raises:
        Forbidden: he is no admin of the apparatus, a token asks, or his proof is old.
        RolesAreForUsers, Invalid: as of ``set_grant``.
    """
    require_admin(principal, apparatus)
    require_person(principal, now)
    set_grant(whom, apparatus, given, now=now)


def require_admin(principal: Principal, apparatus: str) -> None:
    """Refuse who is no admin of the apparatus.

    Raises:
        Forbidden: the lab has not made the user an admin of it.
    """
    if not principal.may("admin", apparatus):
        raise Forbidden(
            f"The lab has not made you an admin of {apparatus!r}.",
            code="admin_not_granted",
        )


def _locked(whom: Whom, apparatus: str) -> Grant:
    """Return the row of a grant, new if there is none, with its owner's row locked."""
    if whom.user:
        User.objects.select_for_update(no_key=True).get(pk=whom.user.pk)
    elif whom.group:
        Group.objects.select_for_update(no_key=True).get(pk=whom.group.pk)
    rows = Grant.objects.filter(user=whom.user, group=whom.group, apparatus=apparatus)
    found = rows.first()
    return found or Grant(user=whom.user, group=whom.group, apparatus=apparatus)


def _said(row: Grant) -> dict[str, object]:
    said: dict[str, object] = {"kinds": row.kinds()}
    return said if row.procedures is None else {**said, "procedures": row.procedures}


def _procedures(names: Sequence[str] | None) -> list[str] | None:
    if names is None:
        return None
    if len(names) > _MOST_PROCEDURES:
        raise Invalid(
            f"{len(names)} procedures are named; {_MOST_PROCEDURES} are allowed.",
            code="too_many",
            where="procedures",
        )
    for name in names:
        if not is_slug(name):
            raise Invalid(
                f"{name[:48]!r} cannot be a procedure.",
                code="bad_name",
                where="procedures",
                hint="lower-case letters, digits, - and _, beginning with a letter",
            )
    return sorted(set(names))
