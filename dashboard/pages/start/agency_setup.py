"""Creation of a new agency: its rows in a new tenant, linked to the login that created it."""

from dataclasses import dataclass, replace
from uuid import UUID

from channels.creators import profiles
from channels.creators.profiles import NewCreator
from dashboard.shell.session import Viewer
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from gate.contract.units import Rating
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies import agencies, agency_settings, queries
from tenants.agencies.names import normalize_email, normalize_name
from tenants.agencies.rights import Role
from tenants.auth import members, sessions

CREATOR_KINDS = ("human", "virtual")
RATING_CEILINGS = (Rating.G, Rating.S, Rating.N, Rating.E)
REPLY_MODES = ("copilot", "autopilot")


@dataclass(frozen=True)
class CreatorSetup:
    """The answers about the first creator. `alone` publishes without approval by another member,
    and `answers` is one of `REPLY_MODES`."""

    name: str
    kind: str
    language: str
    zone: str
    ceiling: Rating
    alone: bool
    answers: str


@dataclass(frozen=True)
class AgencySetup:
    """The answers of the form in a demo agency."""

    owner: str
    email: str
    creator: str
    kind: str
    language: str
    zone: str
    ceiling: Rating
    alone: bool
    answers: str

    @property
    def first_creator(self) -> CreatorSetup:
        """Return the answers about the creator."""
        return CreatorSetup(
            self.creator,
            self.kind,
            self.language,
            self.zone,
            self.ceiling,
            self.alone,
            self.answers,
        )


def check_setup(answers: AgencySetup) -> None:
    """Raise BadInput if a required answer is missing or is no email address."""
    if not answers.creator.strip() or not answers.owner.strip() or not answers.email.strip():
        raise BadInput("start.incomplete")
    normalize_email(answers.email)


def set_up_agency(key: UUID, who: Viewer, answers: AgencySetup, *, tenant: OpenScope) -> str:
    """Create an agency with its creator and owner, at most once per `key`, and return the secret of
    a sign-in link to it.

    Raise BadInput for incomplete answers and Refused for a name that must not appear on a page. If
    the process dies halfway, a repeat with the same `key` completes the setup.
    """
    check_setup(answers)
    with tenant(key, f"start:{who.member.id}") as scope:
        # Streamlit handles a second click in a new thread while the first one still writes.
        scope.lock(f"founding:{key}")
        if not _has_agency(scope):
            _create_agency(scope, answers)
        owner = next(one for one in queries.list_members(scope) if one.role is Role.OWNER)
        sessions.link_logins(scope, owner.id, who.tenant_id, who.member.id)
        secret = sessions.create_sign_in_link(scope, owner.id)
    with tenant(who.tenant_id, who.actor) as scope:
        sessions.link_logins(scope, who.member.id, key, owner.id)
    return secret


def _has_agency(scope: Scope) -> bool:
    try:
        queries.get_agency(scope)
    except NotFound:
        return False
    return True


def _create_agency(scope: Scope, answers: AgencySetup) -> None:
    name = normalize_name(answers.creator.strip()[:80])
    agencies.create_agency(scope, name=name, language=answers.language, zone=answers.zone)
    scope.session.flush()
    members.invite_member(
        scope,
        name=answers.owner,
        email=answers.email,
        role=Role.OWNER,
        language=answers.language,
        zone=answers.zone,
    )
    add_first_creator(scope, answers.first_creator)


def add_first_creator(scope: Scope, answers: CreatorSetup) -> UUID:
    """Add the first creator with a persona and request the creator's page, and return its ID. If
    the agency has a creator, return its ID and add none, so that a repeated press has no effect.

    Raises BadInput for a missing or invalid name, and Refused for a name that must not appear on a
    page.
    """
    scope.lock(f"first_creator:{scope.tenant_id}")
    existing = queries.list_creators(scope)
    if existing:
        return existing[0].id
    name = normalize_name(answers.name.strip()[:80])
    tiers = 0 if answers.alone else 1
    defaults = agency_settings.get_creator_defaults(scope)
    agency_settings.set_creator_defaults(scope, replace(defaults, approval_tiers=tiers))
    creator = NewCreator(
        name=name,
        kind=answers.kind,
        zone=answers.zone,
        languages=(answers.language,),
        rating_ceiling=str(answers.ceiling),
        approval_tiers=tiers,
    )
    creator_id = profiles.add_creator(scope, creator, key=scope.tenant_id)
    written = persona.create_persona_version(scope, creator_id, _build_persona(name, answers))
    persona.activate_persona(scope, written)
    return creator_id


def _build_persona(name: str, answers: CreatorSetup) -> PersonaVersion:
    """Return the persona that answers fans: a virtual creator answers under its name, a human
    creator has an assistant that answers for the team."""
    return PersonaVersion(
        name=name,
        virtual=answers.kind == "virtual",
        card=name,
        voice="",
        languages=(answers.language,),
        level="autopilot" if answers.answers == "autopilot" else "copilot",
    )
