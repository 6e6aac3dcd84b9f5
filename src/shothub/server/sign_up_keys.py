"""Configuration of who may make an account for himself, and where else he may log in."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings

from shothub.domain.people import SignUp


class LoginProvider(BaseModel):
    """Somebody else with whom people may log in.

    Attributes:
        kind: ``oidc`` for any provider that speaks OpenID Connect, an institution's for
            example; ``orcid``; ``github``.
        id: part of the address to which the provider sends people back:
            ``<public_url>/account/oidc/<id>/login/callback/`` for ``oidc``.
        name: what the button says.
        address: of an ``oidc`` provider, its issuer.
        client_id, secret: what the provider gave for this hub.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["oidc", "orcid", "github"]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9\-]{0,40}$")] = "oidc"
    name: Annotated[str, Field(min_length=1, max_length=40)]
    address: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    client_id: Annotated[str, Field(min_length=1)]
    secret: SecretStr

    @model_validator(mode="after")
    def _has_address(self) -> "LoginProvider":
        if self.kind == "oidc" and not self.address:
            raise ValueError("an oidc provider needs an address")
        return self


class SignUpKeys(BaseSettings):
    """The part of the hub's configuration that is about new people.

    Attributes:
        sign_up: ``closed``, ``invited``, ``domain``, ``approval`` or ``open``.
        sign_up_domains: domains of addresses that ``domain`` lets in; ``*.example.org``
            for all below one.
        invitation_days: how long an invitation is good.
        login_providers: with whom else people may log in.
    """

    sign_up: SignUp = SignUp.CLOSED
    sign_up_domains: list[str] = []
    invitation_days: Annotated[int, Field(ge=1, le=365)] = 14
    login_providers: list[LoginProvider] = []

    @field_validator("login_providers")
    @classmethod
    def _are_told_apart(cls, value: list[LoginProvider]) -> list[LoginProvider]:
        names = [p.id if p.kind == "oidc" else p.kind for p in value]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(
                f"{min(twice)!r} is there twice; give each an id of its own"
            )
        return value
