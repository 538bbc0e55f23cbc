"""Creators' sites: create a site, and find the site of an address or credential."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.ids import INSTALLATION_ID
from gate.surfaces.decisions import require_allowed
from gate.surfaces.profiles import profile_content
from tenants.agencies import names
from web.site.models import Site

DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
VISITOR_ACTOR = "system:web"


PUBLIC_AREA = "public"
ADULT_AREA = "assured"
"""Areas of a site: public, and for visitors who proved their age."""

ADULT_SUFFIX = "18"
"""The adult area's path segment, and its suffix in account names after a dot. Slugs contain no dot.
"""


class SiteMoved(Exception):
    """The site of an address has another slug now."""

    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"{before} is {after} now")
        self.before = before
        self.after = after


@dataclass(frozen=True)
class SiteRef:
    """A site, its owner and one of its areas."""

    tenant_id: UUID
    creator_id: UUID
    site_id: UUID
    slug: str
    area: str = PUBLIC_AREA

    @property
    def area_path(self) -> str:
        """The path of this area."""
        return f"/{self.slug}" if self.area == PUBLIC_AREA else f"/{self.slug}/{ADULT_SUFFIX}"

    @property
    def account_name(self) -> str:
        """The name of the account that posts to this area."""
        return self.slug if self.area == PUBLIC_AREA else adult_account_name(self.slug)


def adult_account_name(slug: str) -> str:
    """Return the name of the account that posts to the adult area of a site."""
    return f"{slug}.{ADULT_SUFFIX}"


@dataclass(frozen=True)
class SiteProfile:
    """The profile of a site. `authority` is the host name in its permanent IDs. Instants are
    UTC-aware; `changed_at` is the last time the profile or an item was created, edited or removed.
    """

    slug: str
    title: str
    about: str
    language: str
    chat_url: str
    authority: str
    opened_at: datetime
    changed_at: datetime


def open_site(
    scope: Scope,
    *,
    creator_id: UUID,
    slug: str,
    title: str,
    about: str,
    language: str,
    chat_url: str = "",
    authority: str = "localhost",
) -> str | None:
    """Create a creator's site and return the credential that publishes to it. Return None if the
    site already exists. The credential is stored only as a digest.

    `authority` is the current host name; feed IDs retain it if the site moves. Raises BadInput for
    an invalid slug, language or chat URL, Conflict if another site has the slug, and Refused for
    text that may not appear on a public page.
    """
    if not names.is_handle(slug) or names.is_reserved(slug):
        raise BadInput("site.slug", slug=slug[:40])
    if language not in LANGUAGES:
        raise BadInput("site.language", language=language[:20])
    content = profile_content(creator_id=creator_id, name=title, about=about, slug=slug)
    require_allowed(scope, content)
    if _is_own_slug(scope, creator_id, slug):
        return None
    token = secrets.token_urlsafe(32)
    scope.add(
        Site(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            slug=slug,
            title=title,
            about=about,
            language=language,
            chat_url=_validate_web_address(chat_url),
            authority=authority,
            token_digest=_token_digest(token),
        )
    )
    return token


def _is_own_slug(scope: Scope, creator_id: UUID, slug: str) -> bool:
    """Return True if the creator's site has the slug or had it, and False if no site did. Raise
    Conflict if another site has it or had it."""
    # Slugs are unique across tenants, which the table's constraint does not cover.
    scope.lock(f"slug:{slug}")
    with scope.acting_as("door"):
        owner = scope.run(
            "SELECT tenant_id, creator_id FROM sites WHERE slug = :slug OR former_slugs ? :slug",
            slug=slug,
        ).first()
    if owner is not None and (owner.tenant_id, owner.creator_id) != (scope.tenant_id, creator_id):
        raise Conflict("site.taken", slug=slug)
    return owner is not None


def rename_site(scope: Scope, creator_id: UUID, before: str, after: str) -> bool:
    """Give a creator's site another slug; addresses with the former one redirect. Return False if
    the site does not have the slug `before`.

    Raises Conflict if another site has, or had, the slug `after`.
    """
    _is_own_slug(scope, creator_id, after)
    found = scope.run(
        "UPDATE sites SET slug = CAST(:after AS text), updated_at = house_now(),"
        " former_slugs = (former_slugs - CAST(:after AS text)) || to_jsonb(CAST(:before AS text))"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND slug = CAST(:before AS text)"
        " RETURNING id",
        tenant=scope.tenant_id,
        creator=creator_id,
        before=before,
        after=after,
    ).first()
    return found is not None


def open_adult_area(scope: Scope, creator_id: UUID) -> tuple[str, str] | None:
    """Open the adult area of a creator's site. Return the name of its account and its credential,
    which is stored only as a digest. Return None if the area is already open.

    Raises NotFound for a creator without a site.
    """
    token = secrets.token_urlsafe(32)
    row = scope.run(
        "UPDATE sites SET adult_digest = :digest, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND adult_digest = '' RETURNING slug",
        tenant=scope.tenant_id,
        creator=creator_id,
        digest=_token_digest(token),
    ).first()
    if row is not None:
        return adult_account_name(row.slug), token
    if creator_slug(scope, creator_id) is None:
        raise NotFound("site.unknown")
    return None


def creator_slug(scope: Scope, creator_id: UUID) -> str | None:
    """Return the slug of a creator's site, or None if the creator has none."""
    slug: str | None = scope.run(
        "SELECT slug FROM sites WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    ).scalar()
    return slug


def set_profile(scope: Scope, creator_id: UUID, title: str, about: str) -> None:
    """Set the title and description of a creator's site, if the creator has one. The caller has
    checked the texts."""
    scope.run(
        "UPDATE sites SET title = :title, about = :about, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND (title, about) IS DISTINCT FROM (:title, :about)",
        tenant=scope.tenant_id,
        creator=creator_id,
        title=title,
        about=about,
    )


def set_chat_url(scope: Scope, creator_id: UUID, chat_url: str) -> None:
    """Set the chat URL of a creator's site. Raises BadInput if it is not an HTTP URL."""
    scope.run(
        "UPDATE sites SET chat_url = :chat, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND chat_url <> :chat",
        tenant=scope.tenant_id,
        creator=creator_id,
        chat=_validate_web_address(chat_url),
    )


def _validate_web_address(url: str) -> str:
    """Return the URL if a page may link to it. Other schemes such as `javascript:` raise
    BadInput."""
    if url and not url.startswith(("http://", "https://")):
        raise BadInput("site.chat_address", address=url[:60])
    return url


def find_site_by_slug(tenant: OpenScope, slug: str, area: str = PUBLIC_AREA) -> SiteRef | None:
    """Return the site with this slug, or None. Raise SiteMoved for a slug that a site had."""
    row = _find_site_row(tenant, slug)
    if row is None:
        return None
    if row.slug != slug:
        raise SiteMoved(slug, row.slug)
    return SiteRef(row.tenant_id, row.creator_id, row.id, slug, area)


def find_site_in_agency(scope: Scope, slug: str) -> SiteRef | None:
    """Return the site that has, or had, this slug if it belongs to this tenant, or None."""
    if not names.is_handle(slug):
        return None
    row = scope.run(
        "SELECT creator_id, id, slug FROM sites"
        " WHERE tenant_id = :tenant AND (slug = :slug OR former_slugs ? :slug)",
        tenant=scope.tenant_id,
        slug=slug,
    ).first()
    return SiteRef(scope.tenant_id, row.creator_id, row.id, row.slug) if row is not None else None


def find_site_by_token(tenant: OpenScope, account: str, token: str) -> SiteRef | None:
    """Return the site and area that a credential may publish to, or None for a wrong credential or
    an unknown account."""
    slug = account.removesuffix(f".{ADULT_SUFFIX}")
    row = _find_site_row(tenant, slug)
    area = PUBLIC_AREA if account == slug else ADULT_AREA
    if (
        row is None
        or row.slug != slug
        or not secrets.compare_digest(
            row.token_digest if area == PUBLIC_AREA else row.adult_digest, _token_digest(token)
        )
    ):
        return None
    return SiteRef(row.tenant_id, row.creator_id, row.id, slug, area)


def _find_site_row(tenant: OpenScope, slug: str) -> Site | None:
    if not names.is_handle(slug):  # untrusted input must not reach the database
        return None
    with tenant(INSTALLATION_ID, VISITOR_ACTOR, role="door") as scope:
        row: Site | None = scope.run(
            "SELECT tenant_id, creator_id, id, slug, token_digest, adult_digest FROM sites"
            " WHERE slug = :slug OR former_slugs ? :slug",
            slug=slug,
        ).first()
    return row


def tenants_showing_file(tenant: OpenScope, sha256: str) -> list[UUID]:
    """Return the tenants whose sites show a file."""
    if not DIGEST_PATTERN.fullmatch(sha256):
        return []
    with tenant(INSTALLATION_ID, VISITOR_ACTOR, role="door") as scope:
        return list(
            scope.run(
                "SELECT DISTINCT tenant_id FROM item_media WHERE sha256 = :sha256", sha256=sha256
            ).scalars()
        )


def load_profile(scope: Scope, found: SiteRef) -> SiteProfile:
    """Return the stored profile of a site. `shown_content` says what of it is shown."""
    row = scope.session.get_one(Site, (scope.tenant_id, found.site_id))
    return SiteProfile(
        row.slug,
        row.title,
        row.about,
        row.language,
        row.chat_url,
        row.authority,
        row.created_at or scope.now,
        row.updated_at or scope.now,
    )


def visitor_digest(found: SiteRef, address: str) -> str:
    """Return a digest of a visitor's IP address, keyed with the site. The address is not stored."""
    return hmac.new(found.site_id.bytes, address.encode(), hashlib.sha256).hexdigest()[:32]


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
