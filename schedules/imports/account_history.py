"""Posts of one account in memory, to find posts that an import row repeats."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from schedules.posts import text_similarity
from schedules.posts.text_similarity import SIMILARITY_WINDOW, Fingerprint, SimilarityKind

MAX_CANDIDATES_COMPARED = 50
"""Maximum number of posts compared for each shared fingerprint mark, nearest in time first."""


@dataclass(frozen=True)
class KnownDuplicate:
    """A post of the account that an import row repeats.

    `at` is its publish time (UTC-aware); `refused` means that the platform never accepts a text
    twice.
    """

    kind: SimilarityKind
    at: datetime
    refused: bool


@dataclass
class AccountTexts:
    """The posts of one account by their fingerprint marks. `once` is True if the account never
    accepts a text twice."""

    once: bool = False
    found: dict[int, list[tuple[datetime, int]]] = field(default_factory=dict)
    prints: list[Fingerprint] = field(default_factory=list)

    def add_text(self, at: datetime, one: Fingerprint) -> None:
        """Add a post at an instant (UTC-aware)."""
        self.prints.append(one)
        for mark in text_similarity.index_marks(one):
            insort(self.found.setdefault(mark.mark, []), (at, len(self.prints) - 1))

    def find_duplicate(self, at: datetime, one: Fingerprint) -> KnownDuplicate | None:
        """Return the strongest duplicate of a post at an instant, or None if there is none."""
        for mark in text_similarity.search_marks(one):
            for when, place in self._iterate_nearest(mark.mark, at):
                kind = text_similarity.compare_fingerprints(one, self.prints[place])
                refused = self.once and kind is SimilarityKind.WORDS
                if kind is not None and (refused or abs(when - at) <= SIMILARITY_WINDOW):
                    return KnownDuplicate(kind, when, refused)
        return None

    def _iterate_nearest(self, mark: int, at: datetime) -> Iterator[tuple[datetime, int]]:
        """Yield the posts with a mark, nearest in time first."""
        row = self.found.get(mark, [])
        right = bisect_left(row, (at, -1))
        left = right - 1
        for _ in range(min(MAX_CANDIDATES_COMPARED, len(row))):
            after = right < len(row) and (left < 0 or row[right][0] - at <= at - row[left][0])
            yield row[right] if after else row[left]
            right, left = (right + 1, left) if after else (right, left - 1)
