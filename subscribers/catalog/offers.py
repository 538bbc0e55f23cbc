"""Offers to a fan: a closed list of at most six packs, ranked by stored rows and not by a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from uuid import UUID

from channels.accounts.queries import Channel
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Button, Rating
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from studio.packs import packs
from studio.packs.states import PackState
from subscribers.catalog.models import Offer
from subscribers.catalog.prices import prices_of_packs
from subscribers.catalog.recommendations import (
    Recommendation,
    RecommendationBasis,
    load_recommendation,
)
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.fans import directory
from subscribers.rails.contract import RailTerms
from subscribers.rails.price_text import format_price
from subscribers.subscriptions import subscription_rows

MAX_OFFERS = 6
MAX_LISTED = 60
"""Maximum number of packs in the list that a fan asked for."""
PER_DAY = 3
"""Maximum number of offers shown to a fan in 24 hours."""

APART = 6
"""Minimum number of messages of the conversation between two offers."""

DECLINED_FOR = timedelta(days=7)
"""Period in which a declined pack is not offered again."""
OPEN_INVOICES = 3
"""Number of unpaid orders at which a fan gets no further offers."""
LIFE = timedelta(hours=24)
"""Period for which an offered price is valid."""


@dataclass(frozen=True)
class OfferCandidate:
    """An active pack with its price on the conversation's rail."""

    pack_id: UUID
    version: int
    title: str
    description: str
    rating: Rating
    price: Money
    locks: bool = False
    """True if the pack may also be sold as a locked message, without an invoice."""
    basis: RecommendationBasis | None = None
    """The reason if the pack is recommended to the fan."""


@dataclass(frozen=True)
class FanSalesContext:
    """The facts about a fan that decide the list. `since_last_offer` counts messages; None means no
    offer yet."""

    may_be_sold_to: bool
    held: bool
    adult: bool
    owned: frozenset[UUID]
    invoiced: frozenset[UUID]
    declined: frozenset[UUID]
    shown_today: int
    since_last_offer: int | None
    paid: tuple[int, ...]
    """Amounts of earlier payments, in minor units of the rail's currency."""
    recommended: Recommendation | None = None


@dataclass(frozen=True)
class ShownOffer:
    """An offer that was shown, with the price that is valid until it expires."""

    id: UUID
    pack_id: UUID
    pack_version: int
    title: str
    price: Money
    rail: str


def rank_offers(
    candidates: Sequence[OfferCandidate],
    standing: FanSalesContext,
    ratings: frozenset[Rating],
    *,
    most: int = MAX_OFFERS,
) -> tuple[OfferCandidate, ...]:
    """Return at most `most` packs that may be offered, best first. Pure: the same rows give the
    same list.

    The list is empty if sales to the fan are not allowed, or if the fan is on hold, saw `PER_DAY`
    offers in the last 24 hours, saw one within the last `APART` messages, or has `OPEN_INVOICES`
    unpaid orders. Skip packs that are owned, invoiced, declined, or rated above the limits of the
    rail or of the fan's age check. Recommended packs are listed first, then those closest to the
    fan's median payment, or the cheapest for a fan who never paid; ties are ordered by ID.
    """
    near = standing.since_last_offer is not None and standing.since_last_offer < APART
    crowded = standing.shown_today >= PER_DAY or len(standing.invoiced) >= OPEN_INVOICES
    if not standing.may_be_sold_to or standing.held or near or crowded:
        return ()
    gone = standing.owned | standing.invoiced | standing.declined
    fit = [
        one
        for one in candidates
        if one.pack_id not in gone
        and one.rating in ratings
        and (standing.adult or one.rating.rank <= Rating.S.rank)
    ]
    usual = round(median(standing.paid)) if standing.paid else 0
    known = standing.recommended
    places = {pack: place for place, pack in enumerate(known.packs)} if known is not None else {}

    def order(one: OfferCandidate) -> tuple[int, int, UUID]:
        place = places.get(one.pack_id, len(places))
        return place, abs(one.price.minor - usual), one.pack_id

    return tuple(
        replace(one, basis=known.basis) if known is not None and one.pack_id in places else one
        for one in sorted(fit, key=order)[:most]
    )


def list_offers(
    scope: Scope,
    fan: directory.FanIdentityView,
    talk: Conversation,
    *,
    channel: Channel,
    rail: RailTerms,
) -> tuple[OfferCandidate, ...]:
    """Return at most six packs that may be offered to this fan on this account now."""
    candidates = _list_candidates(scope, fan.creator_id, rail)
    return (
        rank_offers(candidates, _get_sales_context(scope, fan, talk, channel, rail), rail.ratings)
        if candidates
        else ()
    )


def list_catalog(
    scope: Scope,
    fan: directory.FanIdentityView,
    talk: Conversation,
    *,
    channel: Channel,
    rail: RailTerms,
) -> tuple[OfferCandidate, ...]:
    """Return the packs that this fan may buy on this account, cheapest first, at most
    `MAX_LISTED`.

    A fan who asks for the list also gets packs that they declined, and regardless of how many
    offers they saw.
    """
    if rail.locked or is_payment_stopped(scope, fan):
        return ()
    standing = _get_sales_context(scope, fan, talk, channel, rail)
    asked = replace(
        standing,
        declined=frozenset(),
        shown_today=0,
        since_last_offer=None,
        paid=(),
        recommended=None,
    )
    known = _list_candidates(scope, fan.creator_id, rail)
    return rank_offers(known, asked, rail.ratings, most=MAX_LISTED)


def create_requested_offer(
    scope: Scope, talk: Conversation, candidate: OfferCandidate, rail: str
) -> UUID:
    """Return the ID of an offer for a fan who asked for the list: the one that they have, if its
    price is still the same and valid for an hour, or a new one."""
    known: UUID | None = scope.run(
        "SELECT id FROM offers WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND pack_id = :pack AND pack_version = :version AND rail = :rail AND currency = :currency"
        " AND amount_minor = :minor AND state = 'shown' AND expires_at > :soon"
        " ORDER BY expires_at DESC LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
        pack=candidate.pack_id,
        version=candidate.version,
        rail=rail,
        currency=candidate.price.currency,
        minor=candidate.price.minor,
        soon=scope.now + timedelta(hours=1),
    ).scalar()
    return known or create_offer(scope, talk, candidate, rail, requested=True)


def create_offer(
    scope: Scope,
    talk: Conversation,
    candidate: OfferCandidate,
    rail: str,
    *,
    requested: bool = False,
) -> UUID:
    """Store the price that is shown to a fan. Return the offer's ID."""
    row = Offer(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=talk.creator_id,
        fan_id=talk.fan_id,
        conversation_id=talk.id,
        pack_id=candidate.pack_id,
        pack_version=candidate.version,
        title=candidate.title,
        rail=rail,
        currency=candidate.price.currency,
        amount_minor=candidate.price.minor,
        state="shown",
        expires_at=scope.now + LIFE,
        requested=requested,
    )
    scope.add(row)
    return row.id


def catalog_button(candidate: OfferCandidate, offer_id: UUID, language: str) -> Button:
    """Return the button of a pack in the list that a fan asked for."""
    params = {
        "title": outgoing_messages.template_value(candidate.title),
        "price": format_price(candidate.price),
    }
    label = render_message(Message("service.button.offer", params), language)
    return Button(label=label, action="buy", ref=str(offer_id))


def offer_card(candidate: OfferCandidate, offer_id: UUID, language: str) -> Button:
    """Return the button of an offer. No model and no member ever writes its title or price."""
    params = {"title": candidate.title, "price": format_price(candidate.price)}
    return Button(
        label=render_message(Message("offer.button", params), language),
        action="buy",
        ref=str(offer_id),
    )


def get_shown_offer(scope: Scope, offer_id: UUID, fan_id: UUID) -> ShownOffer:
    """Return an offer of this fan whose price is still valid. Raises NotFound, also for another
    fan's offer."""
    row = scope.run(
        "SELECT id, pack_id, pack_version, title, amount_minor, currency, rail FROM offers WHERE "
        "tenant_id = :tenant"
        " AND id = :id AND fan_id = :fan AND state IN ('shown', 'accepted') AND expires_at > :now",
        tenant=scope.tenant_id,
        id=offer_id,
        fan=fan_id,
        now=scope.now,
    ).one_or_none()
    if row is None:
        raise NotFound("offer.unknown")
    return ShownOffer(
        row.id,
        row.pack_id,
        row.pack_version,
        row.title,
        Money(row.amount_minor, row.currency),
        row.rail,
    )


def mark_offer_accepted(scope: Scope, offer_id: UUID) -> None:
    """Mark the offer as accepted by the fan."""
    scope.run(
        "UPDATE offers SET state = 'accepted', updated_at = house_now() WHERE tenant_id = :tenant "
        "AND id = :id",
        tenant=scope.tenant_id,
        id=offer_id,
    )


def _list_candidates(scope: Scope, creator_id: UUID, rail: RailTerms) -> list[OfferCandidate]:
    known = packs.list_packs(scope, [creator_id], states=(PackState.ACTIVE,))
    # An incomplete or withheld pack would be paid for and never delivered.
    wares = [one for one in known if one.whole and not one.withheld]
    if not wares:
        return []
    asked = prices_of_packs(scope, [one.id for one in wares])
    return [
        OfferCandidate(
            one.id,
            one.version,
            one.title,
            one.description,
            one.rating,
            price,
            _can_lock(one, price, rail),
        )
        for one in wares
        if (price := asked.get(one.id, {}).get(rail.name)) is not None
        and price.currency == rail.currency
    ]


def _can_lock(one: packs.PackListing, price: Money, rail: RailTerms) -> bool:
    return rail.behind is not None and rail.behind.can_lock_pack(one.rating, one.pictures, price)


def is_payment_stopped(scope: Scope, fan: directory.FanIdentityView) -> bool:
    """Return True if an emergency stop of payments or offers applies to this fan."""
    chat = f"{fan.channel_id}:{fan.native_id}"
    return any(
        emergency_stops.is_stopped(
            scope, feature, creator=fan.creator_id, channel=fan.channel_id, chat=chat
        )
        for feature in ("payments", "offers")
    )


_STANDING = """
SELECT
  (SELECT array_agg(pack_id) FROM entitlements WHERE tenant_id = :tenant AND fan_id = :fan AND
  state = 'active')
    AS owned,
  (SELECT array_agg(pack_id) FROM orders WHERE tenant_id = :tenant AND fan_id = :fan AND
  expires_at > :now
    AND state IN ('open', 'invoiced', 'checkout', 'paid', 'fulfilling')) AS invoiced,
  (SELECT array_agg(pack_id) FROM offers WHERE tenant_id = :tenant AND fan_id = :fan AND state =
  'declined'
    AND updated_at > :declined_since) AS declined,
  (SELECT array_agg(amount_minor) FROM payments WHERE tenant_id = :tenant AND fan_id = :fan AND
  kind = 'matched'
    AND currency = :currency) AS paid,
  (SELECT count(*) FROM offers WHERE tenant_id = :tenant AND fan_id = :fan AND created_at >
  :day_ago AND NOT requested) AS shown_today,
  (SELECT max(in_reply_to_seq) FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk
    AND offer_id IS NOT NULL AND state NOT IN ('cancelled', 'rejected', 'expired', 'failed')) AS
    offered_at
"""
"""The fan's sales facts in one query, because the fan waits for the response."""


def _get_sales_context(
    scope: Scope,
    fan: directory.FanIdentityView,
    talk: Conversation,
    channel: Channel,
    rail: RailTerms,
) -> FanSalesContext:
    row = scope.run(
        _STANDING,
        tenant=scope.tenant_id,
        fan=fan.fan_id,
        talk=talk.id,
        currency=rail.currency,
        now=scope.now,
        declined_since=scope.now - DECLINED_FOR,
        day_ago=scope.now - timedelta(days=1),
    ).one()
    chat = f"{channel.id}:{fan.native_id}"
    stopped = emergency_stops.is_stopped(
        scope, "offers", creator=fan.creator_id, channel=channel.id, chat=chat
    )
    return FanSalesContext(
        may_be_sold_to=fan.may_be_sold_to and fan.reachable == "yes",
        held=talk.safety_hold or stopped,
        adult=age_assurance.get_assurance(scope, channel.platform, fan.native_id).over_18,
        owned=frozenset(row.owned or ())
        | frozenset(subscription_rows.packs_opened_for_fan(scope, fan.fan_id)),
        invoiced=frozenset(row.invoiced or ()),
        declined=frozenset(row.declined or ()),
        shown_today=row.shown_today,
        since_last_offer=talk.last_seq - row.offered_at if row.offered_at is not None else None,
        paid=tuple(row.paid or ()),
        recommended=load_recommendation(scope, fan.creator_id, fan.fan_id),
    )


def decline_offer(scope: Scope, offer_id: UUID, fan_id: UUID) -> None:
    """Mark a shown offer as declined; the pack is not offered again for `DECLINED_FOR`."""
    scope.run(
        "UPDATE offers SET state = 'declined', updated_at = house_now() WHERE tenant_id = :tenant "
        "AND id = :id"
        " AND fan_id = :fan AND state = 'shown'",
        tenant=scope.tenant_id,
        id=offer_id,
        fan=fan_id,
    )
