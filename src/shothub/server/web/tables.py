"""Django's admin pages: the hub's own tables, to look at."""

from typing import Any

from django.contrib.admin import AdminSite


def only_look(site: AdminSite) -> None:
    """Take out of the admin pages what is not the hub's, and all that changes rows.

    Whoever could set a password, an address or a second factor there could become
    somebody else, past the record; sessions and confirmations of other packages hold
    what is needed to do so at once.
    """
    registered: dict[Any, Any] = site._registry  # noqa: SLF001  (Django has no other list)
    for model in list(registered):
        if not model.__module__.startswith("shothub."):
            site.unregister(model)
    for tables in registered.values():
        tables.has_add_permission = _never
        tables.has_change_permission = _never
        tables.has_delete_permission = _never


def _never(*_: object) -> bool:
    return False
