"""Creators at the terminal: the same functions as the page and the API, for the installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from channels.creators import profiles
from channels.creators.profiles import MAX_AVATAR_BYTES, NewCreator
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from schedules.publishing import creator_handles
from studio.costs import quotas
from tenants.agencies import creators, names, queries
from tenants.agencies.creators import CreatorChanges, CreatorProfile
from tenants.agencies.states import CreatorState
from tenants.scope import list_tenant_ids
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
from workers.terminal.output import print_progress, terminal_language, translate
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services

DEFAULT_ZONE = "UTC"
"""Time zone of a new agency if none is given."""


@dataclass(frozen=True)
class TypedProfile:
    """The options of a command; None keeps a field or means its default."""

    name: str | None = None
    kind: str | None = None
    zone: str | None = None
    languages: Sequence[str] | None = None
    biography: str | None = None
    rating_ceiling: str | None = None
    posts_per_day: int | None = None
    images_per_day: int | None = None
    avatar: Path | None = None
    responsible: Sequence[str] | None = None


@dataclass(frozen=True)
class CreatorRow:
    """A creator in the output; `responsible` are email addresses."""

    id: UUID
    agency: str
    handle: str
    name: str
    state: CreatorState
    kind: str
    zone: str
    languages: tuple[str, ...]
    rating_ceiling: str
    biography: str
    posts_per_day: int | None
    images_per_day: int | None
    responsible: tuple[str, ...]


@dataclass(frozen=True)
class AgencyChoice:
    """An agency of the installation, by its tenant."""

    tenant_id: UUID
    name: str
    demo: bool


def choose_agency(found: Sequence[AgencyChoice], name: str) -> AgencyChoice | None:
    """Return the agency of this name or, without a name, the only one that is no demonstration;
    None if there is none.

    Raises NotFound for an unknown name, and BadInput with the names if there are several.
    """
    named = [one for one in found if one.name.casefold() == name.casefold()]
    matching = named if name else [one for one in found if not one.demo]
    if name and not matching:
        raise NotFound("cli.creators.no_agency", agency=name[:80])
    if len(matching) > 1:
        raise BadInput(
            "cli.creators.which_agency", agencies=", ".join(sorted(one.name for one in matching))
        )
    return matching[0] if matching else None


def list_agencies(services: Services) -> list[AgencyChoice]:
    """Return the agencies of the installation."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            agency = queries.get_agency(scope)
        found.append(AgencyChoice(tenant_id, agency.name, agency.demo))
    return found


def add_from_terminal(typed: TypedProfile, *, handle: str, agency: str) -> str:
    """Add a creator, and an agency if there is none, and return the handle."""
    with connect_installation("creators") as services:
        chosen = choose_agency(list_agencies(services), agency)
        return add_to_agency(services, typed, handle=handle, chosen=chosen)


def add_to_agency(
    services: Services, typed: TypedProfile, *, handle: str, chosen: AgencyChoice | None
) -> str:
    """Add a creator to an agency, or to a new one with the creator's name, and return the handle.

    Raises Conflict if another creator has the handle, and as `profiles.add_creator`.
    """
    if chosen is None:
        tenant_id = uuid7()
        wanted = _build_creator(typed, handle, DEFAULT_ZONE, terminal_language())
        creator_id = profiles.add_creator_and_agency(
            services.tenant, tenant_id, TERMINAL_ACTOR, wanted
        )
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            _save_rest(scope, services, creator_id, typed)
            made = queries.get_agency(scope)
            slug = queries.get_creator(scope, creator_id).slug
        params: dict[str, str | int] = {"name": made.name, "zone": made.zone}
        print_progress(Message("cli.creators.agency_created", params))
    else:
        with services.tenant(chosen.tenant_id, TERMINAL_ACTOR) as scope:
            known = queries.get_agency(scope)
            wanted = _build_creator(typed, handle, known.zone, known.language)
            creator_id = profiles.add_creator(scope, wanted, key=uuid7())
            _save_rest(scope, services, creator_id, typed)
            slug = queries.get_creator(scope, creator_id).slug
    print_progress(Message("cli.creators.added", {"name": wanted.name}))
    return slug


def _build_creator(typed: TypedProfile, handle: str, zone: str, language: str) -> NewCreator:
    """Return the creator to add. The handle is fixed, so that a repeated command adds no second
    creator."""
    name = names.normalize_name(typed.name or "")
    return NewCreator(
        name=name,
        handle=handle or names.make_handle(name, uuid7()),
        kind=typed.kind or "human",
        zone=typed.zone or zone,
        languages=typed.languages or (language,),
        biography=typed.biography or "",
        rating_ceiling=typed.rating_ceiling or "G",
        posts_per_day=typed.posts_per_day or 0,
    )


def _save_rest(scope: Scope, services: Services, creator_id: UUID, typed: TypedProfile) -> None:
    """Save the fields that are stored beside the profile: responsible members, images per day and
    the picture."""
    if typed.responsible is not None:
        changes = CreatorChanges(responsible=_find_members(scope, typed.responsible))
        profiles.edit_creator(scope, creator_id, changes)
    if typed.images_per_day is not None:
        quotas.set_daily_quota(scope, typed.images_per_day or None, creator_id=creator_id)
    if typed.avatar is not None:
        data = _read_picture(typed.avatar)
        profiles.set_avatar(scope, creator_id, data, services.store)


def _read_picture(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_AVATAR_BYTES + 1)
    except OSError as error:
        raise BadInput("cli.creators.no_file", file=path.name) from error


def _find_members(scope: Scope, emails: Sequence[str]) -> list[UUID]:
    by_email = {one.email.casefold(): one.id for one in queries.list_members(scope)}
    missing = [email for email in emails if email.casefold() not in by_email]
    if missing:
        raise NotFound("cli.creators.no_member", email=missing[0][:80])
    return [by_email[email.casefold()] for email in emails]


def edit_from_terminal(
    creator: str, typed: TypedProfile, *, handle: str | None, agency: str
) -> None:
    """Change the given fields of a creator."""
    with connect_installation("creators") as services:
        edit_creator(services, creator, typed, handle=handle, agency=agency)
    print_progress(Message("cli.creators.saved"))


def edit_creator(
    services: Services,
    creator: str,
    typed: TypedProfile,
    *,
    handle: str | None = None,
    agency: str,
) -> None:
    """Change the given fields of a creator in one transaction.

    Raises as `profiles.edit_creator` and `creator_handles.change_handle`.
    """
    tenant_id, found = find_creator(services, creator, agency)
    changes = CreatorChanges(
        name=typed.name,
        kind=typed.kind,
        zone=typed.zone,
        languages=typed.languages or None,
        biography=typed.biography,
        rating_ceiling=typed.rating_ceiling,
        posts_per_day=typed.posts_per_day,
    )
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        if handle is not None:
            creator_handles.change_handle(scope, found.id, handle)
        profiles.edit_creator(scope, found.id, changes)
        _save_rest(scope, services, found.id, typed)


def change_state_from_terminal(creator: str, state: str, *, agency: str) -> None:
    """Deactivate, reactivate or archive a creator, and print the effect."""
    with connect_installation("creators") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            creators.change_creator_state(scope, found.id, CreatorState(state))
    print_progress(Message(f"cli.creators.{state}", {"name": found.name}))


def render_creators(agency: str, *, as_json: bool) -> str:
    """Return the creators of every agency, or of one, as a table or JSON."""
    with connect_installation("creators") as services:
        found = load_rows(services, agency)
    if as_json:
        return format_json(found)
    if not found:
        return translate(Message("cli.creators.none"))
    rows = [
        (one.handle, one.name, translate(Message(f"state.creator.{one.state}")), one.zone,
         ", ".join(one.languages), one.agency)
        for one in found
    ]  # fmt: skip
    return format_table(("handle", "name", "state", "zone", "languages", "agency"), rows)


def load_rows(services: Services, agency: str) -> list[CreatorRow]:
    """Return the creators of every agency, or of the named one. Raises NotFound."""
    every = list_agencies(services)
    chosen = choose_agency(every, agency) if agency else None
    rows = []
    for one in every if chosen is None else [chosen]:
        with services.tenant(one.tenant_id, TERMINAL_ACTOR) as scope:
            every_creator = queries.list_creators(scope)
            rows += [
                build_row(scope, one.name, found)
                for found in creators.list_profiles(scope, every_creator)
            ]
    return rows


def build_row(scope: Scope, agency: str, found: CreatorProfile) -> CreatorRow:
    """Return a creator for the output."""
    creator = found.creator
    emails = {one.id: one.email for one in queries.list_members(scope)}
    return CreatorRow(
        id=creator.id,
        agency=agency,
        handle=creator.slug,
        name=creator.name,
        state=creator.state,
        kind=creator.kind,
        zone=creator.zone,
        languages=creator.languages,
        rating_ceiling=creator.rating_ceiling,
        biography=found.biography,
        posts_per_day=creator.posts_per_day,
        images_per_day=quotas.creator_quotas(scope).get(creator.id),
        responsible=tuple(emails[one] for one in found.responsible if one in emails),
    )


def render_creator(creator: str, agency: str, *, as_json: bool) -> str:
    """Return the profile of a creator as lines or JSON."""
    with connect_installation("creators") as services:
        tenant_id, found = find_creator(services, creator, agency)
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            name = queries.get_agency(scope).name
            row = build_row(scope, name, creators.get_profile(scope, found.id))
    if as_json:
        return format_json(row)
    no_limit = translate(Message("cli.creators.no_limit"))
    fields: tuple[tuple[str, str | int], ...] = (
        ("name", row.name),
        ("handle", row.handle),
        ("agency", row.agency),
        ("state", translate(Message(f"state.creator.{row.state}"))),
        ("kind", translate(Message(f"creator.kind_{row.kind}"))),
        ("zone", row.zone),
        ("languages", ", ".join(row.languages)),
        ("rating", row.rating_ceiling),
        ("biography", row.biography),
        ("posts_per_day", row.posts_per_day or no_limit),
        ("images_per_day", row.images_per_day or no_limit),
        ("responsible", ", ".join(row.responsible)),
    )
    lines = [(translate(Message(f"cli.column.{code}")), str(value)) for code, value in fields]
    return format_table(("", ""), lines).strip("\n")
