"""The persona of a creator: the version to edit, all versions, the autonomy and the test chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from subscribers.replies import autonomy, persona, trial_chats
from subscribers.replies.autonomy import AutonomyView
from subscribers.replies.persona import PersonaSummary, PersonaVersion
from subscribers.replies.trial_chats import TrialChat
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class PersonaView:
    """The persona of a creator.

    `edited` is the newest draft after the active version, else the active version, else an empty
    persona; `source` is its ID, None for the empty one. `now` is UTC-aware.
    """

    creator: Creator
    active: PersonaSummary | None
    edited: PersonaVersion
    source: UUID | None
    versions: Sequence[PersonaSummary]
    autonomy: AutonomyView
    trial: TrialChat | None
    now: datetime


def load_persona(scope: Scope, creator: Creator, member_id: UUID) -> PersonaView:
    """Return the persona of a creator, with the member's own test chat."""
    versions = persona.list_personas(scope, creator.id)
    active = next((one for one in versions if one.state == "active"), None)
    newest = versions[0] if versions and versions[0].state == "draft" else active
    return PersonaView(
        creator=creator,
        active=active,
        edited=newest.persona
        if newest is not None
        else persona.default_persona(creator.name, creator.kind, creator.languages),
        source=newest.id if newest is not None else None,
        versions=versions,
        autonomy=autonomy.load_autonomy(scope, creator.id),
        trial=trial_chats.load_trial(scope, creator.id, member_id),
        now=scope.now,
    )
