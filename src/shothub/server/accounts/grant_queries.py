"""Questions about what is granted, to whom, and where."""

from dataclasses import dataclass

from django.db.models import QuerySet

from shothub.server.accounts.models import Grant, Group, User
from shothub.server.refusals import Invalid


@dataclass(frozen=True, kw_only=True)
class Whom:
    """A user, or every member of a group."""

    user: User | None = None
    group: Group | None = None

    def __post_init__(self) -> None:
        if (self.user is None) == (self.group is None):
            raise ValueError("a grant is to a user or to a group")

    @property
    def words(self) -> str:
        """Whom, for the record."""
        return f"group {self.group.name}" if self.group else f"user {self.user}"


def whom_named(*, user: str = "", group: str = "") -> Whom:
    """Return the user or the group of a name.

    Raises:
        Invalid: there is none, or not just one was named.
    """
    if bool(user) == bool(group):
        raise Invalid("Name a user or a group.", code="bad_value", where="user")
    if group:
        whole = Group.objects.filter(name=group).first()
        if whole is None:
            raise Invalid(
                f"There is no group {group[:48]!r}.",
                code="unknown_group",
                where="group",
            )
        return Whom(group=whole)
    person = User.objects.filter(username=user).first()
    if person is None:
        raise Invalid(
            f"There is no user {user[:150]!r}.", code="unknown_user", where="user"
        )
    return Whom(user=person)


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What somebody may do on an apparatus.

    Attributes:
        user, group: name of whom; the other is empty.
        kinds: what is granted besides procedures.
        procedures: names of the only ones; None for all.
    """

    apparatus: str
    user: str = ""
    group: str = ""
    kinds: list[str]
    procedures: list[str] | None


def grants_on(apparatus: str) -> list[Granted]:
    """Return all grants on an apparatus, those of groups first."""
    return _views(Grant.objects.filter(apparatus=apparatus))


def grants_to(group: Group) -> list[Granted]:
    """Return what is granted to the members of a group, by apparatus."""
    return _views(Grant.objects.filter(group=group))


def all_grants() -> list[Granted]:
    """Return every grant, by apparatus."""
    return _views(Grant.objects.all())


def _views(rows: "QuerySet[Grant]") -> list[Granted]:
    found = rows.select_related("user", "group")
    views = [
        Granted(
            apparatus=row.apparatus,
            user=row.user.username if row.user else "",
            group=row.group.name if row.group else "",
            kinds=row.kinds(),
            procedures=row.procedures,
        )
        for row in found
    ]
    return sorted(views, key=lambda view: (view.apparatus, view.user, view.group))
