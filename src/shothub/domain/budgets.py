"""How much of a span of time just passed went to a class of work that has a budget."""

from dataclasses import dataclass
from math import floor

_PARTS = 60


@dataclass(frozen=True, slots=True)
class Window:
    """Machine seconds spent in the last ``span`` seconds, kept in sixtieths of the span.

    What was spent counts until its whole sixtieth is older than the span: at most a
    little too long, so that a budget never gives more than it has.

    Attributes:
        spent: number of the sixtieth since the epoch, and seconds spent in it; in order.
    """

    span: float
    spent: tuple[tuple[int, float], ...] = ()

    def used(self, now: float) -> float:
        """Return the seconds spent in the span that ends now."""
        oldest = self._oldest(now)
        return sum(seconds for part, seconds in self.spent if part >= oldest)

    def add(self, seconds: float, now: float) -> "Window":
        """Return the window with ``seconds`` more, spent until now."""
        present, oldest = floor(now * _PARTS / self.span), self._oldest(now)
        kept = {part: spent for part, spent in self.spent if part >= oldest}
        kept[present] = kept.get(present, 0.0) + seconds
        return Window(self.span, tuple(sorted(kept.items())))

    def _oldest(self, now: float) -> int:
        return floor((now - self.span) * _PARTS / self.span)
