"""The SDK and the command line of users."""

from shothub.client.apparatus import Apparatus
from shothub.client.errors import (
    Conflict,
    DamagedDownload,
    Forbidden,
    HubFailed,
    HubRefused,
    HubUnreachable,
    JobCancelled,
    JobFailed,
    NotFound,
    NotLoggedIn,
    RateLimited,
    Refused,
    SessionOver,
    ShothubError,
    StillUnfinished,
    Unauthorized,
    UnexpectedAnswer,
    UnsafeProfile,
)
from shothub.client.hub import Hub
from shothub.client.job import Job, Jobs
from shothub.client.reservation import Reservation, Reservations
from shothub.client.retries import Manner
from shothub.client.scans import linspace, values
from shothub.client.turn import Turn
from shothub.domain.scans import Scan

__all__ = [
    "Apparatus",
    "Conflict",
    "DamagedDownload",
    "Forbidden",
    "Hub",
    "HubFailed",
    "HubRefused",
    "HubUnreachable",
    "Job",
    "JobCancelled",
    "JobFailed",
    "Jobs",
    "Manner",
    "NotFound",
    "NotLoggedIn",
    "RateLimited",
    "Refused",
    "Reservation",
    "Reservations",
    "Scan",
    "SessionOver",
    "ShothubError",
    "StillUnfinished",
    "Turn",
    "Unauthorized",
    "UnexpectedAnswer",
    "UnsafeProfile",
    "linspace",
    "values",
]
