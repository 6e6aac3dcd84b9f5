"""What each scope lets a program do, in words for people."""

from collections.abc import Mapping

SCOPES: Mapping[str, str] = {
    "apparatus:read": "see apparatus and procedures",
    "jobs:read": "see your jobs",
    "jobs:submit": "submit jobs",
    "jobs:cancel": "cancel your jobs",
    "results:read": "read results and images",
    "files:read": "download files",
    "notifications:manage": "choose what you are told of, by mail and by webhooks",
    "reservations:book": "book and cancel time",
    "groups:read": "see your groups and who is in them",
    "groups:manage": "manage the members of groups that you own",
    "jobs:share": "let others read your jobs",
    "tokens:read": "list your tokens",
    "tokens:create": "make tokens",
    "tokens:revoke": "revoke tokens",
    "apparatus:control": "pause, drain and resume apparatus",
    "queue:manage": "hold any job, decide about unknown shots",
    "metrics:read": "read the hub's metrics",
}
USUAL = frozenset(list(SCOPES)[:6])
"""What most programs need."""
