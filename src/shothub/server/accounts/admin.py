"""Users and grants in Django's admin; tokens are shown, never edited."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from shothub.server.accounts.models import Grant, Token, User


class GrantInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Grant
    extra = 0


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "key", "email", "is_active", "is_staff")
    inlines = (GrantInline,)

    def get_readonly_fields(
        self, request: HttpRequest, obj: User | None = None
    ) -> tuple[str, ...]:
        """Show the key, which never changes, once it is chosen."""
        return ("key",) if obj else ()


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("ident", "kind", "name", "owner", "created", "expires", "revoked")
    exclude = ("digest", "pepper")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tokens are made where their text can be shown once."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Token | None = None
    ) -> bool:
        """Tokens are the audit trail."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Token | None = None
    ) -> bool:
        """Tokens are the audit trail."""
        return False
