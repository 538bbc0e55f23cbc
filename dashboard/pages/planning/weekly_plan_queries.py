"""Queries of the AI weekly plan: options of the brief, and plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from schedules.suggestions.weekly_plans import proposals
from schedules.suggestions.weekly_plans.proposals import WeekProposal
from studio.recipes.queries import list_recipes
from subscribers.replies import persona
from tenants.agencies.queries import Creator

LANGUAGES = ("fr", "en")
EARLIER = 5
"""Number of plans read before the newest one."""


@dataclass(frozen=True)
class WeeklyPlanView:
    """The data of one creator's plans.

    `accounts` contains the names of the channels that can publish posts, and `recipes` the names of
    the prompt templates, both keyed by ID.
    """

    now: datetime
    creator: Creator
    accounts: Mapping[str, str]
    recipes: Mapping[str, str]
    tone: str
    forbidden: tuple[str, ...]
    """Words that the creator's persona never uses."""
    monday: date
    proposals: Sequence[WeekProposal]
    """The newest plan."""
    earlier: Sequence[WeekProposal]
    """Earlier plans with undecided lines."""
    names: Mapping[UUID, str]
    """Names of all channels, disconnected ones included."""

    @property
    def text_language(self) -> str:
        """Return the interface language in which the creator's texts are written."""
        return next((one for one in self.creator.languages if one in LANGUAGES), LANGUAGES[0])

    def can_post_to(self, channel_id: UUID) -> bool:
        """Return True if posts can still be scheduled on a channel."""
        return str(channel_id) in self.accounts


def load_weekly_plan(scope: Scope, creator: Creator) -> WeeklyPlanView:
    """Return the options of a creator's brief and the plans made so far."""
    every = proposals.list_week_proposals(scope, creator.id, limit=1 + EARLIER)
    manner = persona.writing_style_of_creator(scope, creator.id)
    newest = every[:1]
    earlier = [one for one in every[1:] if one.open_lines]
    today = local_day(scope.now, creator.zone)
    theirs = queries.list_creator_channels(scope, creator.id)
    return WeeklyPlanView(
        now=scope.now,
        creator=creator,
        accounts={
            str(one.id): one.name for one in theirs if one.surface and not one.is_disconnected
        },
        recipes={str(one.id): one.name for one in list_recipes(scope, creator.id)},
        tone=manner.tone,
        forbidden=manner.forbidden,
        monday=today + timedelta(days=7 - today.weekday()),
        proposals=newest,
        earlier=earlier,
        names={one.id: one.name for one in theirs},
    )
