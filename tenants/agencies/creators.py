"""Profiles and states of creators: what members may change, checked and recorded in the audit log.

The texts of a profile, its picture and its public page are in `channels/creators`, because they
need the safety check. Commands at the terminal act for the installation and need no right.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import LANGUAGES
from foundation.outbox import outbox
from tenants import audit
from tenants.agencies import agencies, models, queries
from tenants.agencies.events import CreatorApprovalsRaised, CreatorStateChanged
from tenants.agencies.names import check_handle, normalize_name
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import OUTSIDE_ROLES, Right, has_right, require_right
from tenants.agencies.states import CREATOR_STATES, CreatorState

MAX_POSTS_PER_DAY = 1000
MAX_RESPONSIBLE = 20
"""Maximum number of responsible members of a creator."""

MAX_AUDITED = 80
"""Maximum length of a value in the audit log, in characters."""

CREATOR_FIELDS = frozenset({"biography"})
"""Fields that a member with the role of the creator may change."""

OWNER_FIELDS = frozenset({"kind", "rating_ceiling"})
"""Fields that only members with the right to manage the team may change: they decide which rules
the safety check applies."""

STATE_ACTS: Mapping[CreatorState, str] = {
    CreatorState.ACTIVE: "creator.reactivated",
    CreatorState.INACTIVE: "creator.deactivated",
    CreatorState.ARCHIVED: "creator.archived",
}
"""The action in the audit log for each new state."""


@dataclass(frozen=True)
class CreatorProfile:
    """A creator with the fields that only the page of the creator needs. `responsible` are members
    who receive the emails about this creator; empty means all members with access."""

    creator: Creator
    biography: str
    responsible: tuple[UUID, ...]

    @property
    def avatar(self) -> str:
        """The digest of the picture, or ""."""
        return self.creator.avatar


RENAMED_CREATORS = (
    "(SELECT jsonb_agg(CASE slug WHEN CAST(:before AS text) THEN CAST(:after AS text) ELSE slug END"
    " ORDER BY place)"
    " FROM jsonb_array_elements_text(creators) WITH ORDINALITY AS listed (slug, place))"
)
"""SQL expression: the list of slugs in the column `creators` with a changed handle."""


@dataclass(frozen=True)
class CreatorChanges:
    """New values of the fields of a creator; None keeps a field. `posts_per_day` 0 removes the
    limit."""

    name: str | None = None
    biography: str | None = None
    kind: str | None = None
    zone: str | None = None
    languages: Sequence[str] | None = None
    rating_ceiling: str | None = None
    posts_per_day: int | None = None
    responsible: Sequence[UUID] | None = None

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields with a new value."""
        return frozenset(name for name, value in asdict(self).items() if value is not None)


def get_profile(scope: Scope, creator_id: UUID) -> CreatorProfile:
    """Return the profile of a creator. Raises NotFound, also for a creator of another agency."""
    return _build_profile(_get_row(scope, creator_id))


def list_profiles(scope: Scope, creators: Sequence[Creator]) -> list[CreatorProfile]:
    """Return the profiles of these creators, in the same order."""
    rows = scope.session.exec(
        select(models.Creator).where(
            models.Creator.tenant_id == scope.tenant_id,
            col(models.Creator.id).in_([one.id for one in creators]),
        )
    )
    found = {row.id: _build_profile(row) for row in rows}
    return [found[one.id] for one in creators]


def _build_profile(row: models.Creator) -> CreatorProfile:
    responsible = tuple(UUID(one) for one in row.responsible)
    return CreatorProfile(queries.creator_from_row(row), row.biography, responsible)


def _get_row(scope: Scope, creator_id: UUID, *, lock: bool = False) -> models.Creator:
    row = scope.session.get(
        models.Creator,
        (scope.tenant_id, creator_id),
        populate_existing=lock,
        # Rows that refer to the creator may be inserted at the same time.
        with_for_update={"key_share": True} if lock else None,
    )
    if row is None:
        raise NotFound("creator.unknown", creator=str(creator_id))
    return row


def change_creator(scope: Scope, creator_id: UUID, changes: CreatorChanges) -> frozenset[str]:
    """Change fields of a creator and record the values before and after. Return the names of the
    fields that changed.

    Raises BadInput for an invalid value, Refused for a field that the acting member may not change,
    and NotFound.
    """
    row = _get_row(scope, creator_id, lock=True)
    _check_may_change(scope, row.slug, changes.fields)
    wanted = _check_changes(scope, row, changes)
    if "rating_ceiling" in wanted:
        ceiling = wanted["rating_ceiling"]
        wanted["approval_tiers"] = agencies.starting_approval_tiers(ceiling, row.approval_tiers)
    before = {name: getattr(row, name) for name in wanted}
    changed = {name: value for name, value in wanted.items() if before[name] != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if "approval_tiers" in changed:
        outbox.put(scope, CreatorApprovalsRaised(scope.tenant_id, row.id))
    if changed:
        scope.add(row)
        _record_change(scope, row, {name: before[name] for name in changed}, changed)
    return frozenset(changed)


def change_handle(scope: Scope, creator_id: UUID, handle: str) -> str:
    """Change the handle of a creator and the access of the members who work for the creator, and
    return the handle before.

    Raises BadInput for an invalid or reserved handle, Conflict for one that another creator of the
    agency uses, Refused for a member without the right to manage the team, and NotFound.
    """
    scope.lock(f"creator:{scope.tenant_id}")
    row = _get_row(scope, creator_id, lock=True)
    check_may_manage(scope, row.slug)
    check_handle(handle)
    if any(one.slug == handle and one.id != creator_id for one in queries.list_creators(scope)):
        raise Conflict("creator.handle_taken", handle=handle)
    before = row.slug
    row.slug = handle
    scope.add(row)
    scope.session.flush()
    scope.run(
        f"UPDATE members SET creators = {RENAMED_CREATORS}, updated_at = house_now()"  # noqa: S608  our own expression
        " WHERE tenant_id = :tenant AND creators ? :before",
        tenant=scope.tenant_id,
        before=before,
        after=handle,
    )
    _record_change(scope, row, {"slug": before}, {"slug": handle})
    return before


def set_avatar(scope: Scope, creator_id: UUID, sha256: str) -> str:
    """Store the digest of a creator's picture, or "" for none, and return the one before.

    Raises Refused for a member who may not change the profile, and NotFound.
    """
    row = _get_row(scope, creator_id, lock=True)
    _check_may_change(scope, row.slug, CREATOR_FIELDS)
    before = row.avatar or ""
    if before != sha256:
        row.avatar = sha256 or None
        scope.add(row)
        _record_change(scope, row, {"avatar": before[:12]}, {"avatar": sha256[:12]})
    return before


def change_creator_state(scope: Scope, creator_id: UUID, state: CreatorState) -> bool:
    """Deactivate, reactivate or archive a creator. Return False if the creator has this state.

    Posts and chats of an inactive creator wait (`gate/decision/unit_rules.py`). Raises Conflict for
    a forbidden change, Refused for a member without the right to manage the team, and NotFound.
    """
    row = _get_row(scope, creator_id, lock=True)
    check_may_manage(scope, row.slug)
    before = CreatorState(row.state)
    if before is state:
        return False
    CREATOR_STATES.check(before, state)
    row.state = str(state)
    scope.add(row)
    audit.record(
        scope, STATE_ACTS[state], f"creator:{row.id}", name=row.name, before=before, after=state
    )
    outbox.put(scope, CreatorStateChanged(scope.tenant_id, row.id, str(state)))
    return True


def check_may_manage(scope: Scope, slug: str = "") -> None:
    """Raise Refused if a member acts without the right to manage the team, and NotFound for a
    creator whom the member has no access to. Processes and the terminal may."""
    member = find_acting_member(scope)
    if member is None:
        return
    require_right(member.role, Right.STAFF)
    if not member.works_for(slug) or (member.creators and not slug):
        raise NotFound("creator.unknown", creator=slug)


def find_acting_member(scope: Scope) -> Member | None:
    """Return the active member the scope acts for, or None for the terminal and processes."""
    if not scope.actor.startswith("member:"):
        return None
    return queries.get_acting_member(scope, "role.forbidden.staff")


def _check_may_change(scope: Scope, slug: str, names: Collection[str]) -> None:
    member = find_acting_member(scope)
    if member is None:
        return
    if not member.works_for(slug):
        raise NotFound("creator.unknown", creator=slug)
    if has_right(member.role, Right.STAFF):
        return
    if OWNER_FIELDS.intersection(names):
        raise Refused("creator.owner_fields")
    if not has_right(member.role, Right.RUN):
        require_right(member.role, Right.APPROVE)
        if not CREATOR_FIELDS.issuperset(names):
            raise Refused("creator.own_fields")


def _check_changes(scope: Scope, row: models.Creator, changes: CreatorChanges) -> dict[str, Any]:
    """Return the new values by column, validated."""
    wanted: dict[str, Any] = {
        name: getattr(changes, name) for name in changes.fields - {"responsible"}
    }
    if changes.name is not None:
        wanted["name"] = normalize_name(changes.name)
    if changes.zone is not None:
        agencies.check_zone(changes.zone)
    if changes.kind is not None:
        agencies.check_kind(changes.kind)
    if changes.languages is not None:
        wanted["languages"] = check_languages(changes.languages)
    if changes.posts_per_day is not None:
        wanted["posts_per_day"] = check_posts_per_day(changes.posts_per_day)
    if changes.responsible is not None:
        wanted["responsible"] = check_responsible(scope, row.slug, changes.responsible)
    return wanted


def check_languages(languages: Sequence[str]) -> list[str]:
    """Return the languages without repeats. Raises BadInput for none and for an unsupported
    one."""
    if not languages:
        raise BadInput("creator.no_language").about("languages")
    for one in languages:
        agencies.check_language(one)
    return [one for one in dict.fromkeys(languages) if one in LANGUAGES]


def check_posts_per_day(posts: int) -> int | None:
    """Return the limit, or None for 0. Raises BadInput for a number out of bounds."""
    if not 0 <= posts <= MAX_POSTS_PER_DAY:
        raise BadInput("creator.posts_per_day", most=MAX_POSTS_PER_DAY)
    return posts or None


def check_responsible(scope: Scope, slug: str, members: Sequence[UUID]) -> list[str]:
    """Return the IDs of responsible members without repeats. Raises BadInput for too many, and for
    one who is not an active member with access to the creator."""
    chosen = list(dict.fromkeys(members))
    able = {one.id for one in list_possible_responsible(scope, slug)}
    if len(chosen) > MAX_RESPONSIBLE or not able.issuperset(chosen):
        raise BadInput("creator.responsible", most=MAX_RESPONSIBLE)
    return [str(one) for one in chosen]


def list_possible_responsible(scope: Scope, slug: str) -> list[Member]:
    """Return the members who can be responsible for a creator: those of the agency with access."""
    return [
        one
        for one in queries.list_members(scope)
        if one.role not in OUTSIDE_ROLES and one.works_for(slug)
    ]


def list_creators_of_others(scope: Scope, member_id: UUID) -> set[UUID]:
    """Return the creators with an active responsible member, but not this one. Emails about them
    are sent to their responsible members."""
    rows = scope.run(
        "SELECT c.id FROM creators c WHERE c.tenant_id = :tenant AND NOT c.responsible ? :member"
        " AND EXISTS (SELECT FROM members m WHERE m.tenant_id = c.tenant_id AND m.active"
        " AND c.responsible ? CAST(m.id AS text))",
        tenant=scope.tenant_id,
        member=str(member_id),
    )
    return set(rows.scalars())


def _record_change(
    scope: Scope, row: models.Creator, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    details: dict[str, Any] = {"name": row.name, "fields": ", ".join(sorted(after))}
    for when, values in (("before", before), ("after", after)):
        details[when] = "; ".join(_audited_value(values[name]) for name in sorted(values))
    audit.record(scope, "creator.changed", f"creator:{row.id}", **details)


def _audited_value(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "–" if value in (None, "") else str(value)
    return text if len(text) <= MAX_AUDITED else f"{text[: MAX_AUDITED - 1]}…"
