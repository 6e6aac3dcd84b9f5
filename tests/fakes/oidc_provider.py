"""A real OpenID Connect provider of an institution with one member, on this machine.

It is django-allauth's own, in a process of its own:

    python tests/fakes/oidc_provider.py REDIRECT_URI

prints its address, and serves until it is told to stop. The client is ``shothub`` with
the secret ``provider-secret``; members log in at ``/login`` with ``password-9``.
"""

import sys
import tempfile
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

CLIENT, SECRET, PASSWORD = "shothub", "provider-secret", "password-9"
MEMBERS = {"nina": True, "mallory": False}
"""Names, and whether the institution has confirmed the address."""


def _key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def configure(folder: Path) -> None:
    """Set Django up as an institution's identity provider."""
    settings.configure(
        SECRET_KEY="a key of a provider that is gone in a moment",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": folder / "provider.sqlite3",
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "allauth",
            "allauth.account",
            "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        SESSION_COOKIE_NAME="provider",  # cookies know no ports
        ACCOUNT_EMAIL_VERIFICATION="none",
        LOGIN_URL="/login/",
        IDP_OIDC_PRIVATE_KEY=_key(),
        USE_TZ=True,
    )
    django.setup()
    settings.ROOT_URLCONF = (
        path("favicon.ico", lambda _: HttpResponse(status=204)),
        path("", include("allauth.idp.urls")),
        path("", include("allauth.account.urls")),
    )


def fill(redirect: str) -> None:
    """Make the members and the client."""
    call_command("migrate", verbosity=0)
    for name, confirmed in MEMBERS.items():
        user = get_user_model().objects.create_user(
            name, f"{name}@uni.example", PASSWORD
        )
        apps.get_model("account", "EmailAddress").objects.create(
            user=user, email=user.email, verified=confirmed, primary=True
        )
    kind: Any = apps.get_app_config("allauth_idp_oidc").get_model("Client")
    client = kind(
        id=CLIENT,
        name="shothub",
        scopes="openid\nprofile\nemail",
        redirect_uris=redirect,
        skip_consent=True,
    )
    client.set_secret(SECRET)
    client.save()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder))
        fill(sys.argv[1])
        application = get_wsgi_application()
        server = make_server(
            "127.0.0.1", 0, application, server_class=_Server, handler_class=_Quiet
        )
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
