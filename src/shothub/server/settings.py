"""Django's settings, made from the hub's configuration."""

import atexit
import tempfile
from pathlib import Path
from typing import Any

from shothub.server.config import Config, is_configured, load
from shothub.server.databases import settings_of


def _throwaway() -> Config:
    """Return a configuration in a temporary folder with random secrets, for tests."""
    folder = tempfile.TemporaryDirectory(prefix="shothub-")
    atexit.register(folder.cleanup)
    return load(data=Path(folder.name))


# Without a data folder nothing is kept: `serve` always names one.
SHOTHUB: Config = load() if is_configured() else _throwaway()

BASE = Path(__file__).parent
SECRET_KEY = SHOTHUB.secret_key.get_secret_value()
DEBUG = False
ALLOWED_HOSTS = [*SHOTHUB.allowed_hosts]
if SHOTHUB.public_url:
    ALLOWED_HOSTS.append(SHOTHUB.public_url.split("://")[1].rsplit(":", 1)[0])
    CSRF_TRUSTED_ORIGINS = [SHOTHUB.public_url]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "shothub.server.audit",
    "shothub.server.accounts",
    "shothub.server.apparatus",
    "shothub.server.reservations",
    "shothub.server.outbox",
    "shothub.server.jobs",
    "shothub.server.results",
    "shothub.server.web",
    # After the pages, whose templates come first.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    *(
        f"allauth.socialaccount.providers.{kind}"
        for kind in sorted({p.kind for p in SHOTHUB.login_providers} - {"oidc"})
    ),
]

MIDDLEWARE = [
    "shothub.server.requests.RequestId",
    "shothub.server.audit.acting.ActsAsNobody",
    "shothub.server.headers.ApiHeaders",
    "shothub.server.api.problems.Problems",
    "shothub.server.limits.LimitsAddresses",
    "django.middleware.security.SecurityMiddleware",
    "shothub.server.sending.SendsStatic",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "shothub.server.audit.acting.ActsAsUser",
    "shothub.server.limits.LimitsForms",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "shothub.server.web.people.leaving.Leaving",
    "shothub.server.web.people.privacy.KeepsPrivate",
]

ROOT_URLCONF = "shothub.server.urls"
ASGI_APPLICATION = "shothub.server.asgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shothub.server.web.people.context.sign_up",
            ],
        },
    }
]

DATABASES = {"default": settings_of(SHOTHUB.database.get_secret_value(), SHOTHUB.data)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
    }.items()
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

# Counts of logins are shared by all processes of the hub.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cached",
    }
}

# Everything of django-allauth is answered for by its documentation under these names.
ACCOUNT_ADAPTER = "shothub.server.web.people.adapters.PeopleAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "shothub.server.web.people.forms.SignUpFields"
ACCOUNT_USERNAME_MIN_LENGTH = 2
ACCOUNT_USERNAME_VALIDATORS = "shothub.server.web.people.forms.USERNAME_VALIDATORS"
ACCOUNT_USERNAME_BLACKLIST = ["admin", "hub", "lab", "new", "root", "shothub", "staff"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[shothub] "
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SHOTHUB.behind_tls else "http"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_SIGNUP_REDIRECT_URL = "welcome"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the other sessions end all the same
MFA_ADAPTER = "shothub.server.web.people.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "shothub"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones differ by some seconds
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Nobody who has not confirmed an address gets as far as adding a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SHOTHUB.behind_tls
SOCIALACCOUNT_ADAPTER = "shothub.server.web.people.adapters.ProviderAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False  # the name is the user's choice
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []},
    "github": {"OAUTH_PKCE_ENABLED": True, "SCOPE": ["user:email"], "APPS": []},
    "orcid": {"APPS": []},
}
for _provider in SHOTHUB.login_providers:
    _kind = "openid_connect" if _provider.kind == "oidc" else _provider.kind
    SOCIALACCOUNT_PROVIDERS[_kind]["APPS"].append(
        {
            "provider_id": _provider.id if _provider.kind == "oidc" else "",
            "name": _provider.name,
            "client_id": _provider.client_id,
            "secret": _provider.secret.get_secret_value(),
            "settings": {"server_url": _provider.address},
        }
    )

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = SHOTHUB.session_hours * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SHOTHUB.behind_tls
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if SHOTHUB.behind_tls:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # Browsers take cookies of these names from this very host alone, and by HTTPS.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        # Browsers hold redirects after a form against this too: see people/leaving.py.
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}

# Bodies are bounded where they are read, in asgi.py.
DATA_UPLOAD_MAX_MEMORY_SIZE = SHOTHUB.max_body_bytes
EMAIL_HOST, EMAIL_PORT = SHOTHUB.smtp_host, SHOTHUB.smtp_port
EMAIL_HOST_USER = SHOTHUB.smtp_user
EMAIL_HOST_PASSWORD = SHOTHUB.smtp_password.get_secret_value()
EMAIL_USE_TLS = SHOTHUB.smtp_tls == "starttls"
EMAIL_USE_SSL = SHOTHUB.smtp_tls == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SHOTHUB.smtp_from
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
STATIC_URL = "/static/"
STATIC_ROOT = SHOTHUB.data / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
LOGGING_CONFIG = None
