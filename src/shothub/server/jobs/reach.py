"""Which jobs a principal may read, own and control: the one place that says so."""

from typing import Self, TypeVar

from django.apps import apps
from django.db import models

from shothub.domain.states import JOB_ENDS
from shothub.server.accounts.principals import Principal

J = TypeVar("J", bound=models.Model)


class Reach(models.QuerySet[J]):
    """What one may read, own and control of jobs.

    No credential reaches beyond the apparatus that it is good for.
    """

    def visible_to(self, principal: Principal) -> Self:
        """Return what one may read: one's own jobs, and those shared with one's groups.

        An agent sees the jobs of its apparatus.
        """
        return self.filter(_visible(principal))

    def owned_by(self, principal: Principal) -> Self:
        """Return a user's own jobs; for an agent those of its apparatus."""
        return self.filter(_own(principal))

    def shared_with(self, principal: Principal) -> Self:
        """Return the jobs of others that are shared with one's groups."""
        others = self.exclude(owner_id=principal.user)
        return others.filter(_within(principal, _shared(principal)))

    def controlled_by(self, principal: Principal) -> Self:
        """Return a user's own jobs, and those on the apparatus that he operates."""
        return self.filter(_controlled(principal))

    def watched_by(self, principal: Principal) -> Self:
        """Return what one may read or control."""
        return self.filter(_visible(principal) | _controlled(principal))

    def reviewed_by(self, principal: Principal) -> Self:
        """Return the jobs whose scripts one may read, also as a reviewer at a browser."""
        return self.filter(_visible(principal) | _reviewed(principal))

    def unfinished(self) -> Self:
        """Return the jobs that have not ended."""
        return self.exclude(state__in=[state.value for state in JOB_ENDS])


def _own(principal: Principal) -> models.Q:
    if principal.apparatus:
        return models.Q(apparatus__name=principal.apparatus)
    return _within(principal, models.Q(owner_id=principal.user))


def _visible(principal: Principal) -> models.Q:
    if principal.apparatus or not principal.groups:
        return _own(principal)
    return _own(principal) | _within(principal, _shared(principal))


def _controlled(principal: Principal) -> models.Q:
    if "queue:manage" not in principal.scopes:
        return _own(principal)
    if principal.staff:
        return _all(principal)
    kinds = principal.grants.items()
    operated = [name for name, granted in kinds if "operator" in granted]
    return _own(principal) | models.Q(apparatus__name__in=operated)


def _reviewed(principal: Principal) -> models.Q:
    if principal.token is not None:
        return models.Q(pk__in=())
    if principal.staff:
        return _all(principal)
    kinds = principal.grants.items()
    reviewed = [name for name, granted in kinds if "reviewer" in granted]
    return models.Q(apparatus__name__in=reviewed)


def _within(principal: Principal, jobs: models.Q) -> models.Q:
    """Cut jobs to the apparatus that a credential is good for."""
    if not principal.only_on:
        return jobs
    return jobs & models.Q(apparatus__name__in=sorted(principal.only_on))


def _all(principal: Principal) -> models.Q:
    # An empty Q would vanish where it is joined with others by "or".
    return _within(principal, models.Q(pk__isnull=False))


def _shared(principal: Principal) -> models.Q:
    shares = apps.get_model("jobs", "JobShare").objects
    live = shares.filter(group_id__in=principal.groups, revoked=None)
    return models.Q(pk__in=live.values("job_id"))
