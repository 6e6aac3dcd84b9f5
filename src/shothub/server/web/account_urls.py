"""Addresses of signing up, logging in and one's own account."""

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as keys
from allauth.socialaccount import views as others
from allauth.urls import build_provider_urlpatterns
from django.urls import include, path, re_path

from shothub.server.web.views import people

_FACTOR = "account/second-factor"

urlpatterns = [
    path("login", account.login, name="account_login"),
    path("logout", account.logout, name="account_logout"),
    path("sign-up", account.signup, name="account_signup"),
    path("invitation/<slug:code>", people.invitation, name="invitation"),
    path("welcome", people.welcome, name="welcome"),
    path("welcome/first-job", people.first_job, name="first_job"),
    path("account", people.account, name="account"),
    path("account/close", people.close, name="account_close"),
    path("account/inactive", account.account_inactive, name="account_inactive"),
    path("account/prove", account.reauthenticate, name="account_reauthenticate"),
    path("account/prove/elsewhere", people.prove_elsewhere, name="prove_elsewhere"),
    path("account/email", account.email, name="account_email"),
    path(
        "account/email/sent",
        account.email_verification_sent,
        name="account_email_verification_sent",
    ),
    re_path(
        r"^account/email/confirm/(?P<key>[-:\w]+)$",
        account.confirm_email,
        name="account_confirm_email",
    ),
    path("account/password", account.password_change, name="account_change_password"),
    path("account/password/set", account.password_set, name="account_set_password"),
    path(
        "account/password/forgotten",
        account.password_reset,
        name="account_reset_password",
    ),
    path(
        "account/password/forgotten/sent",
        account.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^account/password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/new/done",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("account/sessions", people.Sessions.as_view(), name="usersessions_list"),
    path(_FACTOR, factors.index, name="mfa_index"),
    path(f"{_FACTOR}/ask", factors.authenticate, name="mfa_authenticate"),
    path(f"{_FACTOR}/prove", factors.reauthenticate, name="mfa_reauthenticate"),
    path(f"{_FACTOR}/app", totp.activate_totp, name="mfa_activate_totp"),
    path(f"{_FACTOR}/app/remove", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path(f"{_FACTOR}/codes", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        f"{_FACTOR}/codes/make",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        f"{_FACTOR}/codes/download",
        codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path(f"{_FACTOR}/keys", keys.list_webauthn, name="mfa_list_webauthn"),
    path(f"{_FACTOR}/keys/add", keys.add_webauthn, name="mfa_add_webauthn"),
    path(
        f"{_FACTOR}/keys/prove",
        keys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path(f"{_FACTOR}/keys/<int:pk>", keys.edit_webauthn, name="mfa_edit_webauthn"),
    path(
        f"{_FACTOR}/keys/<int:pk>/remove",
        keys.remove_webauthn,
        name="mfa_remove_webauthn",
    ),
    path("login/passkey", keys.login_webauthn, name="mfa_login_webauthn"),
    path("account/others", others.connections, name="socialaccount_connections"),
    path("account/others/sign-up", others.signup, name="socialaccount_signup"),
    path(
        "account/others/cancelled",
        others.login_cancelled,
        name="socialaccount_login_cancelled",
    ),
    path("account/others/error", others.login_error, name="socialaccount_login_error"),
    path("account/", include(build_provider_urlpatterns())),
]
