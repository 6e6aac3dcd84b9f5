"""Routes: who I am, and my tokens."""

from django.http import HttpResponse
from ninja import Router

from shothub.runtime import clock
from shothub.server.accounts import queries, services
from shothub.server.accounts.group_queries import groups_of
from shothub.server.api.access import ANY, Needs, Request
from shothub.server.api.replies import reply, reply_list
from shothub.server.apparatus import credentials
from shothub.server.jobs.allowances import views_of
from shothub.server.results.queries import stored_bytes
from shothub.wire.accounts import Me, NewToken, TokenRequest, TokenView

router = Router(tags=["accounts"])


@router.get("/me", response=Me, auth=Needs(ANY))
def who_am_i(request: Request) -> HttpResponse:
    """Tell who asks, what his credential may do, and what he takes of his quotas."""
    known = queries.me(request.auth)
    if request.auth.apparatus:
        return reply(known)
    quotas = views_of(request.auth, stored=stored_bytes, now=clock.now())
    more = {"groups": groups_of(request.auth), "quotas": quotas}
    return reply(known.model_copy(update=more))


@router.get("/tokens", response=list[TokenView], auth=Needs("tokens:read"))
def list_tokens(request: Request) -> HttpResponse:
    """List the user's tokens, without their secrets."""
    return reply_list(queries.tokens(request.auth))


@router.post("/tokens", response={201: NewToken}, auth=Needs("tokens:create"))
def make_token(request: Request, asked: TokenRequest) -> HttpResponse:
    """Make a token that does not exceed the credential that asks for it."""
    made = credentials.mint_by(request.auth, asked, now=clock.now())
    return reply(made, status=201)


@router.delete("/tokens/{token}", response=TokenView, auth=Needs("tokens:revoke"))
def revoke_token(request: Request, token: str) -> HttpResponse:
    """Revoke a token and every token made with it."""
    return reply(services.revoke(request.auth, ident=token, now=clock.now()))


@router.delete("/me/token", response=TokenView, auth=Needs(ANY))
def revoke_own_token(request: Request) -> HttpResponse:
    """Revoke the token that asks, and every token made with it."""
    return reply(services.revoke_own(request.auth, now=clock.now()))
