"""Django's admin pages show the hub's tables and change nothing, whoever asks."""

import pytest
from django.contrib.admin import AdminSite, ModelAdmin, site
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from tests.integration.server.hub_cast import Cast

from shothub.server.accounts.models import User
from shothub.server.web.tables import only_look


@pytest.fixture
def staff(cast: Cast, alice: Client) -> Client:
    User.objects.filter(username="alice").update(is_staff=True, is_superuser=True)
    return alice


def test_only_the_hubs_own_tables_are_there() -> None:
    models = [model.__module__ for model in site._registry]
    assert models
    assert not [module for module in models if not module.startswith("shothub.")]


def test_no_table_can_be_changed(cast: Cast) -> None:
    request = RequestFactory().get("/")
    request.user = User(is_staff=True, is_superuser=True)
    for tables in site._registry.values():
        assert not tables.has_add_permission(request)
        assert not tables.has_change_permission(request)
        assert not tables.has_delete_permission(request)


def test_without_the_guard_they_could_be() -> None:
    other = AdminSite("other")
    other.register(User, ModelAdmin)
    other.register(Session, ModelAdmin)
    request = RequestFactory().get("/")
    request.user = User(is_staff=True, is_superuser=True)
    tables = other._registry[User]
    assert tables.has_change_permission(request)
    only_look(other)
    assert not tables.has_change_permission(request)
    assert Session not in other._registry


def test_staff_cannot_set_anybodys_password(cast: Cast, staff: Client) -> None:
    bob = cast.users["bob"]
    page = f"/admin/accounts/user/{bob.pk}/password/"
    given = {"password1": "correct-horse-9", "password2": "correct-horse-9"}
    assert staff.post(page, given).status_code == 403
    bob.refresh_from_db()
    assert not bob.has_usable_password()


def test_staff_looks_at_users(staff: Client, cast: Cast) -> None:
    assert staff.get("/admin/accounts/user/").status_code == 200
    bob = cast.users["bob"].pk
    assert staff.get(f"/admin/accounts/user/{bob}/change/").status_code == 200


def test_others_do_not(bob: Client) -> None:
    assert bob.get("/admin/accounts/user/").status_code in {302, 403}
