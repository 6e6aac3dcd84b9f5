"""The sign-up form's own parts: who may sign up, and under which name."""

from typing import Any

from allauth.core import context
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.http import HttpRequest

from shothub.domain.people import may_sign_up
from shothub.runtime.clock import now
from shothub.server.accounts import people_queries

USERNAME_VALIDATORS = [
    RegexValidator(
        r"^(?!(?i:closed|new)-)[A-Za-z][A-Za-z0-9_.\-]{1,39}\Z",
        "Two to forty letters, digits, dots, dashes and underscores, beginning with a"
        " letter, and not with closed- or new-.",
    )
]


def _of_the_link() -> str:
    """Return the code of the invitation's link by which somebody came."""
    return str(context.request.session.get("invitation", ""))


class SignUpFields(forms.Form):
    """What every new user is asked for, however he proves who he is."""

    invitation = forms.CharField(
        label="Invitation code",
        initial=_of_the_link,
        required=False,
        max_length=60,
        help_text="If somebody of the lab gave you one.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse whoever may not sign up."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        typed, email = data.get("invitation", ""), data.get("email", "")
        found = people_queries.invitation(typed, email=email, now=now())
        config = settings.SHOTHUB
        if typed and found is None:
            text = "This code is not valid: mistyped, used, expired or for another address."
            self.add_error("invitation", text)
        elif email and not may_sign_up(
            config.sign_up,
            email=email,
            domains=config.sign_up_domains,
            invited=found is not None,
        ):
            invited = config.sign_up == "invited"
            self.add_error(
                "invitation" if invited else "email",
                "An account here needs an invitation from the lab."
                if invited
                else "Accounts here are for addresses of the lab's own domains, or by"
                " invitation.",
            )
        return data

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Do nothing more: the adapter has stored the user and his invitation."""
