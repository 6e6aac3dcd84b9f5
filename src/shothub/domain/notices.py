"""What people are told of, when a message is tried again, and how many mails are too many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Something that people are told of.

    Attributes:
        meaning: what has happened, in words, for pages and documents.
        audience: the ``owner`` of the job, or the ``staff`` of the apparatus.
        mailed: whether an e-mail is sent unless the user chose otherwise.
    """

    meaning: str
    audience: Literal["owner", "staff"] = "owner"
    mailed: bool = False


OCCASIONS: dict[str, Occasion] = {
    "done": Occasion(meaning="a job of yours has ended well"),
    "failed": Occasion(meaning="a job of yours has failed", mailed=True),
    "unknown": Occasion(
        meaning="nobody can know how a shot of yours ended: you choose", mailed=True
    ),
    "cancelled": Occasion(meaning="a job of yours was cancelled"),
    "expired": Occasion(meaning="a job of yours was not started in time", mailed=True),
    "reopened": Occasion(meaning="a job of yours that had ended runs again"),
    "reservation": Occasion(
        meaning="a reservation or session of yours has changed", mailed=True
    ),
    "approved": Occasion(meaning="the lab has let you in", mailed=True),
    "results_end": Occasion(
        meaning="results of yours will be deleted, as they are old", mailed=True
    ),
    "webhook": Occasion(meaning="a webhook of yours was switched off", mailed=True),
    "test": Occasion(meaning="you asked for a test message"),
    "sign_up": Occasion(
        meaning="somebody asks for an account", audience="staff", mailed=True
    ),
    "unknown_shot": Occasion(
        meaning="nobody can know how a shot ended", audience="staff", mailed=True
    ),
    "conflict": Occasion(
        meaning="an attempt was reported to have ended in two ways",
        audience="staff",
        mailed=True,
    ),
    "hold": Occasion(
        meaning="the hub holds an apparatus until an operator lifts it",
        audience="staff",
        mailed=True,
    ),
    "second_agent": Occasion(
        meaning="two agents want to speak for one apparatus",
        audience="staff",
        mailed=True,
    ),
    "machine": Occasion(
        meaning="BLACS has been in error for a while and needs a person",
        audience="staff",
        mailed=True,
    ),
}
ALWAYS = frozenset({"approved", "results_end", "webhook", "test"})
"""Occasions that cannot be chosen: whoever needs to be told of them is."""
CHOOSABLE = tuple(name for name in OCCASIONS if name not in ALWAYS)
MAILED = tuple(name for name in CHOOSABLE if OCCASIONS[name].mailed)

FIRST_DELAY = 5.0
LONGEST_DELAY = 3600.0
GIVE_UP_AFTER = timedelta(days=3)
KEPT = timedelta(days=30)
MAIL_WINDOW = timedelta(hours=1)


def seconds_to_retry(failures: int, jitter: Callable[[], float]) -> float:
    """Return after how many seconds to try again, with full jitter (Brooker, 2015).

    Args:
        failures: how often it has failed in a row, from 1.
        jitter: returns a random number in [0, 1).
    """
    # Bounded before the power: nobody needs 2**1000.
    bound = min(FIRST_DELAY * 2.0 ** min(failures - 1, 30), LONGEST_DELAY)
    return max(1.0, bound * jitter())


@dataclass(frozen=True, kw_only=True)
class Mails:
    """What to send to one user now.

    Attributes:
        take: how many of the waiting messages go into the next mail; 0 is none now.
        wait_until: when to look again, if none may be sent now.
    """

    take: int = 0
    wait_until: datetime | None = None


def next_mail(
    waiting: int, sent: Sequence[datetime], *, most: int, now: datetime
) -> Mails:
    """Return how many of a user's messages his next mail shall carry.

    Each goes alone while there is room; the last mail that the hour allows carries all
    that wait, and what comes later waits until an earlier mail is an hour old.

    Args:
        waiting: messages that wait.
        sent: when mails were sent to him, oldest first.
        most: mails in an hour.
        now: the present time.
    """
    recent = [at for at in sent if at > now - MAIL_WINDOW]
    left = most - len(recent)
    if not waiting:
        return Mails()
    if left <= 0:
        return Mails(wait_until=recent[-most] + MAIL_WINDOW)
    return Mails(take=1 if left > 1 else waiting)
