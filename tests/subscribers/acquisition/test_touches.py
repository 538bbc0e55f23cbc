"""Chats that begin through an acquisition link, up to the credits of their sales and refunds."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from channels.links import short_links
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from gate.contract.units import Rating
from gate.reviews import link_targets
from insights.attribution import link_results
from insights.attribution.credits import AttributionModel
from insights.attribution.link_results import LinkReport
from subscribers.acquisition import links, touches
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
    UtmParameters,
)
from subscribers.acquisition.touches import Touch
from subscribers.checkout import order_payments
from subscribers.erasure import erase_fan
from subscribers.statements import bookings
from subscribers.statements.bookings import CheckedLine, LineOutcome
from subscribers.statements.file_reader import StatementLineKind, StatementMovement
from tenants.agencies.queries import get_creator
from tests.channels.builders import CONNECTORS
from tests.subscribers.builders import Studio

COST = Money(1000, "XTS")


def details(name: str = "Bio", **more: Any) -> LinkDetails:
    return LinkDetails(name, LinkSource.BIO, **more)


def create(studio: Studio, name: str = "Bio", cost: Money | None = None) -> AcquisitionLink:
    """Create a link to the chat of the studio's account."""
    world = studio.world
    draft = LinkDraft(
        world.channel().creator_id,
        details(name, cost=cost),
        LinkDestination.CHAT,
        channel_id=world.channel_id,
    )
    with studio.scope() as scope:
        return links.create_link(scope, draft, connectors=CONNECTORS, key=uuid7())


def start(studio: Studio, fan: str, link: AcquisitionLink) -> None:
    """Open the chat through a link and press Start."""
    assert link.target.endswith(f"?start={links.START_PREFIX}{link.code}")
    studio.say(fan, f"/start {links.START_PREFIX}{link.code}")


def buy(studio: Studio, fan: str) -> None:
    studio.invoiced(fan)
    studio.fan(fan, "pay")
    studio.go()


def report(studio: Studio, model: AttributionModel = AttributionModel.LAST) -> LinkReport:
    with studio.scope() as scope:
        creator = get_creator(scope, studio.world.channel().creator_id)
        today = local_day(scope.now, creator.zone)
        return link_results.load_link_report(
            scope, [creator], today - timedelta(days=3), today + timedelta(days=1), model
        )


def test_sale_is_credited_to_the_web_page_that_opened_the_chat(studio: Studio) -> None:
    world = studio.world
    channel = world.channel()
    page = LinkDraft(
        channel.creator_id, details(), LinkDestination.WEB, world.channel_id, "blog.example.org"
    )
    with studio.scope() as scope:
        link_targets.register_link_target(
            scope, page.creator_id, page.url, rating=Rating.G, adult=False
        )
        link = links.create_link(scope, page, connectors=CONNECTORS, key=uuid7())
        unmeasured = replace(page, channel_id=None)
        other = links.create_link(scope, unmeasured, connectors=CONNECTORS, key=uuid7())
        opened = links.start_url(scope, link, CONNECTORS)
        assert links.start_url(scope, other, CONNECTORS) == ""
    assert link.target == "https://blog.example.org/", "only our own page receives the code"
    assert opened.endswith(f"?start={links.START_PREFIX}{link.code}")
    studio.say("leo", f"/start {links.START_PREFIX}{link.code}")
    buy(studio, "leo")
    studio.say("max", f"/start {links.START_PREFIX}{other.code}")
    found = {one.link.id: one for one in report(studio).results}
    mine = found[link.id]
    assert (mine.chats, mine.buyers) == (1, 1)
    assert sum(one.minor for one in mine.net_after_fees) > 0
    assert (found[other.id].chats, found[other.id].roi_gap) == (None, "not_measured")


def test_sale_and_refund_are_credited_to_the_link_of_the_chat(studio: Studio) -> None:
    link = create(studio, cost=COST)
    start(studio, "leo", link)
    buy(studio, "leo")
    buy(studio, "ana")  # came without a link
    found = report(studio)
    (mine,) = found.results
    assert (mine.chats, mine.buyers, mine.net_after_fees) == (1, 1, (Money(500, "XTS"),))
    assert mine.windows[7].amounts == (Money(500, "XTS"),)
    assert not mine.windows[7].is_complete
    assert (mine.roi, mine.cost_per_buyer) == (Fraction(-1, 2), COST)
    assert found.unattributed == (Money(500, "XTS"),)
    assert found.net_after_fees == (Money(1000, "XTS"),)
    assert found.unattributed_buyers == 1
    payments = studio.rows(
        "SELECT p.id FROM payments p JOIN fan_identities i ON i.tenant_id = p.tenant_id"
        " AND i.fan_id = p.fan_id WHERE p.tenant_id = :tenant AND i.native_id = 'leo'"
    )
    with studio.scope() as scope:
        order_payments.request_order_refund(scope, payments[0].id, reason=Message("refund.done"))
    studio.go()
    after = report(studio)
    assert after.results[0].net_after_fees == (Money(0, "XTS"),)
    assert after.unattributed == after.net_after_fees == (Money(500, "XTS"),)


def test_refund_of_a_statement_is_credited_as_its_sale(studio: Studio) -> None:
    """The lines of a sale and of its refund have transactions with keys of their own."""
    bio, ad = create(studio), create(studio, "Ad")
    start(studio, "leo", bio)
    fan_id = studio.rows("SELECT fan_id FROM acquisition_touches WHERE tenant_id = :tenant")[0][0]
    creator_id, money = studio.world.channel().creator_id, Money(900, "XTS")
    with studio.scope() as scope:
        scope.run("DELETE FROM acquisition_touches WHERE tenant_id = :t", t=scope.tenant_id)
        now = scope.now
        past = [
            Touch(fan_id, bio.id, now - timedelta(hours=9)),
            Touch(fan_id, ad.id, now - timedelta(hours=5)),
        ]
        touches.import_past_touches(scope, creator_id, past)

    def book(kind: StatementLineKind, hours: int) -> None:
        at = now - timedelta(hours=hours)
        fee = Money(90, "XTS")
        line = StatementMovement(1, at, kind, "r", money, fee, f"{kind}-1", paid_for="message-1")
        with studio.scope() as scope:
            bookings.book_lines(
                scope,
                creator_id,
                [CheckedLine(line, LineOutcome.NEW, at)],
                source="fanvue",
                name="list",
                digest=str(kind),
                fans={"message-1": fan_id},
            )

    book("sale", 7)
    net = {one.link.details.name: one.net_after_fees for one in report(studio).results}
    assert net == {"Bio": (Money(810, "XTS"),), "Ad": ()}
    book("refund", 2)
    found = report(studio)
    net = {one.link.details.name: one.net_after_fees for one in found.results}
    assert net == {"Bio": (Money(0, "XTS"),), "Ad": ()}
    assert found.unattributed == found.net_after_fees == (Money(0, "XTS"),)


def test_models_credit_the_first_the_last_or_all_links(studio: Studio) -> None:
    bio = create(studio)
    ad = create(studio, "Ad")
    for link in (bio, bio, ad):
        start(studio, "leo", link)
    buy(studio, "leo")
    with studio.scope() as scope:  # the clock of the network is behind that of the installation
        behind = (scope.now - studio.world.network.clock()).total_seconds()
    studio.world.pass_time(60)
    studio.world.network.clock.advance(behind + 60)
    start(studio, "leo", bio)  # after the purchase
    by_model: dict[AttributionModel, Mapping[str, tuple[Money, ...]]] = {
        model: {one.link.details.name: one.net_after_fees for one in report(studio, model).results}
        for model in AttributionModel
    }
    whole, half = (Money(500, "XTS"),), (Money(250, "XTS"),)
    assert by_model == {
        AttributionModel.FIRST: {"Bio": whole, "Ad": ()},
        AttributionModel.LAST: {"Bio": (), "Ad": whole},
        AttributionModel.LINEAR: {"Bio": half, "Ad": half},
    }
    with studio.scope() as scope:
        creator_id = studio.world.channel().creator_id
        seen = touches.list_touches(scope, [creator_id])
        assert [one.link_id for one in seen] == [bio.id, ad.id, bio.id]
        # The credit of an erased fan's sales remains; the touch has no fan.
        erase_fan(scope, seen[0].fan_id)
        assert len(touches.list_touches(scope, [creator_id])) == 3


@pytest.mark.parametrize(
    "said",
    [
        "/start",
        "/start from-",
        "/start from-0123456789abcdef",
        "/start from-{code}x",
        "from-{code}",
    ],
)
def test_other_messages_are_no_touch(studio: Studio, said: str) -> None:
    link = create(studio)
    studio.say("leo", said.format(code=link.code))
    with studio.scope() as scope:
        assert touches.list_touches(scope, [studio.world.channel().creator_id]) == []


def test_update_that_is_received_late_counts_from_its_time(studio: Studio) -> None:
    """After an outage, a chat and a purchase are received together, with the platform's times."""
    link = create(studio)
    studio.say("leo", "bonjour")
    with studio.scope() as scope:
        fan = scope.run("SELECT id, creator_id FROM fans WHERE tenant_id = :t", t=scope.tenant_id)
        fan_id, creator_id = fan.one()
        began = scope.now - timedelta(hours=2)
        assert touches.record_touch(scope, creator_id, fan_id, link.code, at=began)
        later = create(studio, "Ad")
        future = scope.now + timedelta(hours=1)
        assert touches.record_touch(scope, creator_id, fan_id, later.code, at=future)
        seen = touches.list_touches(scope, [creator_id])
        assert [one.at for one in seen] == [began, scope.now]


def test_archived_link_still_redirects_and_counts(studio: Studio) -> None:
    link = create(studio)
    with studio.scope() as scope:
        links.archive_link(scope, link.id)
        assert short_links.short_link_target(scope, link.slug) == link.target
    start(studio, "leo", link)
    buy(studio, "leo")
    found = report(studio)
    assert found.results == []
    assert found.others == found.net_after_fees == (Money(500, "XTS"),)
    assert found.unattributed == (Money(0, "XTS"),)


def test_web_link_has_utm_parameters_and_no_chats(studio: Studio) -> None:
    draft = LinkDraft(
        studio.world.channel().creator_id,
        details(),
        LinkDestination.WEB,
        url="shop.example.org/a?size=M#top",
        utm=UtmParameters(source="insta", campaign="spring sale"),
    )
    key = uuid7()
    with studio.scope() as scope:
        with pytest.raises(BadInput, match=r"acquisition\.unregistered"):
            links.create_link(scope, draft, connectors=CONNECTORS, key=key)
        link_targets.register_link_target(
            scope, draft.creator_id, draft.url, rating=Rating.G, adult=False
        )
        link = links.create_link(scope, draft, connectors=CONNECTORS, key=key)
        again = links.create_link(scope, draft, connectors=CONNECTORS, key=key)
        assert link.id == again.id
        assert short_links.short_link_target(scope, link.slug) == link.target
    assert link.target == (
        "https://shop.example.org/a?size=M&utm_source=insta&utm_campaign=spring%20sale#top"
    )
    (mine,) = report(studio).results
    assert (mine.chats, mine.buyers, mine.windows, mine.roi) == (None, None, {}, None)


def test_change_of_an_older_version_is_refused(studio: Studio) -> None:
    link = create(studio)
    with studio.scope() as scope:
        links.update_link(scope, link.id, details("Ad", cost=COST), version=link.version)
    with studio.scope() as scope, pytest.raises(Conflict):
        links.update_link(scope, link.id, details("Other"), version=link.version)
    with studio.scope() as scope:
        found = links.get_link(scope, link.id)
        links.update_link(scope, link.id, found.details, version=found.version)
        assert links.get_link(scope, link.id).version == found.version
    assert (found.details.name, found.details.cost, found.target) == ("Ad", COST, link.target)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": " "}, "acquisition.no_name"),
        ({"name": "a\nb\x00"}, "acquisition.no_name"),
        ({"cost": Money(-1, "EUR")}, "acquisition.cost_unreadable"),
        ({"cost": Money(1, "ZZZ")}, "acquisition.cost_unreadable"),
        ({"url": "javascript:alert(1)"}, "link.scheme"),
        ({"url": "https://bit.ly/x"}, "link.short"),
        (
            {"destination": LinkDestination.DISCORD, "url": "https://discord.gg.evil.example/a"},
            "acquisition.no_invite",
        ),
        ({"destination": LinkDestination.CHAT}, "acquisition.no_chat"),
        ({"utm": UtmParameters(source="a" * 81)}, "link.mark_unreadable"),
    ],
)
def test_invalid_links_are_refused(studio: Studio, change: Mapping[str, Any], code: str) -> None:
    draft = LinkDraft(
        studio.world.channel().creator_id,
        LinkDetails(change.get("name", "Bio"), LinkSource.BIO, change.get("cost")),
        change.get("destination", LinkDestination.WEB),
        url=change.get("url", "https://shop.example.org/"),
        utm=change.get("utm", UtmParameters()),
    )
    with studio.scope() as scope, pytest.raises(BadInput) as refused:
        links.create_link(scope, draft, connectors=CONNECTORS, key=uuid7())
    assert refused.value.message.code == code


def test_account_of_another_creator_is_not_found(studio: Studio) -> None:
    draft = LinkDraft(
        UUID(int=5), details(), LinkDestination.CHAT, channel_id=studio.world.channel_id
    )
    with studio.scope() as scope, pytest.raises(NotFound):
        links.create_link(scope, draft, connectors=CONNECTORS, key=uuid7())
