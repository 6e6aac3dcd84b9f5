"""What stands between a password and a session."""

from typing import Any

from allauth.account.stages import EmailVerificationStage


class ConfirmsAddress(EmailVerificationStage):  # type: ignore[misc]
    """Asks new users to confirm their address; whoever entered once has an account.

    Users whom the lab made itself may have no address at all.
    """

    def handle(self) -> tuple[Any, bool]:
        """Return an answer to show, and whether the login goes on."""
        user = self.login.user
        if user is not None and user.state != "pending":
            return None, True
        if user is not None:
            # A provider may have confirmed another address than the one he has given.
            self.login.email = user.email
        return super().handle()  # type: ignore[no-any-return]
