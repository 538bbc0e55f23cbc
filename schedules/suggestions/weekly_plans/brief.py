"""The brief a week is proposed from: what for, in which tone, where, on which days, about what.
Pure."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.errors import BadInput
from schedules.suggestions.shared.forbidden_words import reject_forbidden_words

MAX_WEEK_POSTS = 21
"""Posts of one week: three a day."""

MAX_FORBIDDEN_WORDS = 200
"""Characters of a goal, a tone or a topic; words that are never used are at most so many."""

MAX_LINK_LENGTH = 500
DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class WeekBrief:
    """What somebody asks for: `count` posts on these accounts, on these days of the week (0 is
    Monday) from `first` on.

    `language` is "fr" or "en"; `forbidden` are words the creator never uses; of `recipes` one is
    taken for each post in turn, of `topics` as well.
    """

    creator_id: UUID
    goal: str
    tone: str
    language: str
    channels: tuple[UUID, ...]
    first: date
    weekdays: tuple[int, ...]
    count: int
    topics: tuple[str, ...] = ()
    link: str = ""
    recipes: tuple[UUID, ...] = ()
    forbidden: tuple[str, ...] = ()

    @property
    def posting_days(self) -> list[date]:
        """The days of its week, in order."""
        week = (self.first + timedelta(days=number) for number in range(DAYS_PER_WEEK))
        return [day for day in week if day.weekday() in self.weekdays]

    def topic_of_line(self, number: int) -> str:
        """What its post number so many (from 0) is about; nothing where no topic was given."""
        return self.topics[number % len(self.topics)] if self.topics else ""

    def check_brief(self) -> None:
        """Raise BadInput for what nobody could plan from, and for a word that is never used."""
        if not (self.goal or self.topics):
            raise BadInput("week.no_goal")
        if not self.channels:
            raise BadInput("compose.no_account")
        if not self.posting_days:
            raise BadInput("week.no_days")
        if not 1 <= self.count <= MAX_WEEK_POSTS:
            raise BadInput("week.too_many", most=MAX_WEEK_POSTS)
        texts = [self.goal, self.tone, *self.topics]
        if (
            len(self.topics) > MAX_WEEK_POSTS
            or len(self.forbidden) > MAX_FORBIDDEN_WORDS
            or any(len(one) > MAX_FORBIDDEN_WORDS for one in texts)
        ):
            raise BadInput("week.too_long", most=MAX_FORBIDDEN_WORDS)
        if self.link and not re.fullmatch(rf"https?://\S{{1,{MAX_LINK_LENGTH}}}", self.link):
            raise BadInput("week.link_wrong")
        reject_forbidden_words(" \n ".join([self.goal, *self.topics]), self.forbidden)
