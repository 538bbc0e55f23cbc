"""Acquisition links: one link for each campaign, with its source, cost, owner and dates.

A link is shared under a short URL. It opens a chat with a bot, which receives the link's code as
its start parameter, a Discord invite, or a web page. A web page can hand its visitors over to a
bot: its button opens the chat with the same parameter. A creator's own page does this for the
visits of its links; nothing is stored in the browser. The destination of a link never changes: a
link that was approved, printed or paid for cannot be redirected. Archiving hides a link and keeps
it working.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors
from channels.accounts.queries import Channel, get_channel, list_channels
from channels.links import short_links, utm_parameters
from connectors.contract.connector import Connector
from connectors.contract.invites import SupportsInvites
from connectors.contract.start_links import SupportsStartLinks
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from foundation.ids import derived_uuid
from foundation.money import STARS, TEST_CURRENCY, Money, is_currency, parse_money
from gate.contract.reasons import Reason
from gate.contract.units import Subject
from gate.surfaces.decisions import judge_contents
from gate.surfaces.redirects import redirect_content
from gate.text import urls
from subscribers.acquisition.models import AcquisitionLinkRow
from tenants.agencies import queries

LINK_SUBJECT = "acquisition"
"""The kind of the subject of the short links of campaigns."""

MAX_NAME = 80
MAX_UTM_LENGTH = 80
MAX_LINKS = 1000
"""Maximum number of links of a creator."""

MAX_COST = 10**12
"""Maximum cost in minor units."""

START_PREFIX = "from-"
"""Prefix of a link's code in the start parameter of a chat."""

CODE_LENGTH = 16
HAND_OVER = "via"
"""Parameter with a link's code in the address of a creator's own page."""

_CODE = re.compile(rf"[0-9a-f]{{{CODE_LENGTH}}}", re.ASCII)
_DISCORD_INVITE = re.compile(r"https://(?:discord\.gg|discord\.com/invite)/[A-Za-z0-9-]{2,32}")


class LinkSource(StrEnum):
    """The places where a link is published."""

    BIO = "bio"
    AD = "ad"
    SHOUTOUT = "shoutout"
    OTHER = "other"


class LinkDestination(StrEnum):
    """The kinds of pages that a link opens."""

    CHAT = "chat"
    DISCORD = "discord"
    WEB = "web"


@dataclass(frozen=True)
class UtmParameters:
    """UTM parameters of a web page; empty ones are left out."""

    source: str = ""
    medium: str = ""
    campaign: str = ""
    term: str = ""
    content: str = ""


NO_UTM = UtmParameters()


@dataclass(frozen=True)
class LinkDetails:
    """The details that members can change. `cost` is the price of the campaign, None if unknown.
    Both days are included; they describe the campaign and do not limit the link."""

    name: str
    source: LinkSource
    cost: Money | None = None
    owner_id: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class LinkDraft:
    """A link to create. `channel_id` is the account of a chat. It is optional for a web page, which
    hands its visitors over to it, and for a Discord invite, whose uses it reads. `url` is a Discord
    invite or a web page."""

    creator_id: UUID
    details: LinkDetails
    destination: LinkDestination
    channel_id: UUID | None = None
    url: str = ""
    utm: UtmParameters = NO_UTM


@dataclass(frozen=True)
class AcquisitionLink:
    """A link. `target` is the URL that its short URL redirects to."""

    id: UUID
    creator_id: UUID
    details: LinkDetails
    destination: LinkDestination
    channel_id: UUID | None
    target: str
    slug: str
    utm: UtmParameters
    version: int
    archived_at: datetime | None
    created_at: datetime | None
    code: str = field(default="", repr=False)

    @property
    def reports_chats(self) -> bool:
        """Return True if the chats that begin through the link are known."""
        return self.channel_id is not None

    def short_url(self, base: str) -> str:
        """Return the URL to share, on the address `base` of short links."""
        return f"{base.rstrip('/')}{short_links.LINK_PATH}{self.slug}"


def list_start_channels(
    channels: Sequence[Channel], connectors: Mapping[str, Connector]
) -> list[Channel]:
    """Return the accounts whose chat a link can open with a start parameter."""
    return _list_chats_with(SupportsStartLinks, channels, connectors)


def list_invite_channels(
    channels: Sequence[Channel], connectors: Mapping[str, Connector]
) -> list[Channel]:
    """Return the accounts with a chat that can read the uses of invites."""
    return _list_chats_with(SupportsInvites, channels, connectors)


def _list_chats_with(
    ability: type, channels: Sequence[Channel], connectors: Mapping[str, Connector]
) -> list[Channel]:
    """Return the connected accounts with a chat whose connector has an ability."""
    return [
        one
        for one in channels
        if one.chat_surface
        and not one.is_disconnected
        and isinstance(account_connectors.find_connector_for(connectors, one), ability)
    ]


def create_link(
    scope: Scope, draft: LinkDraft, *, connectors: Mapping[str, Connector], key: UUID
) -> AcquisitionLink:
    """Create a link and its short URL, once for each key.

    Raises BadInput for an invalid name, cost, period, UTM parameter or account, and for an address
    that is invalid or not registered for the creator; Refused for one that visitors may not be sent
    to; NotFound for an unknown account or owner; Conflict if the creator has `MAX_LINKS` links.
    """
    details = _check_details(scope, draft.details)
    link_id = derived_uuid(scope.tenant_id, LINK_SUBJECT, key)
    scope.lock(f"acquisition:{scope.tenant_id}:{draft.creator_id}")
    if (known := _find_row(scope, link_id)) is not None:
        return _link_from_row(known)
    _check_number(scope, draft.creator_id)
    code = derived_uuid(link_id, "code").hex[:CODE_LENGTH]
    utm = _check_utm(draft.utm) if draft.destination is LinkDestination.WEB else NO_UTM
    channel_id, target = _build_target(scope, draft, utm, code, connectors)
    subject = Subject(LINK_SUBJECT, link_id)
    address = "" if draft.destination is LinkDestination.CHAT else urls.canonical_url(draft.url)
    if address:
        _check_redirect(scope, draft.creator_id, address, target)
    short_links.store_links(
        scope, channel_id, subject, {target: address}, creator_id=draft.creator_id
    )
    row = AcquisitionLinkRow(
        tenant_id=scope.tenant_id,
        id=link_id,
        creator_id=draft.creator_id,
        destination=str(draft.destination),
        channel_id=channel_id,
        target=target,
        slug=short_links.make_link_slug(scope.tenant_id, subject, target),
        code=code,
        utm={name: value for name, value in asdict(utm).items() if value},
        created_at=scope.now,
        **_detail_columns(details),
    )
    scope.add(row)
    return _link_from_row(row)


def update_link(scope: Scope, link_id: UUID, details: LinkDetails, *, version: int) -> None:
    """Change the details of a link that is still at this version. The same details are no new one.

    Raises NotFound, BadInput as `create_link` does, and Conflict for another version.
    """
    details = _check_details(scope, details)
    row = _lock_row(scope, link_id)
    if row.version != version:
        raise Conflict("acquisition.changed")
    columns = _detail_columns(details)
    if all(getattr(row, name) == value for name, value in columns.items()):
        return
    for name, value in columns.items():
        setattr(row, name, value)
    row.version += 1
    scope.add(row)


def archive_link(scope: Scope, link_id: UUID) -> None:
    """Hide a link from lists; it continues to redirect and to be counted. Raises NotFound."""
    _set_archived(scope, link_id, scope.now)


def restore_link(scope: Scope, link_id: UUID) -> None:
    """Show an archived link again. Raises NotFound."""
    _set_archived(scope, link_id, None)


def _set_archived(scope: Scope, link_id: UUID, at: datetime | None) -> None:
    row = _lock_row(scope, link_id)
    if (row.archived_at is None) == (at is None):
        return
    row.archived_at = at
    row.version += 1
    scope.add(row)


def get_link(scope: Scope, link_id: UUID) -> AcquisitionLink:
    """Return a link. Raises NotFound."""
    row = _find_row(scope, link_id)
    if row is None:
        raise NotFound("acquisition.unknown")
    return _link_from_row(row)


def list_links(
    scope: Scope, creators: Sequence[UUID], *, archived: bool = False
) -> list[AcquisitionLink]:
    """Return the links of these creators, newest first; with `archived`, only archived ones."""
    rows = scope.session.exec(
        select(AcquisitionLinkRow)
        .where(
            AcquisitionLinkRow.tenant_id == scope.tenant_id,
            col(AcquisitionLinkRow.creator_id).in_(creators),
            col(AcquisitionLinkRow.archived_at).is_not(None)
            if archived
            else col(AcquisitionLinkRow.archived_at).is_(None),
        )
        .order_by(col(AcquisitionLinkRow.created_at).desc(), col(AcquisitionLinkRow.id).desc())
        .execution_options(populate_existing=True)
    )
    return [_link_from_row(row) for row in rows]


def start_url(scope: Scope, link: AcquisitionLink, connectors: Mapping[str, Connector]) -> str:
    """Return the URL that opens the chat of a link with its code: the one of the button on a web
    page. It is "" for a link without an account, or whose account is disconnected."""
    if link.channel_id is None or link.destination is LinkDestination.DISCORD:
        return ""
    return _build_start_url(link, get_channel(scope, link.channel_id), connectors)


def load_start_urls(
    scope: Scope, found: Sequence[AcquisitionLink], connectors: Mapping[str, Connector]
) -> dict[UUID, str]:
    """Return the URLs for the chat buttons of web pages, by link; see `start_url`. Links that are
    not to a web page or have no account are left out. The accounts are read once."""
    pages = [one for one in found if one.destination is LinkDestination.WEB and one.channel_id]
    channels = {one.id: one for one in list_channels(scope)} if pages else {}
    return {
        one.id: _build_start_url(one, channels[one.channel_id], connectors)
        for one in pages
        if one.channel_id in channels
    }


def _build_start_url(
    link: AcquisitionLink, channel: Channel, connectors: Mapping[str, Connector]
) -> str:
    connector = account_connectors.find_connector_for(connectors, channel)
    if not isinstance(connector, SupportsStartLinks) or not list_start_channels(
        [channel], connectors
    ):
        return ""
    parameter = f"{START_PREFIX}{link.code}"
    return connector.chat_start_url(channel.base_url, channel.account, parameter)


def find_start_url(
    scope: Scope, creator_id: UUID, code: str, connectors: Mapping[str, Connector]
) -> str:
    """Return the URL that opens the chat of a creator's link with this code; "" for any other
    text."""
    link_id = find_chat_link(scope, creator_id, code) if _CODE.fullmatch(code) else None
    return start_url(scope, get_link(scope, link_id), connectors) if link_id is not None else ""


def find_chat_link(scope: Scope, creator_id: UUID, code: str) -> UUID | None:
    """Return the ID of a creator's link whose chats are known, by its code, or None."""
    found: UUID | None = scope.run(
        "SELECT id FROM acquisition_links WHERE tenant_id = :tenant AND code = :code"
        " AND creator_id = :creator AND channel_id IS NOT NULL"
        " AND destination <> 'discord'",
        tenant=scope.tenant_id,
        code=code,
        creator=creator_id,
    ).scalar()
    return found


def is_discord_invite(url: str) -> bool:
    """Return True for the URL of a Discord invite."""
    return _DISCORD_INVITE.fullmatch(url.strip()) is not None


def parse_cost(typed: str, currency: str) -> Money | None:
    """Return the cost that a member typed, None for an empty text. Raises BadInput."""
    if not typed.strip():
        return None
    try:
        return parse_money(typed, currency)
    except ValueError as error:
        raise BadInput("acquisition.cost_unreadable").about("cost") from error


def _build_target(
    scope: Scope,
    draft: LinkDraft,
    utm: UtmParameters,
    code: str,
    connectors: Mapping[str, Connector],
) -> tuple[UUID | None, str]:
    """Return the account and the target of a new link."""
    if draft.destination is LinkDestination.CHAT:
        channel, connector = _require_start_channel(scope, draft, connectors)
        parameter = f"{START_PREFIX}{code}"
        return channel.id, connector.chat_start_url(channel.base_url, channel.account, parameter)
    if draft.destination is LinkDestination.DISCORD:
        if not is_discord_invite(draft.url):
            raise BadInput("acquisition.no_invite").about("url")
        if draft.channel_id is not None:
            channel = get_channel(scope, draft.channel_id)
            if channel.creator_id != draft.creator_id:
                raise NotFound("channel.unknown")
            if not list_invite_channels([channel], connectors):
                raise BadInput("acquisition.no_server").about("url")
        return draft.channel_id, draft.url.strip()
    address = urls.parse_registrable_url(draft.url)
    if urls.is_own_short_link(address, urls.own_hosts()):
        raise BadInput("link.short").about("url")
    target = utm_parameters.add_utm_parameters(address, asdict(utm))
    if draft.channel_id is None:
        return None, target
    channel, _ = _require_start_channel(scope, draft, connectors)
    if urls.is_own_url(target, urls.own_hosts()):
        target = utm_parameters.add_parameter(target, HAND_OVER, code)
    return channel.id, target


def _check_redirect(scope: Scope, creator_id: UUID, address: str, target: str) -> None:
    """Raise BadInput for an address that is not registered for the creator, and Refused if visitors
    may not be sent there."""
    (decision,) = judge_contents(scope, [redirect_content(creator_id, address, opens=target)])
    if Reason.LINK_UNREGISTERED in decision.reasons:
        raise BadInput("acquisition.unregistered").about("url")
    if not decision.is_allowed:
        raise Refused(decision.main_reason.code)


def _require_start_channel(
    scope: Scope, draft: LinkDraft, connectors: Mapping[str, Connector]
) -> tuple[Channel, SupportsStartLinks]:
    """Return the account of a link and its connector. Raises BadInput and NotFound."""
    if draft.channel_id is None:
        raise BadInput("acquisition.no_chat")
    channel = get_channel(scope, draft.channel_id)
    if channel.creator_id != draft.creator_id:
        raise NotFound("channel.unknown")
    connector = account_connectors.find_connector_for(connectors, channel)
    if not isinstance(connector, SupportsStartLinks) or not list_start_channels(
        [channel], connectors
    ):
        raise BadInput("acquisition.no_chat")
    return channel, connector


def _check_details(scope: Scope, details: LinkDetails) -> LinkDetails:
    name = " ".join(details.name.split())
    if not 0 < len(name) <= MAX_NAME or not is_one_line(name):
        raise BadInput("acquisition.no_name", most=MAX_NAME).about("name")
    cost = details.cost
    if cost is not None and not (
        0 <= cost.minor <= MAX_COST
        and (cost.currency in (STARS, TEST_CURRENCY) or is_currency(cost.currency))
    ):
        raise BadInput("acquisition.cost_unreadable").about("cost")
    if details.first_day and details.last_day and details.last_day < details.first_day:
        raise BadInput("acquisition.period_reversed").about("last_day")
    if details.owner_id is not None:
        queries.get_member(scope, details.owner_id)
    return LinkDetails(
        name, details.source, cost, details.owner_id, details.first_day, details.last_day
    )


def _check_utm(utm: UtmParameters) -> UtmParameters:
    marks = {name: value.strip() for name, value in asdict(utm).items()}
    for name, mark in marks.items():
        if len(mark) > MAX_UTM_LENGTH or not is_one_line(mark):
            raise BadInput("link.mark_unreadable", most=MAX_UTM_LENGTH).about(f"utm_{name}")
    return UtmParameters(**marks)


def _check_number(scope: Scope, creator_id: UUID) -> None:
    count = scope.run(
        "SELECT count(*) FROM acquisition_links WHERE tenant_id = :tenant"
        " AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    ).scalar_one()
    if count >= MAX_LINKS:
        raise Conflict("acquisition.enough", most=MAX_LINKS)


def _detail_columns(details: LinkDetails) -> dict[str, Any]:
    return {
        "name": details.name,
        "source": str(details.source),
        "cost_minor": details.cost.minor if details.cost is not None else None,
        "cost_currency": details.cost.currency if details.cost is not None else "",
        "owner_id": details.owner_id,
        "first_day": details.first_day,
        "last_day": details.last_day,
    }


def _find_row(scope: Scope, link_id: UUID) -> AcquisitionLinkRow | None:
    return scope.session.exec(
        select(AcquisitionLinkRow)
        .where(AcquisitionLinkRow.tenant_id == scope.tenant_id, AcquisitionLinkRow.id == link_id)
        .execution_options(populate_existing=True)
    ).first()


def _lock_row(scope: Scope, link_id: UUID) -> AcquisitionLinkRow:
    row = scope.session.exec(
        select(AcquisitionLinkRow)
        .where(AcquisitionLinkRow.tenant_id == scope.tenant_id, AcquisitionLinkRow.id == link_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("acquisition.unknown")
    return row


def _link_from_row(row: AcquisitionLinkRow) -> AcquisitionLink:
    cost = Money(row.cost_minor, row.cost_currency) if row.cost_minor is not None else None
    return AcquisitionLink(
        id=row.id,
        creator_id=row.creator_id,
        details=LinkDetails(
            row.name, LinkSource(row.source), cost, row.owner_id, row.first_day, row.last_day
        ),
        destination=LinkDestination(row.destination),
        channel_id=row.channel_id,
        target=row.target,
        slug=row.slug,
        utm=UtmParameters(**row.utm),
        version=row.version,
        archived_at=row.archived_at,
        created_at=row.created_at,
        code=row.code,
    )
