"""Leave for others to read a job."""

from datetime import datetime

from pydantic import Field

from shothub.wire.base import Message, Reply


class ShareRequest(Message):
    """With whom to share a job: a group, or without one whoever has a link.

    Attributes:
        group: name of a group that one is in.
        days: how long the link is good.
    """

    group: str = Field("", max_length=48)
    days: float = Field(7.0, gt=0, le=365)


class JobShareView(Reply):
    """Such leave; the text of a link is shown only when it is made.

    Attributes:
        group: with whom; empty for a link.
        expires: null for a group's, which lasts until it is taken back.
        link: where to read the job, just this once.
    """

    id: int
    group: str = ""
    by: str = ""
    created: datetime
    expires: datetime | None = None
    link: str = ""
