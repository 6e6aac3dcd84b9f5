"""Acts on record, in words for people and as files."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

from shothub.domain.acts import Act
from shothub.server.audit.queries import Recorded

WORDS = {
    Act.USER_SIGNED_UP: "signed up",
    Act.USER_CREATED: "account made by the lab",
    Act.USER_APPROVED: "account approved",
    Act.USER_SUSPENDED: "account suspended",
    Act.USER_REINSTATED: "account let in again",
    Act.USER_CLOSED: "account closed",
    Act.USER_EXPORTED: "account's data exported",
    Act.USER_INVITED: "invitation made",
    Act.LOGGED_IN: "logged in",
    Act.LOGIN_FAILED: "login failed",
    Act.LOGGED_OUT: "logged out",
    Act.SESSION_ENDED: "session ended",
    Act.PASSWORD_CHANGED: "password changed",
    Act.EMAIL_CHANGED: "new e-mail address confirmed",
    Act.SECOND_FACTOR_ADDED: "second factor added",
    Act.SECOND_FACTOR_REMOVED: "second factor removed",
    Act.RECOVERY_CODES_MADE: "recovery codes made",
    Act.RECOVERY_CODE_USED: "recovery code used",
    Act.PROVIDER_LINKED: "other account linked",
    Act.PROVIDER_UNLINKED: "other account unlinked",
    Act.REAUTHENTICATED: "proved again who it is",
    Act.TOKEN_CREATED: "token made",
    Act.TOKEN_REVOKED: "token revoked",
    Act.TOKEN_ROTATED: "token rotated",
    Act.DEVICE_ALLOWED: "program let in",
    Act.DEVICE_DENIED: "program turned away",
    Act.AGENT_CODE_MADE: "code for an agent made",
    Act.AGENT_ENROLLED: "agent enrolled",
    Act.GROUP_CREATED: "group made",
    Act.GROUP_CHANGED: "group changed",
    Act.MEMBER_ADDED: "member added",
    Act.MEMBER_CHANGED: "member changed",
    Act.MEMBER_REMOVED: "member removed",
    Act.GRANT_CHANGED: "grant changed",
    Act.QUOTA_CHANGED: "quota changed",
    Act.JOB_SHARED: "job shared",
    Act.JOB_UNSHARED: "job no longer shared",
    Act.JOB_OF_ANOTHER_CONTROLLED: "job of another controlled",
    Act.RESERVATION_OF_ANOTHER_CHANGED: "reservation of another changed",
    Act.APPARATUS_CREATED: "apparatus made",
    Act.APPARATUS_CONTROLLED: "apparatus controlled",
    Act.HOLD_LIFTED: "hold lifted",
    Act.LIMITS_CHANGED: "limits changed",
    Act.RESULTS_DELETED: "results deleted",
    Act.HUB_BACKED_UP: "hub backed up",
    Act.HUB_RESTORED: "hub restored",
}
_COLUMNS = ("number", "at", "what", "actor", "by", "subject", "on", "address", "detail")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def words_of(what: str) -> str:
    """Return an act in words; one of a newer version as it is."""
    return WORDS[Act(what)] if what in set(Act) else what


def detail_of(act: Recorded) -> str:
    """Return what else is known of an act, on one line."""
    said = ((name, _value(value)) for name, value in act.detail.items())
    return "; ".join(f"{name}: {value}" for name, value in said if value)


def _value(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_value, value))
        case dict():
            named = ((name, _value(each)) for name, each in value.items())
            return ", ".join(f"{name} {each or 'none'}" for name, each in named)
        case str() if _MOMENT.fullmatch(value):
            return f"{value[:10]} {value[11:16]} UTC"
    return str(value)


def as_csv(acts: Iterable[Recorded]) -> Iterator[str]:
    """Yield lines of a table, in which no cell is a formula for a spreadsheet."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(_COLUMNS)
    for act in acts:
        yield _taken(line)
        row = act.plain() | {"detail": json.dumps(act.detail)}
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
    yield _taken(line)


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_json(acts: Iterable[Recorded]) -> Iterator[str]:
    """Yield one JSON document a line."""
    for act in acts:
        yield json.dumps(act.plain()) + "\n"
