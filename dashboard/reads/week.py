"""A proposed week: what can be asked for, and what is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from schedules import weeks
from schedules.calendar import local_day
from schedules.weeks import Proposal
from studio import reads as studio_reads
from subscribers import persona
from tenants.reads import Creator

LANGUAGES = ("fr", "en")
EARLIER = 5
"""Proposals before the newest one that are read."""


@dataclass(frozen=True)
class Week:
    """All that is drawn for one creator; accounts where posts can stand, and recipes, by id, with their names."""

    now: datetime
    creator: Creator
    accounts: Mapping[str, str]
    recipes: Mapping[str, str]
    tone: str
    forbidden: tuple[str, ...]
    """Words her persona never uses."""
    monday: date
    proposals: Sequence[Proposal]
    """The newest one."""
    earlier: Sequence[Proposal]
    """Those before it that still have a line to decide on."""
    names: Mapping[UUID, str]
    """What people call each account, those that were disconnected too."""

    @property
    def language(self) -> str:
        """In which of our languages her words are written."""
        return next((one for one in self.creator.languages if one in LANGUAGES), LANGUAGES[0])

    def has(self, channel_id: UUID) -> bool:
        """Whether posts can still stand on an account."""
        return str(channel_id) in self.accounts


def week(scope: Scope, creator: Creator) -> Week:
    """What one creator may be proposed, and what was."""
    every = weeks.proposals(scope, creator.id, limit=1 + EARLIER)
    manner = persona.manner(scope, creator.id)
    newest, earlier = every[:1], [one for one in every[1:] if one.undecided]
    today = local_day(scope.now, creator.zone)
    theirs = channel_reads.channels_of(scope, creator.id)
    return Week(
        now=scope.now,
        creator=creator,
        accounts={str(one.id): one.name for one in theirs if one.surface and not one.left},
        recipes={str(one.id): one.name for one in studio_reads.recipes_of(scope, creator.id)},
        tone=manner.tone,
        forbidden=manner.forbidden,
        monday=today + timedelta(days=7 - today.weekday()),
        proposals=newest,
        earlier=earlier,
        names={one.id: one.name for one in theirs},
    )
