"""The acts that are on the record of the hub."""

from enum import StrEnum


class Act(StrEnum):
    """A security-relevant act."""

    USER_SIGNED_UP = "user.signed_up"
    USER_CREATED = "user.created"
    USER_APPROVED = "user.approved"
    USER_SUSPENDED = "user.suspended"
    USER_REINSTATED = "user.reinstated"
    USER_CLOSED = "user.closed"
    USER_EXPORTED = "user.exported"
    USER_INVITED = "user.invited"
    LOGGED_IN = "user.logged_in"
    LOGIN_FAILED = "user.login_failed"
    LOGGED_OUT = "user.logged_out"
    SESSION_ENDED = "user.session_ended"
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 (no password)
    EMAIL_CHANGED = "user.email_changed"
    SECOND_FACTOR_ADDED = "user.second_factor_added"
    SECOND_FACTOR_REMOVED = "user.second_factor_removed"
    RECOVERY_CODES_MADE = "user.recovery_codes_made"
    RECOVERY_CODE_USED = "user.recovery_code_used"
    PROVIDER_LINKED = "user.provider_linked"
    PROVIDER_UNLINKED = "user.provider_unlinked"
    REAUTHENTICATED = "user.reauthenticated"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    TOKEN_ROTATED = "token.rotated"  # noqa: S105
    DEVICE_ALLOWED = "device.allowed"
    DEVICE_DENIED = "device.denied"
    AGENT_CODE_MADE = "agent.code_made"
    AGENT_ENROLLED = "agent.enrolled"
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    MEMBER_ADDED = "group.member_added"
    MEMBER_CHANGED = "group.member_changed"
    MEMBER_REMOVED = "group.member_removed"
    GRANT_CHANGED = "grant.changed"
    QUOTA_CHANGED = "quota.changed"
    JOB_SHARED = "job.shared"
    JOB_UNSHARED = "job.unshared"
    JOB_OF_ANOTHER_CONTROLLED = "job.of_another_controlled"
    RESERVATION_OF_ANOTHER_CHANGED = "reservation.of_another_changed"
    APPARATUS_CREATED = "apparatus.created"
    APPARATUS_CONTROLLED = "apparatus.controlled"
    HOLD_LIFTED = "apparatus.hold_lifted"
    LIMITS_CHANGED = "apparatus.limits_changed"
    RESULTS_DELETED = "results.deleted"
    HUB_BACKED_UP = "hub.backed_up"
    HUB_RESTORED = "hub.restored"
