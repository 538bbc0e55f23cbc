"""Starting an agency of one's own: its rows in a tenant of its own, tied to the login it was started from."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from uuid import UUID
from zoneinfo import available_timezones

from channels.events import OwnPageWanted
from dashboard.session import Viewer
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from gate import profiles
from gate.units import Rating
from subscribers import persona
from subscribers.persona import Persona
from tenants import agencies, login, staffing
from tenants import reads as tenant_reads
from tenants.roles import Role

KINDS = ("human", "virtual")
CEILINGS = (Rating.G, Rating.S, Rating.N, Rating.E)
ANSWERS = ("copilot", "autopilot")
AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
SHORTEST, LONGEST = 3, 40
"""Characters of a page's address."""


@dataclass(frozen=True)
class Answers:
    """What the seven questions came to."""

    owner: str
    email: str
    creator: str
    kind: str
    language: str
    zone: str
    ceiling: Rating
    alone: bool
    answers: str


@cache
def _cities() -> tuple[str, ...]:
    return tuple(sorted(zone for zone in available_timezones() if zone.startswith(AREAS)))


def zones(own: str) -> list[str]:
    """Every zone that is named after a place, and the person's own, which comes first."""
    return [own, *(zone for zone in _cities() if zone != own)]


def slug_of(name: str, key: UUID) -> str:
    """An address made of a name; short or foreign names get the end of `key`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST]
    return made if len(made) >= SHORTEST else f"{made}-{key.hex[-6:]}".strip("-")


def check(answers: Answers) -> None:
    """Raises BadInput for what is missing."""
    if not answers.creator.strip() or not answers.owner.strip() or "@" not in answers.email.strip("@ "):
        raise BadInput("start.incomplete")


def found(key: UUID, who: Viewer, answers: Answers, *, tenant: OpenScope) -> str:
    """Make the agency, its creator and its owner, once per `key`; returns the secret of a link into it.

    Raises BadInput for answers nobody can use, Refused for a name that may stand on no page. Killed half-way, a repeat
    of the same press goes on.
    """
    check(answers)
    with tenant(key, f"start:{who.member.id}") as scope:
        # Streamlit begins a second press in a thread of its own while the first still writes.
        scope.hold(f"founding:{key}")
        if not _is_there(scope):
            profiles.check(scope, (answers.creator,))
            _write(scope, key, answers)
        owner = next(one for one in tenant_reads.members(scope) if one.role is Role.OWNER)
        login.tie(scope, owner.id, who.tenant_id, who.member.id)
        secret = login.invite(scope, owner.id)
    with tenant(who.tenant_id, who.actor) as scope:
        login.tie(scope, who.member.id, key, owner.id)
    return secret


def _is_there(scope: Scope) -> bool:
    try:
        tenant_reads.agency(scope)
    except NotFound:
        return False
    return True


def _write(scope: Scope, key: UUID, answers: Answers) -> None:
    name = answers.creator.strip()[:80]
    agencies.found(scope, name=name, language=answers.language, zone=answers.zone)
    slug = slug_of(name, key)
    creator_id = agencies.add_creator(
        scope,
        slug=slug,
        name=name,
        kind=answers.kind,
        zone=answers.zone,
        languages=(answers.language,),
        rating_ceiling=str(answers.ceiling),
        approval_tiers=0 if answers.alone else 1,
    )
    staffing.bring_in(
        scope,
        name=answers.owner,
        email=answers.email,
        role=Role.OWNER,
        language=answers.language,
        zone=answers.zone,
    )
    written = persona.write(scope, creator_id, _persona(name, answers))
    persona.activate(scope, written)
    wanted = OwnPageWanted(scope.tenant_id, creator_id, slug=slug)
    outbox.put(scope, wanted, priority=1, dedupe=f"own_page:{creator_id}")


def _persona(name: str, answers: Answers) -> Persona:
    """Who answers fans: the character itself where it is virtual, else the assistant of a person's team."""
    return Persona(
        name=name,
        virtual=answers.kind == "virtual",
        card=name,
        voice="",
        languages=(answers.language,),
        level="autopilot" if answers.answers == "autopilot" else "copilot",
    )
