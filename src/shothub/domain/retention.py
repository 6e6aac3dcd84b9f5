"""When results are deleted: never without having told their owner long enough before."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long results stay.

    Attributes:
        keep: after the end of their job.
        warn: from when their owner is told until they are deleted, at least.
    """

    keep: timedelta
    warn: timedelta

    def told_from(self, now: datetime) -> datetime:
        """Return until when a job must have ended for its owner to be told now."""
        return now - self.keep + self.warn

    def over_from(self, now: datetime) -> datetime:
        """Return until when a job must have ended for its results to be old now."""
        return now - self.keep


def policy_of(keep_days: int, warn_days: int) -> Policy | None:
    """Return the policy of a configuration; None if results are never deleted."""
    if not keep_days:
        return None
    return Policy(keep=timedelta(days=keep_days), warn=timedelta(days=warn_days))


def end_of_results(policy: Policy, ended: datetime, now: datetime) -> datetime:
    """Return when results are to be deleted of which their owner is told now.

    Where the policy is new, or was shortened, they stay as long as a warning needs.
    """
    return max(ended + policy.keep, now + policy.warn)
