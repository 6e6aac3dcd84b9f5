"""django-allauth's hooks: who may sign up, what is stored, which mails go out."""

import smtplib
from typing import Any, ClassVar

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from shothub.domain.people import SignUp
from shothub.runtime.clock import now
from shothub.server.accounts import people_queries, people_services
from shothub.server.outbox.sealing import seal, unseal
from shothub.server.refusals import Refused
from shothub.server.requests import WAIT, address_of
from shothub.server.web.problems import problem_page

log = structlog.get_logger()
_STAGES = "allauth.account.stages.EmailVerificationStage"
_OURS = "shothub.server.web.people.stages.ConfirmsAddress"
_UNFIT = "The name and the password do not fit together. Check both; capitals matter."


class PeopleAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Local accounts."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _UNFIT,
        "email_password_mismatch": _UNFIT,
        "too_many_login_attempts": (
            "Too many tries that failed. Wait five minutes, then try again."
        ),
    }

    def validation_error(self, code: str, *args: object) -> ValidationError:
        """Return an error of a form; too many logins are answered with 429."""
        if code == "too_many_login_attempts":
            self.request.META[WAIT] = 300  # seconds of allauth's count by account
        error: ValidationError = super().validation_error(code, *args)
        return error

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether anybody at all may sign up."""
        return bool(settings.SHOTHUB.sign_up != SignUp.CLOSED)

    def new_user(self, request: HttpRequest) -> Any:
        """Return a user who waits to be let in."""
        user: Any = super().new_user(request)
        user.state = "pending"
        return user

    def save_user(
        self,
        request: HttpRequest,
        user: Any,
        form: BaseForm,
        commit: bool = True,  # noqa: FBT001 (as the adapter has it)
    ) -> Any:
        """Store a new user, with the invitation that he used, or neither."""
        code = form.cleaned_data.get("invitation", "")
        try:
            with transaction.atomic():
                super().save_user(request, user, form, commit)
                people_services.signed_up(user.pk, invitation=code, now=now())
        except Refused as refusal:
            page = problem_page(request, refusal, status=400)
            raise ImmediateHttpResponse(page) from None
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return where a request comes from, as all of the hub tells it."""
        return address_of(request) or str(super().get_client_ip(request))

    def get_login_stages(self) -> list[str]:
        """Return what stands between a password and a session."""
        stages = super().get_login_stages()
        return [_OURS if stage == _STAGES else stage for stage in stages]

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways in which a user may prove again that it is he."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if ways or not user.is_authenticated:
            return ways
        url = reverse("prove_elsewhere")
        return [{"id": "elsewhere", "description": "Elsewhere", "url": url}]

    def send_mail(self, template_prefix: str, email: str, context: Any) -> None:
        """Send a mail; if that fails, say so on the next page."""
        if not settings.SHOTHUB.smtp_host:
            log.warning("no mail server: a mail was not sent", mail=template_prefix)
            return
        try:
            super().send_mail(template_prefix, email, context)
        except (smtplib.SMTPException, OSError) as error:
            log.warning("mail not sent", mail=template_prefix, error=str(error))
            text = "The mail could not be sent just now. Ask again in a few minutes."
            messages.error(self.request, text)

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Say why somebody cannot log in who has shown that it is he."""
        page = {"suspended": user.state == "suspended", "why": user.suspended_why}
        return render(request, "account/account_inactive.html", page, status=403)

    def get_email_confirmation_url(
        self, request: HttpRequest, emailconfirmation: Any
    ) -> str:
        """Return the link of a mail, at the hub's own address whatever was asked for."""
        path = reverse("account_confirm_email", args=[emailconfirmation.key])
        return absolute(request, path)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a mail, at the hub's own address whatever was asked for."""
        uid, _, secret = key.partition("-")
        path = reverse("account_reset_password_from_key", args=[uid, secret])
        return absolute(self.request, path)


def absolute(request: HttpRequest, path: str) -> str:
    """Return the whole address of a page."""
    public: str = settings.SHOTHUB.public_url
    return f"{public}{path}" if public else request.build_absolute_uri(path)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors, whose secrets are stored encrypted."""

    def encrypt(self, text: str) -> str:
        """Encrypt a secret."""
        return seal(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret."""
        return unseal(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        """Return what a new key is called, unless its owner calls it otherwise."""
        return f"Key {people_queries.keys_of(user.pk) + 1}"

    def get_totp_label(self, user: Any) -> str:
        """Return what an authenticator app calls the account."""
        return str(user.username)


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Accounts with others, such as ORCID, GitHub or an institution."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Tell whether anybody at all may sign up."""
        return bool(settings.SHOTHUB.sign_up != SignUp.CLOSED)
