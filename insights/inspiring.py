"""Ideas asked for from here: the results are read, and put down with the question in the room that writes it."""

from uuid import UUID

from foundation.database import Scope
from insights import lessons
from schedules import ideas
from schedules.ideas_brief import Brief
from schedules.kits_brief import LANGUAGES
from subscribers import persona
from tenants.reads import Creator


def ask(scope: Scope, creator: Creator, *, key: UUID, language: str = "") -> UUID:
    """Ask for ideas once per `key`, in one of the languages of kits; without one, the creator's first of them.

    Raises as `ideas.ask`.
    """
    manner = persona.manner(scope, creator.id)
    spoken = language or next((one for one in creator.languages if one in LANGUAGES), LANGUAGES[0])
    brief = Brief(
        creator_id=creator.id,
        language=spoken,
        results=lessons.of(scope, creator),
        about=manner.card,
        tone=manner.tone,
        forbidden=manner.forbidden,
    )
    return ideas.ask(scope, brief, key=key)
