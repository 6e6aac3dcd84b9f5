"""Groups: people who share an allocation, and who manages them."""

from pydantic import Field

from shothub.wire.base import Message, Reply


class GroupView(Reply):
    """A group as somebody sees it.

    Attributes:
        weight: its part of the machine, relative to others.
        members: how many are in it.
        is_member, is_default, is_owner: one's own part in it.
    """

    name: str
    title: str = ""
    weight: float
    members: int
    is_member: bool = False
    is_default: bool = False
    is_owner: bool = False


class MemberView(Reply):
    """A member; ``weight`` is his part of the group's machine time."""

    user: str
    key: str = ""
    weight: float
    is_owner: bool = False


class GrantView(Reply):
    """What the members of a group may do on an apparatus.

    Attributes:
        kinds: ``scripts``, ``relay``, ``hdf5``.
        procedures: names of the only procedures; None for all.
    """

    apparatus: str
    kinds: list[str] = []
    procedures: list[str] | None = None


class BoundView(Reply):
    """A bound on what the group as a whole may take.

    Attributes:
        what: ``machine_week`` for example; times are seconds, ``stored`` is bytes.
        apparatus: where alone it counts; empty for all together.
    """

    what: str
    limit: float
    apparatus: str = ""


class GroupDetail(GroupView):
    """A group with its members, what is granted to them, and what bounds them."""

    people: list[MemberView] = []
    grants: list[GrantView] = []
    bounds: list[BoundView] = []


class MemberRequest(Message):
    """A place in a group; what is not given stays as it is."""

    weight: float | None = None
    is_owner: bool | None = None


class GroupRequest(Message):
    """A group to be made."""

    name: str = Field(max_length=48)
    title: str = Field("", max_length=200)
    weight: float = 1.0


class GroupChange(Message):
    """What is to change of a group; what is not given stays as it is."""

    title: str | None = Field(None, max_length=200)
    weight: float | None = None
