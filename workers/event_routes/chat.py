"""Routes of the events of `subscribers`: messages, comments, orders and payments."""

from functools import partial

from channels.sending import account_actions
from subscribers.acquisition import invites
from subscribers.acquisition.events import InvitesDue, JoinLookupDue
from subscribers.checkout import unlocks
from subscribers.checkout.events import EarningListed, PaymentSettle
from subscribers.comments import answer_suggestions, incoming_comments, moderation
from subscribers.comments.events import CommentAnswerDue, CommentModerationDue, CommentsDue
from subscribers.conversations.events import (
    ChatReconcile,
    ChatSend,
    ChatTurn,
    UncertainMessageResolved,
)
from subscribers.delivery import message_delivery, pack_delivery
from subscribers.intake import handlers
from subscribers.memory import summaries
from subscribers.memory.events import SummaryDue
from subscribers.orders import recalls
from subscribers.orders.events import (
    OfferExpire,
    OrderFulfil,
    OrderRefund,
    PackRecalled,
    UnlockCheckDue,
)
from subscribers.replies import trial_chats
from subscribers.replies.events import PersonaTrialDue
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

REPLY_DEADLINE_SECONDS = 120
"""Deadline of a model's reply and its repair, on a slow machine."""


def chat_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `subscribers`."""
    return (*_message_routes(s), *_comment_routes(s), *_invite_routes(s), *_order_routes(s))


def _message_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    gave_up = partial(handlers.notify_failed_event, tenant=s.tenant)
    speak = partial(message_delivery.claim_message, mint=s.mint, connectors=s.connectors)
    return (
        EventRoute(
            ChatTurn,
            partial(
                handlers.generate_reply,
                tenant=tenant,
                write=s.write_reply,
                rails=s.rails,
                billing=s.billing,
            ),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            PersonaTrialDue,
            partial(
                trial_chats.answer_trial, tenant=tenant, write=s.write_reply, billing=s.billing
            ),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
            on_dead=partial(trial_chats.fail_trial, tenant=tenant),
        ),
        EventRoute(
            ChatSend,
            partial(handlers.send_message, tenant=tenant, claim=speak, carry=s.run_steps),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            SummaryDue,
            partial(
                summaries.summarize_conversation,
                tenant=tenant,
                write=s.write_reply,
                billing=s.billing,
            ),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
        ),
        EventRoute(
            ChatReconcile,
            partial(handlers.reconcile_message, tenant=tenant, look=s.look_up_delivery),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            UncertainMessageResolved, partial(handlers.resolve_uncertain_message, tenant=tenant)
        ),
    )


def _comment_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    gave_up = partial(handlers.notify_failed_event, tenant=s.tenant)
    return (
        EventRoute(
            CommentsDue,
            partial(
                incoming_comments.receive_comments,
                tenant=tenant,
                ask=s.fetch_comments,
                every=s.comment_poll_intervals,
            ),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            CommentAnswerDue,
            partial(
                answer_suggestions.suggest_answer,
                tenant=tenant,
                write=s.write_reply,
                billing=s.billing,
            ),
            deadline_seconds=REPLY_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(
            CommentModerationDue,
            partial(moderation.moderate_comment, tenant=tenant, act_on=s.moderate_comment),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
    )


def _invite_routes(s: Services) -> tuple[EventRoute, ...]:
    reading = partial(invites.read_invites, tenant=s.tenant, ask=s.read_invites)
    joining = partial(
        invites.attribute_join, tenant=s.tenant, ask=s.read_invites, find=s.read_join_time
    )
    return (
        EventRoute(InvitesDue, reading, deadline_seconds=NETWORK_DEADLINE_SECONDS),
        EventRoute(JoinLookupDue, joining, deadline_seconds=NETWORK_DEADLINE_SECONDS),
    )


def _order_routes(s: Services) -> tuple[EventRoute, ...]:
    tenant = s.tenant
    gave_up = partial(handlers.notify_failed_event, tenant=s.tenant)
    push = partial(pack_delivery.claim_pack_delivery, mint=s.mint, connectors=s.connectors)
    give_back = partial(
        account_actions.refund_payment,
        tenant=tenant,
        transport=s.transport,
        connectors=s.chat_connectors,
    )
    return (
        EventRoute(
            OrderFulfil,
            partial(handlers.deliver_pack, tenant=tenant, claim=push, carry=s.run_steps),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
        EventRoute(OfferExpire, partial(handlers.expire_offer, tenant=tenant)),
        EventRoute(
            UnlockCheckDue,
            partial(unlocks.check_unlock, tenant=tenant, ask=s.read_unlock_state),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(EarningListed, partial(unlocks.record_listed_sale, tenant=tenant)),
        EventRoute(PackRecalled, partial(recalls.refund_recalled_pack, tenant=tenant)),
        EventRoute(PaymentSettle, partial(handlers.assign_unmatched_payment, tenant=tenant)),
        EventRoute(
            OrderRefund,
            partial(handlers.refund_order_payment, tenant=tenant, give_back=give_back),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
            on_dead=gave_up,
        ),
    )
