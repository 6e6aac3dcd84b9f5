"""Django's settings, made from the hub's configuration."""

import atexit
import tempfile
from pathlib import Path

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
]

MIDDLEWARE = [
    "shothub.server.requests.RequestId",
    "shothub.server.api.problems.Problems",
    "django.middleware.security.SecurityMiddleware",
    "shothub.server.sending.SendsStatic",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
            ],
        },
    }
]

DATABASES = {"default": settings_of(SHOTHUB.database.get_secret_value(), SHOTHUB.data)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SHOTHUB.behind_tls
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if SHOTHUB.behind_tls:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
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
