"""The brief of a weekly plan: goal, tone, accounts, days and topics. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.errors import BadInput
from foundation.i18n.web_addresses import is_web_address
from schedules.suggestions.shared.forbidden_words import reject_forbidden_words
from schedules.suggestions.shared.results import MeasuredResults

MAX_WEEK_POSTS = 21
"""Maximum number of posts of one week: three a day."""

MAX_FORBIDDEN_WORDS = 200
"""Maximum number of characters in a goal, tone or topic, and maximum number of forbidden words."""

MAX_LINK_LENGTH = 500
DAYS_PER_WEEK = 7


@dataclass(frozen=True)
class WeekBrief:
    """A request for `count` posts on these accounts, on these weekdays (0 is Monday) from `first`
    on.

    `language` is "fr" or "en"; `forbidden` are words that the creator never uses. `recipes` and
    `topics` are assigned to the posts in turn.
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
    results: MeasuredResults | None = None
    """Results of earlier posts that the plan uses, filled in when the plan is requested."""

    @property
    def posting_days(self) -> list[date]:
        """The days of the week that have posts, in order."""
        week = (self.first + timedelta(days=number) for number in range(DAYS_PER_WEEK))
        return [day for day in week if day.weekday() in self.weekdays]

    def topic_of_line(self, number: int) -> str:
        """Return the topic of a post by its number (from 0), or "" without topics."""
        return self.topics[number % len(self.topics)] if self.topics else ""

    def check_brief(self) -> None:
        """Raise BadInput for an incomplete brief, excessive lengths and forbidden words."""
        if not (self.goal or self.topics):
            raise BadInput("week.no_goal").about("goal")
        if not self.channels:
            raise BadInput("compose.no_account").about("accounts")
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
        if self.link and not (len(self.link) <= MAX_LINK_LENGTH and is_web_address(self.link)):
            raise BadInput("week.link_wrong").about("link")
        reject_forbidden_words(" \n ".join([self.goal, *self.topics]), self.forbidden)
