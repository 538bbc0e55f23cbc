"""A proposed week: what can be asked for, and what is proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from dashboard.reads.compose import accounts
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
    """All that is drawn for one creator; accounts and recipes by id, with their names."""

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

    @property
    def language(self) -> str:
        """In which of our languages her words are written."""
        return next((one for one in self.creator.languages if one in LANGUAGES), LANGUAGES[0])

    def account(self, channel_id: UUID) -> str:
        """What people call an account; one that is gone has no name any more."""
        return self.accounts.get(str(channel_id), "?")


def week(scope: Scope, creator: Creator) -> Week:
    """What one creator may be proposed, and what was."""
    every = weeks.proposals(scope, creator.id, limit=1 + EARLIER)
    manner = persona.manner(scope, creator.id)
    newest, earlier = every[:1], [one for one in every[1:] if one.undecided]
    today = local_day(scope.now, creator.zone)
    return Week(
        now=scope.now,
        creator=creator,
        accounts={str(one.id): one.name for one in accounts(scope, [creator])},
        recipes={str(one.id): one.name for one in studio_reads.recipes_of(scope, creator.id)},
        tone=manner.tone,
        forbidden=manner.forbidden,
        monday=today + timedelta(days=7 - today.weekday()),
        proposals=newest,
        earlier=earlier,
    )
