"""A fault: why something was refused or failed, said so that a person can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One reason for a refusal or a failure.

    Attributes:
        code: stable machine-readable name in snake_case, e.g. ``out_of_range``.
        detail: one sentence for a person.
        where: place of the fault: a path such as ``globals.tof`` or ``exp.py:12``.
        hint: what to do about it.
    """

    code: str
    detail: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.detail}{advice}"
