"""Creators' sites: opening one, and finding whose it is from an address."""

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
from gate.permits import profile_texts
from web.site.models import Site

_SLUG = re.compile(r"[a-z0-9-]{3,40}")
DIGEST_PATTERN = re.compile(r"[0-9a-f]{64}")
RESERVED_SLUGS = frozenset(
    {
        "files",
        "house",
        "report",
        "verify",
        "static",
        "healthz",
        "readyz",
        "metrics",
        "robots",
        "age",
        "api",
        "hooks",
    }
    | {"mcp", "me", "lent", "approve", "ics"}
)
VISITOR_ACTOR = "system:web"


PUBLIC_AREA = "public"
ADULT_AREA = "assured"
"""The areas of a page: for everybody, and for readers who are let in one by one."""

ADULT_SUFFIX = "18"
"""How the second is called in addresses, and after a point in its account's name: a slug holds no
point."""


@dataclass(frozen=True)
class SiteRef:
    """Whose site an address is, and which area of it."""

    tenant_id: UUID
    creator_id: UUID
    site_id: UUID
    slug: str
    area: str = PUBLIC_AREA

    @property
    def area_path(self) -> str:
        """The path under which this area lies."""
        return f"/{self.slug}" if self.area == PUBLIC_AREA else f"/{self.slug}/{ADULT_SUFFIX}"

    @property
    def account_name(self) -> str:
        """The name of the account that posts here."""
        return self.slug if self.area == PUBLIC_AREA else adult_account_name(self.slug)


def adult_account_name(slug: str) -> str:
    """The name of the account that posts to the second area of a page."""
    return f"{slug}.{ADULT_SUFFIX}"


@dataclass(frozen=True)
class SiteProfile:
    """What a site says of itself. `authority` is the host its permanent ids were made under;
    instants are UTC-aware, `changed_at` is when anything of it was written, edited or removed."""

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
    """Open a creator's own page; returns the credential that may publish on it, shown once (None:
    it was open already).

    `authority` is the host the page is reached under today: ids in feeds keep it even when the page
    moves. Raises BadInput for a slug, language or chat address that is none, Conflict for a slug
    that another page has, Refused for words that may not stand on a page everybody reads.
    """
    if not _SLUG.fullmatch(slug) or slug in RESERVED_SLUGS:
        raise BadInput("site.slug", slug=slug[:40])
    if language not in LANGUAGES:
        raise BadInput("site.language", language=language[:20])
    profile_texts.check_profile_texts(scope, (title, about, slug.replace("-", " ")))
    scope.lock(f"slug:{slug}")
    with scope.acting_as("door"):
        owner = scope.run(
            "SELECT tenant_id, creator_id FROM sites WHERE slug = :slug", slug=slug
        ).first()
    if owner is not None and (owner.tenant_id, owner.creator_id) != (scope.tenant_id, creator_id):
        raise Conflict("site.taken", slug=slug)
    if owner is not None:
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


def open_adult_area(scope: Scope, creator_id: UUID) -> tuple[str, str] | None:
    """Open the part of a creator's page for adults: the account that posts there, and its
    credential, shown once.

    None where it is open already. Raises NotFound for a creator without a page.
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
    """The address of a creator's page; None without one."""
    slug: str | None = scope.run(
        "SELECT slug FROM sites WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    ).scalar()
    return slug


def set_chat_url(scope: Scope, creator_id: UUID, chat_url: str) -> None:
    """Say where a creator's visitors may chat, when the address has moved. Raises BadInput."""
    scope.run(
        "UPDATE sites SET chat_url = :chat, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND chat_url <> :chat",
        tenant=scope.tenant_id,
        creator=creator_id,
        chat=_validate_web_address(chat_url),
    )


def _validate_web_address(url: str) -> str:
    """The address, if a page may link to it: a `javascript:` one would be ours to answer for."""
    if url and not url.startswith(("http://", "https://")):
        raise BadInput("site.chat_address", address=url[:60])
    return url


def find_site_by_slug(tenant: OpenScope, slug: str, area: str = PUBLIC_AREA) -> SiteRef | None:
    """Whose page this is; None when nobody's."""
    row = _find_site_row(tenant, slug)
    return SiteRef(row.tenant_id, row.creator_id, row.id, slug, area) if row is not None else None


def find_site_in_agency(scope: Scope, slug: str) -> SiteRef | None:
    """The page of this address, if it is one of this agency's."""
    if not _SLUG.fullmatch(slug):
        return None
    row = scope.run(
        "SELECT creator_id, id FROM sites WHERE tenant_id = :tenant AND slug = :slug",
        tenant=scope.tenant_id,
        slug=slug,
    ).first()
    return SiteRef(scope.tenant_id, row.creator_id, row.id, slug) if row is not None else None


def find_site_by_token(tenant: OpenScope, account: str, token: str) -> SiteRef | None:
    """The page, and the area, this credential may publish on; None for a wrong one, and for a page
    that is not."""
    slug = account.removesuffix(f".{ADULT_SUFFIX}")
    row = _find_site_row(tenant, slug)
    area = PUBLIC_AREA if account == slug else ADULT_AREA
    if row is None or not secrets.compare_digest(
        row.token_digest if area == PUBLIC_AREA else row.adult_digest, _token_digest(token)
    ):
        return None
    return SiteRef(row.tenant_id, row.creator_id, row.id, slug, area)


def _find_site_row(tenant: OpenScope, slug: str) -> Site | None:
    if not _SLUG.fullmatch(slug):  # whatever a stranger types never reaches the database
        return None
    with tenant(INSTALLATION_ID, VISITOR_ACTOR, role="door") as scope:
        row: Site | None = scope.run(
            "SELECT tenant_id, creator_id, id, token_digest, adult_digest FROM sites WHERE slug = "
            ":slug",
            slug=slug,
        ).first()
    return row


def tenants_showing_file(tenant: OpenScope, sha256: str) -> list[UUID]:
    """The tenants on whose pages a file of this digest stands."""
    if not DIGEST_PATTERN.fullmatch(sha256):
        return []
    with tenant(INSTALLATION_ID, VISITOR_ACTOR, role="door") as scope:
        return list(
            scope.run(
                "SELECT DISTINCT tenant_id FROM item_media WHERE sha256 = :sha256", sha256=sha256
            ).scalars()
        )


def load_profile(scope: Scope, found: SiteRef) -> SiteProfile:
    """What the site says of itself."""
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
    """Where a visitor comes from, as a digest that only this page can make: no address is kept."""
    return hmac.new(found.site_id.bytes, address.encode(), hashlib.sha256).hexdigest()[:32]


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
