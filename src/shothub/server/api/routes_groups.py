"""Routes: groups and their members."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Path, Router

from shothub.runtime import clock
from shothub.server.accounts import member_services as services
from shothub.server.accounts.group_views import group_detail, group_list
from shothub.server.accounts.member_services import Place
from shothub.server.api.access import Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.wire.groups import (
    GroupChange,
    GroupDetail,
    GroupRequest,
    GroupView,
    MemberRequest,
)

router = Router(tags=["groups"])
READ = Needs("groups:read")
MANAGE = Needs("groups:manage")
User = Annotated[str, Path(max_length=150)]


@router.get("", response=list[GroupView], auth=READ)
def list_groups(request: Request) -> HttpResponse:
    """List one's groups; for the lab's staff all."""
    return reply_list(group_list(request.auth))


@router.post("", response={201: GroupDetail}, auth=MANAGE)
def create_group(request: Request, asked: GroupRequest) -> HttpResponse:
    """Make a group; for the lab's staff, in a browser."""
    services.create_by(request.auth, **asked.model_dump(), now=clock.now())
    return reply(group_detail(request.auth, asked.name), status=201)


@router.get("/{group}", response=GroupDetail, auth=READ)
def show_group(request: Request, group: str) -> HttpResponse:
    """Show a group, its members, and what is granted to them."""
    return reply(group_detail(request.auth, group))


@router.patch("/{group}", response=GroupDetail, auth=MANAGE)
def change_group(request: Request, group: str, asked: GroupChange) -> HttpResponse:
    """Change its title, as an owner; its weight, as staff in a browser."""
    services.change_by(request.auth, group, **asked.model_dump(), now=clock.now())
    return reply(group_detail(request.auth, group))


@router.put("/{group}/members/{user}", response=GroupDetail, auth=MANAGE)
def set_member(
    request: Request, group: str, user: User, asked: MemberRequest
) -> HttpResponse:
    """Put a user into a group or weigh him, as an owner; name owners in a browser."""
    place = Place(**asked.model_dump())
    services.set_member_by(request.auth, group, user, place, now=clock.now())
    return reply(group_detail(request.auth, group))


@router.delete("/{group}/members/{user}", response=list[GroupView], auth=MANAGE)
def remove_member(request: Request, group: str, user: User) -> HttpResponse:
    """Take a user out of a group as its owner, or leave it; one's groups are returned."""
    services.remove_member_by(request.auth, group, user, now=clock.now())
    return reply_list(group_list(request.auth))


@router.post("/{group}/default", response=list[GroupView], auth=MANAGE)
def choose_default(request: Request, group: str) -> HttpResponse:
    """Let one's jobs run on this group's allocation unless one says otherwise."""
    services.choose_default(request.auth, group, now=clock.now())
    return reply_list(group_list(request.auth))
