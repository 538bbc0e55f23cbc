"""Every event kind and the one function that handles it; who hears which fact; what ticks."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from channels import (
    abilities,
    connecting,
    controlling,
    disconnecting,
    enrolling,
    handing,
    measuring,
    menus,
    reading,
    refreshing,
    removing,
    saving,
    seeing,
    subscribing,
    visiting,
)
from channels import events as channel_events
from channels import handling as channel_handling
from channels.events import (
    AdultAreaWanted,
    CallsDue,
    ChannelEnrol,
    ChannelLeave,
    ChannelLook,
    ChannelMeasure,
    ChannelProbe,
    ChannelTest,
    DeliveryVerify,
    HandoverLook,
    LimitsDue,
    MenuDue,
    OwnPageWanted,
    SaveWanted,
    TakedownRemove,
    TokenRefresh,
)
from channels.reads import Channel
from connectors import registry as connector_registry
from connectors.capabilities import Capabilities
from connectors.commands import Menu
from connectors.contract import Update
from connectors.inboxes import SharedInbox
from dashboard import events as page_events
from dashboard.events import SceneStep, SceneWanted
from dashboard.touring import TourAct
from foundation.database import Scope
from gate import events as gate_events
from gate import journal
from gate.events import (
    CopyProbe,
)
from insights import collecting, following, rollups, vanished
from insights import events as insight_events
from insights.events import FollowersDue, LookAgain, ReadingDue, RollupDue, SaleSeen
from schedules import events as schedule_events
from studio import events as studio_events
from subscribers import (
    commands,
    conversation,
    directory,
    fulfilling,
    public_desk,
    recalling,
    remarks,
    sending,
    suggesting,
    unlocking,
)
from subscribers import events as chat_events
from subscribers import handling as chatting
from subscribers.events import (
    ChatReconcile,
    ChatSend,
    ChatSettle,
    ChatTurn,
    OfferExpire,
    OrderEarned,
    OrderFulfil,
    OrderLook,
    OrderRefund,
    PackRecalled,
    PaymentSettle,
    RemarkModerate,
    RemarksDue,
    RemarkSuggest,
)
from tenants import vault
from workers import (
    age_routes,
    demo_scene,
    face_routes,
    gate_routes,
    hook_routes,
    hooks,
    house_calls,
    keeping,
    mail_routes,
    money_routes,
    own_pages,
    post_routes,
    studio_routes,
    tour_acts,
    watched,
)
from workers.checkouts import Till
from workers.dispatch import ACT_SECONDS, Route, Routes, declared
from workers.facts import FACTS
from workers.listeners import LISTENING, Ear, Ears
from workers.wiring import Services

LOOK_SECONDS = 60
"""A look at a place, reader by reader where a platform lists nobody."""

TURN_SECONDS = 120
"""A model's answer and its repair, on a slow machine."""


def routes(s: Services) -> Routes:
    """All routes of the house. Raises ValueError at start for a kind without one."""
    found = Routes(
        *post_routes.routes(s),
        *_accounts(s),
        *gate_routes.routes(s),
        *age_routes.routes(s),
        *face_routes.routes(s),
        *keeping.routes(s),
        *watched.routes(s),
        *hook_routes.routes(s),
        *mail_routes.routes(s),
        *money_routes.routes(s),
        *studio_routes.routes(s),
        *_counting(s),
        *_chat(s),
        *_demonstration(s),
        facts=FACTS,
    )
    rooms = (
        channel_events,
        gate_events,
        journal,
        insight_events,
        schedule_events,
        studio_events,
        chat_events,
        page_events,
    )
    found.require(declared(*rooms))
    return found


def _accounts(s: Services) -> tuple[Route, ...]:
    tenant, transport, connectors = s.tenant, s.transport, s.connectors
    connectables = connector_registry.connectables(connectors)
    addresses = connector_registry.addresses(connectors, s.settings.connectors.addresses)
    enrol = partial(
        enrolling.enrol,
        tenant=tenant,
        transport=transport,
        connectables=connectables,
        addresses=addresses,
        read_form=s.read_form,
        may_reach=s.may_reach,
        seal=s.seal,
        returns_to=s.settings.dashboard.public_url.rstrip("/") + visiting.PATH,
    )
    test = partial(enrolling.test, tenant=tenant, transport=transport, connectables=connectables)
    probe = partial(channel_handling.probe, tenant=tenant, transport=transport, connectors=connectors)
    measure = partial(measuring.measure, tenant=tenant, transport=transport, connectors=connectors)
    see = partial(seeing.look, tenant=tenant, transport=transport, connectors=connectors)
    verify = partial(reading.verify, tenant=tenant, transport=transport, connectors=connectors)
    remove = partial(removing.remove, tenant=tenant, transport=transport, connectors=connectors, mint=s.mint)
    show = partial(menus.look, tenant=tenant, transport=transport, connectors=connectors, menu_of=_menu_of)
    outside: dict[str, Any] = {
        "tenant": tenant,
        "transport": transport,
        "connectors": connectors,
        "addresses": addresses,
    }
    renew = partial(refreshing.renew, **outside)
    sign_up = partial(
        subscribing.bring, tenant=tenant, transport=transport, connectors=connectors, taken=house_calls.are_taken(s)
    )
    return (
        Route(CallsDue, sign_up, deadline_seconds=ACT_SECONDS),
        Route(
            ChannelLeave,
            partial(disconnecting.leave, **outside),
            deadline_seconds=ACT_SECONDS,
            on_dead=partial(disconnecting.gave_up, tenant=tenant),
        ),
        Route(
            ChannelProbe, probe, deadline_seconds=ACT_SECONDS, on_dead=partial(channel_handling.gave_up, tenant=tenant)
        ),
        Route(ChannelLook, see, deadline_seconds=LOOK_SECONDS),
        Route(CopyProbe, partial(seeing.watch, tenant=tenant)),
        Route(ChannelMeasure, measure, deadline_seconds=ACT_SECONDS),
        Route(LimitsDue, partial(measuring.plan, tenant=tenant, connectors=connectors)),
        Route(MenuDue, show, deadline_seconds=ACT_SECONDS),
        Route(DeliveryVerify, verify, deadline_seconds=ACT_SECONDS),
        Route(ChannelEnrol, enrol, deadline_seconds=ACT_SECONDS),
        Route(ChannelTest, test, deadline_seconds=ACT_SECONDS),
        Route(AdultAreaWanted, partial(own_pages.open_adult_area, tenant=tenant, seal=s.seal, settings=s.settings)),
        Route(OwnPageWanted, partial(own_pages.open_page, tenant=tenant, seal=s.seal, settings=s.settings)),
        Route(TokenRefresh, renew, deadline_seconds=ACT_SECONDS),
        Route(TakedownRemove, remove, deadline_seconds=removing.SECONDS),
        Route(HandoverLook, partial(handing.look, tenant=tenant)),
        Route(SaveWanted, partial(saving.decide, tenant=tenant, mint=s.mint, connectors=connectors)),
    )


def _menu_of(capabilities: Capabilities) -> Menu:
    return commands.menu(sells=capabilities.can_sell)


def _counting(s: Services) -> tuple[Route, ...]:
    return (
        Route(
            ReadingDue,
            partial(collecting.collect, tenant=s.tenant, read=s.read, still=s.still),
            deadline_seconds=ACT_SECONDS,
        ),
        Route(LookAgain, partial(vanished.look_again, tenant=s.tenant, still=s.still), deadline_seconds=ACT_SECONDS),
        Route(
            FollowersDue,
            partial(following.count, tenant=s.tenant, ask=s.followers, dear=s.dear),
            deadline_seconds=ACT_SECONDS,
        ),
        Route(RollupDue, partial(rollups.roll_up, tenant=s.tenant)),
        Route(SaleSeen, partial(rollups.roll_up_sale, tenant=s.tenant)),
    )


def _chat(s: Services) -> tuple[Route, ...]:
    tenant, gave_up = s.tenant, partial(chatting.gave_up, tenant=s.tenant)
    speak = partial(sending.claim, mint=s.mint, connectors=s.connectors)
    push = partial(fulfilling.claim, mint=s.mint, connectors=s.connectors)
    give_back = partial(controlling.refund, tenant=tenant, transport=s.transport, connectors=s.chat_connectors)
    return (
        Route(
            ChatTurn,
            partial(chatting.turn, tenant=tenant, write=s.write, rails=s.rails, billing=s.billing),
            deadline_seconds=TURN_SECONDS,
            on_dead=gave_up,
        ),
        Route(
            ChatSend,
            partial(chatting.send, tenant=tenant, claim=speak, carry=s.carry),
            deadline_seconds=ACT_SECONDS,
            on_dead=gave_up,
        ),
        Route(
            OrderFulfil,
            partial(chatting.fulfil, tenant=tenant, claim=push, carry=s.carry),
            deadline_seconds=ACT_SECONDS,
            on_dead=gave_up,
        ),
        Route(ChatReconcile, partial(chatting.reconcile, tenant=tenant, look=s.look), deadline_seconds=ACT_SECONDS),
        Route(
            RemarksDue,
            partial(remarks.hear, tenant=tenant, ask=s.remarks, every=s.remarks_every),
            deadline_seconds=ACT_SECONDS,
        ),
        Route(
            RemarkSuggest,
            partial(suggesting.suggest, tenant=tenant, write=s.write, billing=s.billing),
            deadline_seconds=TURN_SECONDS,
            on_dead=gave_up,
        ),
        Route(
            RemarkModerate,
            partial(public_desk.moderate, tenant=tenant, act_on=s.moderate),
            deadline_seconds=ACT_SECONDS,
            on_dead=gave_up,
        ),
        Route(OfferExpire, partial(chatting.expire, tenant=tenant)),
        Route(OrderLook, partial(unlocking.look, tenant=tenant, ask=s.locked), deadline_seconds=ACT_SECONDS),
        Route(OrderEarned, partial(unlocking.earned, tenant=tenant)),
        Route(ChatSettle, partial(chatting.settle_by_word, tenant=tenant)),
        Route(PackRecalled, partial(recalling.give_back, tenant=tenant)),
        Route(PaymentSettle, partial(chatting.settle_payment, tenant=tenant)),
        Route(
            OrderRefund,
            partial(chatting.refund, tenant=tenant, give_back=give_back),
            deadline_seconds=ACT_SECONDS,
            on_dead=gave_up,
        ),
    )


def _demonstration(s: Services) -> tuple[Route, ...]:
    may_play = s.settings.environment != "production"
    return (
        Route(SceneWanted, partial(demo_scene.begin, tenant=s.tenant, may_play=may_play)),
        Route(SceneStep, partial(demo_scene.follow, tenant=s.tenant, may_play=may_play)),
        Route(TourAct, partial(tour_acts.act, s=s), deadline_seconds=ACT_SECONDS),
    )


def ear(s: Services, channel: Channel) -> Ear:
    """The listener of one account."""
    gateway = GATEWAYS.get(channel.platform)
    if gateway is not None:
        return _gateway(s, channel, gateway)
    kind: Callable[..., Ear] = Ear
    if hooks.hookable(abilities.of(s.chat_connectors, channel)):
        kind = partial(hooks.CalledEar, **_called(s, channel)) if hooked(s) else hooks.PolledEar
    return kind(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_hear, s),
        at_once=partial(_at_once, s),
    )


def hooked(s: Services) -> bool:
    """Whether platforms call this installation: it has an address they take. If not, they are polled."""
    return s.settings.public_url.startswith("https://")


def _called(s: Services, channel: Channel) -> Mapping[str, Any]:
    """Where and with what secret the platform calls for an account."""
    master_key = vault.master(s.settings.tenants.master_key.get_secret_value())
    address = f"{s.settings.public_url.rstrip('/')}/hooks/{channel.platform}/{channel.id}"
    return {"address": address, "secret": hooks.secret_of(master_key, channel.id), "seal": s.seal}


def ears(s: Services) -> Ears:
    """The listeners of all chat accounts."""

    def chatty(channel: Channel) -> bool:
        heard = connecting.is_heard(channel)
        return bool(channel.chat_surface) and heard and channel.platform in s.chat_connectors

    def inbox(channel: Channel) -> Hashable:
        connector = abilities.of(s.chat_connectors, channel)
        if isinstance(connector, SharedInbox):
            return channel.platform, connector.hears(channel.account)
        return channel.id

    return Ears(partial(ear, s), tenant=s.tenant, chatty=chatty, inbox=inbox)


GATEWAYS: Mapping[str, str] = {"discord": "workers.gateways:GatewayEar"}
"""Platforms heard over a line of their own. Strings: their libraries are loaded with the first account."""

KNOWN_CHATS = 200
"""So many chats of an account are read again after a break, those that spoke last."""


def _gateway(s: Services, channel: Channel, name: str) -> Ear:
    module, _, attribute = name.partition(":")
    made: Ear = getattr(import_module(module), attribute)(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_hear, s),
        at_once=_till(s).answer,
        reveal=s.reveal,
        seal=s.seal,
        known=partial(_known, s),
        menu=_menu_of(abilities.of(s.chat_connectors, channel).capabilities),
    )
    return made


def _known(s: Services, channel: Channel) -> list[str]:
    with s.tenant(channel.tenant_id, LISTENING) as scope:
        return directory.latest(scope, channel.id, KNOWN_CHATS)


def _hear(s: Services, scope: Scope, channel: Channel, update: Update) -> None:
    conversation.receive(
        scope, channel, update, rails=s.rails, environment=s.settings.environment, pages=s.settings.web.public_url
    )


def _at_once(s: Services, channel: Channel, update: Update) -> bool:
    """What a platform waits for: a checkout is answered, a pressed button is told that it was seen, and heard."""
    seen = abilities.of(s.chat_connectors, channel).ack(update)
    if seen is not None:
        controlling.send(channel, seen, transport=s.transport)
    return _till(s).answer(channel, update)


def _till(s: Services) -> Till:
    return Till(s.tenant, s.transport, s.chat_connectors, s.rails, s.mint)
