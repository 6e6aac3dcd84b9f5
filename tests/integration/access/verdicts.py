"""What the table says that an asker gets for a thing."""

from dataclasses import dataclass, replace
from enum import Enum

from tests.integration.access.rules import Rule

from shothub.domain.tokens import OPERATOR_SCOPES


class Verdict(Enum):
    """How the hub answers; but for the first, with which status."""

    DONE = "done"
    FORBIDDEN = "403"
    NOT_THERE = "404"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What the cast makes of an asker.

    Attributes:
        owner: whose things are his own.
        grouped: whether he is in Gina's group.
        operates: the apparatus that he operates.
        reviews: the apparatus whose scripts he reviews.
        staff: whether he is of the lab's staff.
        only_on: the only apparatus that his credential is good for.
        browses: whether he comes by a browser; ``proved`` if he proved lately who he is.
        runs: the apparatus of which he is the agent.
    """

    owner: str = ""
    grouped: bool = False
    operates: frozenset[str] = frozenset()
    reviews: frozenset[str] = frozenset()
    staff: bool = False
    only_on: frozenset[str] = frozenset()
    browses: bool = False
    proved: bool = False
    runs: str = ""

    def reaches(self, apparatus: str) -> bool:
        """Tell whether his credential is good for an apparatus."""
        return not self.only_on or apparatus in self.only_on


NAMED = "sim"
"""The apparatus that bodies name."""
_SIM, _OTHER = frozenset({"sim"}), frozenset({"other"})
_ALICE = Rights(owner="alice", grouped=True)
_OLGA = Rights(operates=_SIM, reviews=_SIM)
_SAM = Rights(operates=_SIM | _OTHER, reviews=_SIM | _OTHER, staff=True)
RIGHTS = {
    "alice": _ALICE,
    "alice's browser": replace(_ALICE, browses=True),
    "alice, for sim only": replace(_ALICE, only_on=_SIM),
    "alice, for other only": replace(_ALICE, only_on=_OTHER),
    "gina": Rights(owner="gina", grouped=True),
    "gina's browser": Rights(owner="gina", grouped=True, browses=True),
    "bob": Rights(owner="bob"),
    "bob's browser": Rights(owner="bob", browses=True),
    "rita, who reviews": Rights(reviews=_SIM),
    "rita's browser": Rights(reviews=_SIM, browses=True),
    "olga, who operates": _OLGA,
    "olga's browser": replace(_OLGA, browses=True),
    "olga, who has just proved it": replace(_OLGA, browses=True, proved=True),
    "olga, for other only": Rights(only_on=_OTHER),
    "sam of the staff": _SAM,
    "sam's browser": replace(_SAM, browses=True),
    "sam, who has just proved it": replace(_SAM, browses=True, proved=True),
    "the agent of sim": Rights(runs="sim"),
    "the agent of other": Rights(runs="other"),
}


def verdict(rule: Rule, scope: str, who: Rights, whose: str) -> Verdict:
    """Return what an asker gets for somebody's thing, or for none."""
    if rule.is_open:
        return Verdict.DONE
    if who.runs:
        right = _of_agent(rule, scope, who, whose)
        is_elsewhere = who.runs != NAMED
        return _of_body(rule, right, is_elsewhere=is_elsewhere)
    if "agent" in rule.whom or (scope in OPERATOR_SCOPES and not who.operates):
        return Verdict.FORBIDDEN
    right = _of_thing(rule, who, whose) if rule.of else _without_thing(rule, who)
    right = _of_body(rule, right, is_elsewhere=not who.reaches(NAMED))
    return _by(rule, who) if right is Verdict.DONE else right


def _of_body(rule: Rule, right: Verdict, *, is_elsewhere: bool) -> Verdict:
    """Return the same unless the body names an apparatus that the credential is not for."""
    refused = right is Verdict.DONE and rule.elsewhere and is_elsewhere
    return Verdict(str(rule.elsewhere)) if refused else right


def apparatus_of(kind: str, whose: str) -> str:
    """Return of which apparatus a thing is; empty for what is of none."""
    if kind in {"token", "webhook", "group"}:
        return ""
    if kind == "apparatus":
        return whose
    return "other" if whose.endswith("-elsewhere") else "sim"


def _of_agent(rule: Rule, scope: str, who: Rights, whose: str) -> Verdict:
    if "agent" not in rule.whom:
        return Verdict.DONE if scope == "any" else Verdict.FORBIDDEN
    if rule.of and apparatus_of(rule.of, whose) != who.runs:
        return Verdict.NOT_THERE
    return Verdict.DONE


def _without_thing(rule: Rule, who: Rights) -> Verdict:
    for_all = "everybody" in rule.whom
    for_him = ("operator" in rule.whom and who.operates) or (
        "staff" in rule.whom and who.staff
    )
    return Verdict.DONE if for_all or for_him else Verdict.FORBIDDEN


def _of_thing(rule: Rule, who: Rights, whose: str) -> Verdict:
    apparatus = apparatus_of(rule.of, whose)
    if apparatus and not who.reaches(apparatus):
        return Verdict.NOT_THERE
    if rule.of == "webhook" and who.only_on:
        return Verdict.NOT_THERE  # such a token has those alone that it has made itself
    is_his = _relations(rule.of, who, whose, apparatus)
    if is_his & {"owner", *rule.whom}:
        return Verdict.DONE
    return Verdict.FORBIDDEN if is_his & rule.seen else Verdict.NOT_THERE


def _relations(kind: str, who: Rights, whose: str, apparatus: str) -> set[str]:
    """Return in which ways somebody's thing is the asker's."""
    shares = kind in {"shared job", "group"} and whose == "gina" and who.grouped
    ways = {
        "everybody": True,
        "owner": kind != "apparatus" and whose.split("-")[0] == who.owner,
        "shared": shares,
        "reviewer": apparatus in who.reviews,
        "operator": apparatus in who.operates,
        "staff": who.staff,
    }
    return {way for way, holds in ways.items() if holds}


def _by(rule: Rule, who: Rights) -> Verdict:
    """Return whether his credential is of a kind that does."""
    no_token = rule.by == "token" and who.browses
    unproved = rule.by == "proof" and who.browses and not who.proved
    no_person = rule.by == "person" and not who.proved
    in_part = rule.is_whole and bool(who.only_on)
    refused = no_token or unproved or no_person or in_part
    return Verdict.FORBIDDEN if refused else Verdict.DONE
