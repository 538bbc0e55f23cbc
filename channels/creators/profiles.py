"""Creators with their public page: add one, and change the texts and the picture of a profile.

The Start and Creators pages, the command line and the API add creators here alone. A new creator
has no persona, so members answer the fans until one is activated. Names, biographies and handles
are shown without a permit, so the safety check reads them before they are saved.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from channels.connections.events import OwnPageRequested
from channels.creators.events import AvatarReplaced, HandleChanged, OwnPageProfileDue
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict
from foundation.ids import derived_uuid
from foundation.outbox import outbox
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from gate.surfaces.decisions import require_allowed
from gate.surfaces.profiles import profile_content
from generators.containers import still_images
from generators.media import pictures
from generators.media.pictures import RenditionProfile
from tenants import audit
from tenants.agencies import agencies, agency_settings, creators, names, queries
from tenants.agencies.creators import CreatorChanges
from tenants.api_keys import keys

MAX_BIOGRAPHY = 600
"""Maximum length of a biography in characters."""

MAX_AVATAR_BYTES = 8 * 2**20
MAX_AVATAR_PIXELS = 50_000_000
AVATAR_PROFILE = RenditionProfile("avatar", 512, "image/webp", 80, max_bytes=200_000)
"""A picture is decoded and encoded again: no metadata and nothing behind its end is kept."""

RATING_CEILINGS = (Rating.G, Rating.S, Rating.N, Rating.E)
_TEXT_FIELDS = frozenset({"name", "biography"})
"""Fields that the public page shows."""


@dataclass(frozen=True)
class NewCreator:
    """The answers of the form for a new creator. An empty `handle` is made from the name;
    `posts_per_day` 0 means no limit. `approval_tiers` None means the agency's default."""

    name: str
    kind: str
    zone: str
    languages: Sequence[str]
    handle: str = ""
    biography: str = ""
    rating_ceiling: str = "G"
    approval_tiers: int | None = None
    posts_per_day: int = 0
    responsible: Sequence[UUID] = ()


def add_creator(scope: Scope, wanted: NewCreator, *, key: UUID) -> UUID:
    """Add a creator, once per `key`, request their public page and return their ID.

    Raises BadInput for an invalid answer, Conflict for a handle that another creator of the agency
    uses, and Refused for a name, biography or handle that must not appear on a page and for a
    member without the right to manage the team. The agency is notified if the address of the page
    is taken.
    """
    creators.check_may_manage(scope)
    creator_id = derived_uuid(scope.tenant_id, "creator", key)
    scope.lock(f"creator:{scope.tenant_id}")
    if any(one.id == creator_id for one in queries.list_creators(scope)):
        return creator_id
    name = names.normalize_name(wanted.name)
    check_rating(wanted.rating_ceiling)
    slug = _choose_handle(scope, name, wanted.handle.strip(), key)
    biography = clean_biography(wanted.biography)
    require_allowed(scope, profile_content(name=name, about=biography, slug=slug))
    agencies.add_creator(
        scope,
        creator_id=creator_id,
        slug=slug,
        name=name,
        kind=wanted.kind,
        zone=wanted.zone,
        languages=creators.check_languages(wanted.languages),
        rating_ceiling=wanted.rating_ceiling,
        approval_tiers=agency_settings.get_creator_defaults(scope).approval_tiers
        if wanted.approval_tiers is None
        else wanted.approval_tiers,
    )
    scope.session.flush()
    audit.record(
        scope,
        "creator.added",
        f"creator:{creator_id}",
        name=name,
        handle=slug,
        kind=wanted.kind,
        rating=wanted.rating_ceiling,
    )
    rest = CreatorChanges(
        biography=biography or None,
        posts_per_day=wanted.posts_per_day or None,
        responsible=wanted.responsible or None,
    )
    if rest.fields:
        creators.change_creator(scope, creator_id, rest)
    request = OwnPageRequested(scope.tenant_id, creator_id, slug=slug)
    outbox.put(scope, request, priority=1, dedupe=f"own_page:{creator_id}")
    return creator_id


def add_creator_and_agency(
    tenant: OpenScope, tenant_id: UUID, actor: str, wanted: NewCreator
) -> UUID:
    """Create an agency with the name, language and time zone of its first creator, and the creator,
    once per tenant. Return the creator's ID. Raises the errors of `add_creator`."""
    with tenant(tenant_id, actor) as scope:
        scope.lock(f"founding:{tenant_id}")
        name = names.normalize_name(wanted.name)
        language = creators.check_languages(wanted.languages)[0]
        agencies.create_agency(scope, name=name, language=language, zone=wanted.zone)
        scope.session.flush()
        return add_creator(scope, wanted, key=tenant_id)


def _choose_handle(scope: Scope, name: str, typed: str, key: UUID) -> str:
    used = {one.slug for one in queries.list_creators(scope)}
    if typed:
        names.check_handle(typed)
        if typed in used:
            raise Conflict("creator.handle_taken", handle=typed)
        return typed
    made = names.make_handle(name, key)
    return names.add_handle_suffix(made, key) if made in used else made


def change_handle(scope: Scope, creator_id: UUID, handle: str) -> None:
    """Change the handle of a creator, also in the access of members and API keys, and request the
    new address of the public page.

    `schedules/publishing/creator_handles` decides whether it may still change. Raises the errors of
    `creators.change_handle`, Refused for a handle that must not appear on a page, and Conflict
    while the page is being created.
    """
    if outbox.is_pending(scope, creator_id, OwnPageRequested.kind):
        raise Conflict("creator.page_pending")
    require_allowed(scope, profile_content(slug=handle, creator_id=creator_id))
    before = creators.change_handle(scope, creator_id, handle)
    keys.rename_creator(scope, before, handle)
    outbox.put(scope, HandleChanged(scope.tenant_id, creator_id, before, handle))


def edit_creator(scope: Scope, creator_id: UUID, changes: CreatorChanges) -> bool:
    """Change the profile of a creator and, if the public page shows it, the page. Return False if
    nothing changed.

    Raises the errors of `creators.change_creator`, and Refused for a name or biography that must
    not appear on a page.
    """
    if changes.rating_ceiling is not None:
        check_rating(changes.rating_ceiling)
    if changes.biography is not None:
        changes = replace(changes, biography=clean_biography(changes.biography))
    changed = creators.change_creator(scope, creator_id, changes)
    if changed & _TEXT_FIELDS:
        found = creators.get_profile(scope, creator_id)
        content = profile_content(
            creator_id=creator_id, name=found.creator.name, about=found.biography
        )
        require_allowed(scope, content)
        outbox.put(scope, OwnPageProfileDue(scope.tenant_id, creator_id))
    return bool(changed)


def check_rating(rating: str) -> None:
    """Raise BadInput unless the text is a rating that a creator can have as the maximum."""
    if rating not in [str(one) for one in RATING_CEILINGS]:
        raise BadInput("creator.rating", rating=rating[:20])


def clean_biography(text: str) -> str:
    """Return the biography in Unicode form NFC without surrounding space. Raises BadInput if it is
    too long or contains control characters or characters that reorder text."""
    biography = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if len(biography) > MAX_BIOGRAPHY or names.has_hidden_characters(biography.replace("\n", " ")):
        raise BadInput("creator.biography", most=MAX_BIOGRAPHY).about("biography")
    return biography


def set_avatar(scope: Scope, creator_id: UUID, data: bytes, store: ObjectStore) -> None:
    """Store a picture of the creator for the dashboard, encoded again, and delete the one before.
    It is not published.

    Raises BadInput for a file that is not an accepted picture or too large, Unavailable if the
    storage is full or unreachable, and as `creators.set_avatar`.
    """
    if len(data) > MAX_AVATAR_BYTES:
        raise BadInput("creator.avatar", most=MAX_AVATAR_BYTES // 2**20)
    found = still_images.inspect_picture(data, name="avatar")
    if found.width * found.height > MAX_AVATAR_PIXELS:
        raise BadInput("creator.avatar", most=MAX_AVATAR_BYTES // 2**20)
    # The ID makes the bytes unique, so that deleting them can never delete another file.
    mark = str(creator_id).encode()
    photo = pictures.decode_photo(data, name="avatar")
    made = pictures.render_photo(photo, AVATAR_PROFILE, xmp=mark)
    before = creators.set_avatar(scope, creator_id, made.sha256)
    store.put(scope.tenant_id, made.data)
    if before != made.sha256:
        _delete_replaced(scope, creator_id, before)


def remove_avatar(scope: Scope, creator_id: UUID) -> None:
    """Remove the picture of a creator. Raises as `creators.set_avatar`."""
    _delete_replaced(scope, creator_id, creators.set_avatar(scope, creator_id, ""))


def _delete_replaced(scope: Scope, creator_id: UUID, sha256: str) -> None:
    if sha256:
        outbox.put(scope, AvatarReplaced(scope.tenant_id, creator_id, sha256))


def delete_replaced_avatar(event: AvatarReplaced, *, tenant: OpenScope, store: ObjectStore) -> None:
    """Delete the file of a replaced picture, unless it is the current one again."""
    with tenant(event.tenant_id, "system:creators") as scope:
        current = creators.get_profile(scope, event.subject_id).avatar
    if event.sha256 != current:
        store.delete(event.tenant_id, event.sha256)
