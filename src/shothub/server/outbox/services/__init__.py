"""What can be done with messages; most of the hub only tells."""

from shothub.server.outbox.services.telling import hears, tell, tell_all, tell_staff

__all__ = ["hears", "tell", "tell_all", "tell_staff"]
