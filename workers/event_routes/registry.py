"""Every event kind and the one function that handles it; who hears which fact; what ticks."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from channels.accounts import account_connectors, lifecycle
from channels.accounts import events as channel_events
from channels.accounts.queries import Channel
from channels.sending import account_actions
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate
from connectors.contract.connector import SupportsSharedInbox
from dashboard.pages.home import events as page_events
from foundation.db.database import Scope
from gate import journal
from gate.reviews import events as gate_events
from insights.metrics import deletion_checks, followers, readings
from insights.metrics import events as insight_events
from insights.metrics.events import DeletionRecheckDue, FollowersDue, ReadingDue, RollupDue
from insights.rollups import daily_rollups
from insights.rollups.events import SaleRecorded
from schedules.posts import events as schedule_events
from studio.library import events as studio_events
from subscribers.checkout import unlocks
from subscribers.checkout.events import EarningListed, PaymentSettle
from subscribers.comments import answer_suggestions, incoming_comments, moderation
from subscribers.comments.events import CommentAnswerDue, CommentModerationDue, CommentsDue
from subscribers.conversations import events as chat_events
from subscribers.conversations.events import ChatReconcile, ChatSend, ChatTurn, UncertainMessageResolved
from subscribers.delivery import message_delivery, pack_delivery
from subscribers.fans import directory
from subscribers.intake import fan_commands, update_intake
from subscribers.intake import handlers as chatting
from subscribers.orders import recalls
from subscribers.orders.events import OfferExpire, OrderFulfil, OrderRefund, PackRecalled, UnlockCheckDue
from tenants.vault import envelope
from workers.event_handlers import retention, watch_folder
from workers.event_routes import age_checks, faces, gate, notifications, posts, revenue, studio
from workers.event_routes.channels import _account_routes
from workers.event_routes.fact_routes import FACT_ROUTES
from workers.listeners.checkouts import CheckoutResponder
from workers.listeners.polling import LISTENER_ACTOR, AccountListener, ListenerPool
from workers.listeners.webhooks import account_listener
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute, EventRoutes, declared_events
from workers.wiring import Services

LOOKUP_DEADLINE_SECONDS = 60
"""A look at a place, reader by reader where a platform lists nobody."""

REPLY_DEADLINE_SECONDS = 120
"""A model's answer and its repair, on a slow machine."""


def build_routes(s: Services) -> EventRoutes:
    """All routes of the house. Raises ValueError at start for a kind without one."""
    found = EventRoutes(
        *posts.post_routes(s),
        *_account_routes(s),
        *gate.gate_routes(s),
        *age_checks.age_routes(s),
        *faces.face_routes(s),
        *retention.retention_routes(s),
        *watch_folder.watch_folder_routes(s),
        *notifications.webhook_routes(s),
        *notifications.email_routes(s),
        *revenue.revenue_routes(s),
        *studio.studio_routes(s),
        *_metrics_routes(s),
        *_chat_routes(s),
        *_demo_routes(s),
        facts=FACT_ROUTES,
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
    found.require_routes(declared_events(*rooms))
    return found


def _menu_of(capabilities: Capabilities) -> CommandMenu:
    return fan_commands.command_menu(sells=capabilities.can_sell)


def _metrics_routes(s: Services) -> tuple[EventRoute, ...]:
    return (
        EventRoute(
            ReadingDue,
            partial(readings.collect_readings, tenant=s.tenant, read=s.read_metrics, still=s.check_live_post),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            DeletionRecheckDue,
            partial(deletion_checks.confirm_deletion, tenant=s.tenant, still=s.check_live_post),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            FollowersDue,
            partial(followers.count_followers, tenant=s.tenant, ask=s.count_followers, dear=s.metered_platforms),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(RollupDue, partial(daily_rollups.roll_up_day, tenant=s.tenant)),
        EventRoute(SaleRecorded, partial(daily_rollups.roll_up_days_of_sale, tenant=s.tenant)),
    )


def _chat_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant, gave_up = s.tenant, partial(chatting.notify_failed_event, tenant=s.tenant)
    speak = partial(message_delivery.claim_message, mint=s.mint, connectors=s.connectors)
    push = partial(pack_delivery.claim_pack_delivery, mint=s.mint, connectors=s.connectors)
    give_back = partial(
        account_actions.refund_payment, tenant=tenant, transport=s.transport, connectors=s.chat_connectors
    )
    return (
        EventRoute(
            ChatTurn,
            partial(chatting.generate_reply, tenant=tenant, write=s.write_reply, rails=s.rails, billing=s.billing),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            ChatSend,
            partial(chatting.send_message, tenant=tenant, claim=speak, carry=s.run_steps),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            OrderFulfil,
            partial(chatting.deliver_pack, tenant=tenant, claim=push, carry=s.run_steps),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            ChatReconcile,
            partial(chatting.reconcile_message, tenant=tenant, look=s.look_up_delivery),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            CommentsDue,
            partial(
                incoming_comments.receive_comments, tenant=tenant, ask=s.fetch_comments, every=s.comment_poll_intervals
            ),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            CommentAnswerDue,
            partial(answer_suggestions.suggest_answer, tenant=tenant, write=s.write_reply, billing=s.billing),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            CommentModerationDue,
            partial(moderation.moderate_comment, tenant=tenant, act_on=s.moderate_comment),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(OfferExpire, partial(chatting.expire_offer, tenant=tenant)),
        EventRoute(
            UnlockCheckDue,
            partial(unlocks.check_unlock, tenant=tenant, ask=s.read_unlock_state),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(EarningListed, partial(unlocks.record_listed_sale, tenant=tenant)),
        EventRoute(UncertainMessageResolved, partial(chatting.resolve_uncertain_message, tenant=tenant)),
        EventRoute(PackRecalled, partial(recalls.refund_recalled_pack, tenant=tenant)),
        EventRoute(PaymentSettle, partial(chatting.assign_unmatched_payment, tenant=tenant)),
        EventRoute(
            OrderRefund,
            partial(chatting.refund_order_payment, tenant=tenant, give_back=give_back),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
    )


def _demo_routes(s: Services) -> Iterable[EventRoute]:
    """The demo's routes; `demo` lies above this package and is loaded by name."""
    build: Callable[[Services], Iterable[EventRoute]] = import_module("demo.event_routes").demo_routes
    return build(s)


def make_listener(s: Services, channel: Channel) -> AccountListener:
    """The listener of one account."""
    gateway = GATEWAY_LISTENERS.get(channel.platform)
    if gateway is not None:
        return _build_gateway_listener(s, channel, gateway)
    kind: Callable[..., AccountListener] = AccountListener
    if account_listener.can_use_webhooks(account_connectors.connector_for(s.chat_connectors, channel)):
        kind = (
            partial(account_listener.WebhookListener, **_webhook_parameters(s, channel))
            if can_receive_webhooks(s)
            else account_listener.PolledWebhookListener
        )
    return kind(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_receive_update, s),
        at_once=partial(_at_once, s),
    )


def can_receive_webhooks(s: Services) -> bool:
    """Whether platforms call this installation: it has an address they take. If not, they are polled."""
    return s.settings.public_url.startswith("https://")


def _webhook_parameters(s: Services, channel: Channel) -> Mapping[str, Any]:
    """Where and with what secret the platform calls for an account."""
    master_key = envelope.parse_master_key(s.settings.tenants.master_key.get_secret_value())
    address = f"{s.settings.public_url.rstrip('/')}/hooks/{channel.platform}/{channel.id}"
    return {"address": address, "secret": account_listener.webhook_secret(master_key, channel.id), "seal": s.seal}


def make_listener_pool(s: Services) -> ListenerPool:
    """The listeners of all chat accounts."""

    def chatty(channel: Channel) -> bool:
        heard = lifecycle.is_listened_to(channel)
        return bool(channel.chat_surface) and heard and channel.platform in s.chat_connectors

    def inbox(channel: Channel) -> Hashable:
        connector = account_connectors.connector_for(s.chat_connectors, channel)
        if isinstance(connector, SupportsSharedInbox):
            return channel.platform, connector.inbox_id(channel.account)
        return channel.id

    return ListenerPool(partial(make_listener, s), tenant=s.tenant, chatty=chatty, inbox=inbox)


GATEWAY_LISTENERS: Mapping[str, str] = {"discord": "workers.listeners.discord.gateway:DiscordGatewayListener"}
"""Platforms heard over a line of their own. Strings: their libraries are loaded with the first account."""

CHATS_REREAD = 200
"""So many chats of an account are read again after a break, those that spoke last."""


def _build_gateway_listener(s: Services, channel: Channel, name: str) -> AccountListener:
    module, _, attribute = name.partition(":")
    made: AccountListener = getattr(import_module(module), attribute)(
        channel,
        tenant=s.tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
        hear=partial(_receive_update, s),
        at_once=_build_checkout_responder(s).answer_checkout,
        reveal=s.reveal,
        seal=s.seal,
        known=partial(_list_known_fans, s),
        menu=_menu_of(account_connectors.connector_for(s.chat_connectors, channel).capabilities),
    )
    return made


def _list_known_fans(s: Services, channel: Channel) -> list[str]:
    with s.tenant(channel.tenant_id, LISTENER_ACTOR) as scope:
        return directory.latest_fan_ids(scope, channel.id, CHATS_REREAD)


def _receive_update(s: Services, scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    update_intake.receive_update(
        scope, channel, update, rails=s.rails, environment=s.settings.environment, pages=s.settings.web.public_url
    )


def _at_once(s: Services, channel: Channel, update: ChatUpdate) -> bool:
    """What a platform waits for: a checkout is answered, a pressed button is told that it was seen, and heard."""
    seen = account_connectors.connector_for(s.chat_connectors, channel).acknowledge(update)
    if seen is not None:
        account_actions.send_control_step(channel, seen, transport=s.transport)
    return _build_checkout_responder(s).answer_checkout(channel, update)


def _build_checkout_responder(s: Services) -> CheckoutResponder:
    return CheckoutResponder(s.tenant, s.transport, s.chat_connectors, s.rails, s.mint)
