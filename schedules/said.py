"""What one account says over time, held in memory: for a file of posts, whose lines are held against each other too."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schedules import likeness
from schedules.likeness import WINDOW, Kind, Print

MOST = 50
"""Of posts with a mark in common, so many of the nearest are looked at."""


@dataclass(frozen=True)
class Alike:
    """A post that another one repeats, by when it leaves; `refused`: its place never takes the same words twice."""

    kind: Kind
    at: datetime
    refused: bool


@dataclass
class Said:
    """Posts of one account by what they are found by. `once`: it never takes the same words twice."""

    once: bool = False
    found: dict[int, list[tuple[datetime, int]]] = field(default_factory=dict)
    prints: list[Print] = field(default_factory=list)

    def add(self, at: datetime, one: Print) -> None:
        """Another post, at an instant (UTC-aware)."""
        self.prints.append(one)
        for mark in likeness.marks(one):
            insort(self.found.setdefault(mark.mark, []), (at, len(self.prints) - 1))

    def like(self, at: datetime, one: Print) -> Alike | None:
        """What a post at an instant would repeat, the surest first; None where it is new."""
        for mark in likeness.sought(one):
            for when, place in self._around(mark.mark, at):
                kind = likeness.alike(one, self.prints[place])
                refused = self.once and kind is Kind.WORDS
                if kind is not None and (refused or abs(when - at) <= WINDOW):
                    return Alike(kind, when, refused)
        return None

    def _around(self, mark: int, at: datetime) -> Iterator[tuple[datetime, int]]:
        """Those with a mark, the nearest to an instant first."""
        row = self.found.get(mark, [])
        right = bisect_left(row, (at, -1))
        left = right - 1
        for _ in range(min(MOST, len(row))):
            after = right < len(row) and (left < 0 or row[right][0] - at <= at - row[left][0])
            yield row[right] if after else row[left]
            right, left = (right + 1, left) if after else (right, left - 1)
