"""Short links on our domain, one for each link of a post on an account or of a campaign, and their
clicks.

A slug is derived from its subject and target: it can be shown before it is stored, and storing it
twice has no effect. The target of a slug never changes. Only daily totals of clicks are stored, for
people and bots separately. People are counted once a day by a digest under the key of that day,
which is deleted within days: it identifies no one on another link or another day.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels.links.models import LinkClicksRow, LinkRow
from foundation.db.bulk_insert import insert_rows
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.web_addresses import is_web_address
from foundation.ids import INSTALLATION_ID, derived_uuid, uuid7
from gate.contract.units import Subject

LINK_PATH = "/l/"
SLUG_LENGTH = 13
MAX_LINK_TARGET_LENGTH = 2048
"""Maximum number of characters of a target URL."""

LINK_ACTOR = "system:link"
VISITOR_DIGEST_LENGTH = 32
"""Number of hexadecimal digits of a visitor's digest."""

SLUG_LETTERS = "bcdfghjmnqrtvwxz"
"""Sixteen consonants without vowels and digits, so that no slug spells a word.

L is missing because it resembles I, and P because it occurs in a term that the gate prohibits: a
slug must not put its post on hold.
"""

_SLUG = re.compile(f"[b-df-hj-np-tv-z]{{{SLUG_LENGTH}}}")  # also those with earlier letters


@dataclass(frozen=True)
class ShortLinkTarget:
    """The target of a short link, or None if it is closed, and what its redirect is judged by (see
    `LinkRow`)."""

    id: UUID
    target: str | None
    creator_id: UUID | None = None
    address: str = ""
    place: str = ""


@dataclass(frozen=True)
class LinkClicks:
    """Clicks of short links by people and by bots (previews, search engines, link checkers).
    `visitors` counts people once a day (UTC)."""

    people: int = 0
    machines: int = 0
    visitors: int = 0


def make_link_slug(tenant_id: UUID, subject: Subject, target: str) -> str:
    """Return the slug of a subject's short link to a URL. Each pair has its own slug."""
    digits = derived_uuid(tenant_id, "link", subject.kind, subject.id, target).hex
    return "".join(
        SLUG_LETTERS[int(digit, 16)] for digit in digits[:12] + digits[13]
    )  # The 13th digit is the UUID version, which is always the same.


def store_links(
    scope: Scope,
    channel_id: UUID | None,
    subject: Subject,
    targets: Mapping[str, str],
    *,
    creator_id: UUID,
    place: str = "",
) -> None:
    """Store the short links of a subject to these URLs. Repeating it has no effect.

    `targets` are the URLs with the address that an author wrote for each, "" for a chat that we
    link ourselves. `place` is the surface of a post. A subject that belongs to no account has no
    channel. Raises BadInput for an invalid web URL, Conflict for a slug with another target.
    """
    if not all(
        len(one) <= MAX_LINK_TARGET_LENGTH and one.isascii() and is_web_address(one)
        for one in targets
    ):
        raise BadInput("link.not_web")
    wanted = {make_link_slug(scope.tenant_id, subject, one): one for one in targets}
    rows = [
        {
            "id": derived_uuid(scope.tenant_id, "link", slug),
            "slug": slug,
            "target": target,
            "channel_id": channel_id,
            "subject_kind": subject.kind,
            "subject_id": subject.id,
            "creator_id": creator_id,
            "address": targets[target],
            "place": place,
        }
        for slug, target in sorted(wanted.items())
    ]
    # Fewer inserted rows mean that some slugs exist already.
    if rows and insert_rows(scope, LinkRow, rows) < len(rows):
        _check_slugs_unchanged(scope, wanted)


def _check_slugs_unchanged(scope: Scope, wanted: dict[str, str]) -> None:
    rows = scope.run(
        "SELECT slug, target FROM links WHERE tenant_id = :tenant AND slug = ANY(:slugs)",
        tenant=scope.tenant_id,
        slugs=list(wanted),
    )
    if {row.slug: row.target for row in rows} != wanted:
        raise Conflict("link.taken")


def short_link_target(scope: Scope, slug: str) -> str | None:
    """Return the target of a slug, or None."""
    found: str | None = scope.run(
        "SELECT target FROM links WHERE tenant_id = :tenant AND slug = :slug AND closed_at IS NULL",
        tenant=scope.tenant_id,
        slug=slug,
    ).scalar()
    return found


def close_links(scope: Scope, subject: Subject) -> None:
    """Close the short links of a subject."""
    scope.run(
        "UPDATE links SET closed_at = :now, updated_at = house_now() WHERE tenant_id = :tenant"
        " AND subject_kind = :kind AND subject_id = :id AND closed_at IS NULL",
        now=scope.now,
        tenant=scope.tenant_id,
        kind=subject.kind,
        id=subject.id,
    )


def find_link(tenant: OpenScope, slug: str) -> tuple[UUID, ShortLinkTarget] | None:
    """Return the tenant and target of a slug, or None if the slug is unknown or two agencies have
    it."""
    if not _SLUG.fullmatch(slug):  # Malformed input never reaches the database.
        return None
    with tenant(INSTALLATION_ID, LINK_ACTOR, role="door") as scope:
        rows = scope.run(
            "SELECT tenant_id, id, target, closed_at, creator_id, address, place FROM links"
            " WHERE slug = :slug",
            slug=slug,
        ).all()
    if len(rows) != 1:
        return None
    (row,) = rows
    target = row.target if row.closed_at is None else None
    return row.tenant_id, ShortLinkTarget(row.id, target, row.creator_id, row.address, row.place)


def count_click(
    scope: Scope, link_id: UUID, *, people: int = 0, machines: int = 0, visitors: int = 0
) -> None:
    """Add clicks to the totals of today (UTC)."""
    scope.run(
        "INSERT INTO link_clicks (tenant_id, id, link_id, day, people, machines, visitors)"
        " VALUES (:tenant, :id, :link, :day, :people, :machines, :visitors)"
        " ON CONFLICT (tenant_id, link_id, day) DO UPDATE"
        " SET people = link_clicks.people + excluded.people, machines = link_clicks.machines + "
        "excluded.machines, visitors = link_clicks.visitors + excluded.visitors,"
        " updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        link=link_id,
        day=scope.now.date(),
        people=people,
        machines=machines,
        visitors=visitors,
    )


def count_person(scope: Scope, link_id: UUID, *, address: str, agent: str) -> None:
    """Count a click by a person, and the person if this is their first click of the link today
    (UTC). `address` and `agent` are those of the request; neither is stored."""
    salt = _salt_of_today(scope)
    said = b"\0".join((link_id.bytes, address.encode(), agent.encode()))
    digest = hmac.new(salt.encode(), said, hashlib.sha256).hexdigest()[:VISITOR_DIGEST_LENGTH]
    new = scope.run(
        "INSERT INTO link_visitors (tenant_id, id, link_id, digest)"
        " VALUES (:tenant, :id, :link, :digest)"
        " ON CONFLICT (tenant_id, link_id, digest) DO NOTHING",
        tenant=scope.tenant_id,
        id=uuid7(),
        link=link_id,
        digest=digest,
    ).rowcount
    count_click(scope, link_id, people=1, visitors=new)


def _salt_of_today(scope: Scope) -> str:
    where = {"tenant": scope.tenant_id, "day": scope.now.date()}
    query = "SELECT salt FROM link_salts WHERE tenant_id = :tenant AND day = :day"
    salt = scope.run(query, **where).scalar()
    if salt is None:
        scope.run(
            "INSERT INTO link_salts (tenant_id, id, day, salt) VALUES (:tenant, :id, :day, :salt)"
            " ON CONFLICT (tenant_id, day) DO NOTHING",
            id=uuid7(),
            salt=secrets.token_hex(32),
            **where,
        )
        salt = scope.run(query, **where).scalar_one()
    return str(salt)


def import_past_clicks(
    scope: Scope, slug: str, clicks: Mapping[date, LinkClicks], *, at: datetime
) -> None:
    """Insert the clicks of past days (UTC) of a stored link. Existing days are not changed. `at` is
    the time of the rows."""
    link_id = derived_uuid(scope.tenant_id, "link", slug)
    rows = [
        {
            "id": derived_uuid(link_id, day, "clicks"),
            "created_at": at,
            "updated_at": at,
            "link_id": link_id,
            "day": day,
            "people": one.people,
            "machines": one.machines,
            "visitors": one.visitors,
        }
        for day, one in sorted(clicks.items())
    ]
    insert_rows(scope, LinkClicksRow, rows)


def clicks_by_subject(
    scope: Scope, kind: str, first: date, last: date
) -> Mapping[UUID, LinkClicks]:
    """Return the clicks of these days (UTC) by the ID of their subject, for all subjects of a
    kind. Subjects without clicks are absent."""
    rows = scope.run(
        "SELECT l.subject_id, sum(c.people) AS people, sum(c.machines) AS machines,"
        " sum(c.visitors) AS visitors FROM links l"
        " JOIN link_clicks c ON c.tenant_id = l.tenant_id AND c.link_id = l.id"
        " WHERE l.tenant_id = :tenant AND l.subject_kind = :kind AND c.day BETWEEN :first AND :last"
        " GROUP BY l.subject_id",
        tenant=scope.tenant_id,
        kind=kind,
        first=first,
        last=last,
    )
    return {
        row.subject_id: LinkClicks(int(row.people), int(row.machines), int(row.visitors))
        for row in rows
    }


def clicks_of(scope: Scope, subjects: Iterable[Subject]) -> dict[Subject, LinkClicks]:
    """Return the clicks of the short links of these subjects. Subjects without short links are
    absent."""
    wanted = list(subjects)
    rows = scope.run(
        "SELECT l.subject_kind, l.subject_id, coalesce(sum(c.people), 0) AS people,"
        " coalesce(sum(c.machines), 0) AS machines, coalesce(sum(c.visitors), 0) AS visitors"
        " FROM links l"
        " LEFT JOIN link_clicks c ON c.tenant_id = l.tenant_id AND c.link_id = l.id"
        " WHERE l.tenant_id = :tenant AND l.subject_id = ANY(:ids) GROUP BY l.subject_kind, "
        "l.subject_id",
        tenant=scope.tenant_id,
        ids=[one.id for one in wanted],
    )
    found = {
        Subject(row.subject_kind, row.subject_id): LinkClicks(
            int(row.people), int(row.machines), int(row.visitors)
        )
        for row in rows
    }
    return {one: found[one] for one in wanted if one in found}


def clicks_of_channels(
    scope: Scope, channels: Collection[UUID], first: date, last: date
) -> dict[UUID, int]:
    """Return the clicks by people on the short links of accounts from `first` to `last` (UTC days)
    inclusive. Accounts without short links are absent, those without a click have 0."""
    rows = scope.run(
        "SELECT l.channel_id, coalesce(sum(c.people), 0) AS people FROM links l"
        " LEFT JOIN link_clicks c ON c.tenant_id = l.tenant_id AND c.link_id = l.id"
        " AND c.day BETWEEN :first AND :last"
        " WHERE l.tenant_id = :tenant AND l.channel_id = ANY(:channels) GROUP BY l.channel_id",
        tenant=scope.tenant_id,
        channels=list(channels),
        first=first,
        last=last,
    )
    return {row.channel_id: int(row.people) for row in rows}
