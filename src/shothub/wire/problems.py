"""Errors over HTTP, after RFC 9457."""

from shothub.wire.base import Reply


class FaultModel(Reply):
    """One reason of a refusal, with its place; the wire form of domain.faults.Fault."""

    code: str
    detail: str
    where: str = ""
    hint: str = ""


class Problem(Reply):
    """The body of every error response (``application/problem+json``).

    Attributes:
        type: ``https://shothub.dev/problems/<code>``: an identifier, not an address.
        title: short, the same for every error of this code.
        status: the HTTP status.
        code: stable machine-readable name.
        detail: what happened this time.
        where: place of the fault, e.g. ``body.globals.tof``.
        hint: what to do about it.
        request_id: to be quoted to the lab.
        faults: all faults, where there are several.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    where: str = ""
    hint: str = ""
    request_id: str = ""
    faults: list[FaultModel] = []
