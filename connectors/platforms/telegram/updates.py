"""Parsing of Telegram's updates with the types of python-telegram-bot.

The module is loaded with the first update, because the library needs about 5 MiB.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from telegram import (
    CallbackQuery,
    ChatJoinRequest,
    ChatMemberUpdated,
    Message,
    MessageReactionCountUpdated,
    PaidMediaPurchased,
    PreCheckoutQuery,
    ReactionType,
    User,
)
from telegram import Update as Told
from telegram.constants import ChatMemberStatus, ChatType

from connectors.contract.chats import ChatUpdate

_OUT = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.BANNED})
_RUNS = frozenset({ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER})


def parse_update(entry: object) -> tuple[int, ChatUpdate | None] | None:
    """Return the number of an update and its content, which is None if the update is not relevant.
    Return None if there is no number."""
    number = entry.get("update_id") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(number, int):
        return None
    try:
        told = Told.de_json(entry, None)
        return number, _convert_update(told)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ):  # an unknown format must not block later updates
        return number, None


def _convert_update(told: Told) -> ChatUpdate | None:
    key = str(told.update_id)
    if told.message is not None:
        return _parse_message(key, told.message)
    if told.edited_message is not None:
        return _parse_edited_message(key, told.edited_message)
    if told.callback_query is not None:
        return _parse_button_press(key, told.callback_query)
    if told.pre_checkout_query is not None:
        return _parse_checkout(key, told.pre_checkout_query)
    if told.purchased_paid_media is not None:
        return _parse_paid_media_purchase(key, told.purchased_paid_media)
    if told.my_chat_member is not None:
        return _parse_member_change(key, told.my_chat_member)
    if told.message_reaction_count is not None:
        return _parse_reaction_count(key, told.message_reaction_count)
    if told.chat_join_request is not None:
        return _parse_join_request(key, told.chat_join_request)
    return None


def _user_fields(user: User) -> Mapping[str, Any]:
    name = f"@{user.username}" if user.username else user.full_name
    return {"fan": str(user.id), "handle": name, "language": user.language_code or ""}


def _parse_message(key: str, message: Message) -> ChatUpdate | None:
    """Return a message that a user wrote to the bot alone. Messages in groups are ignored."""
    user = message.from_user
    if user is None or user.is_bot or message.chat.type != ChatType.PRIVATE:
        return None
    common = {**_user_fields(user), "native_id": str(message.message_id), "at": message.date}
    if (paid := message.successful_payment) is not None:
        return ChatUpdate(
            key,
            "payment",
            **common,
            ref=paid.invoice_payload,
            payload=paid.invoice_payload,
            charge_id=paid.telegram_payment_charge_id,
            amount_minor=paid.total_amount,
            currency=paid.currency,
            recurring=bool(paid.is_recurring),
            until=paid.subscription_expiration_date,
        )
    if (back := message.refunded_payment) is not None:
        return ChatUpdate(
            key,
            "refund",
            **common,
            payload=back.invoice_payload,
            charge_id=back.telegram_payment_charge_id,
            amount_minor=back.total_amount,
            currency=back.currency,
        )
    if message.text:
        return ChatUpdate(key, "message", **common, text=message.text)
    return ChatUpdate(key, "unsupported", **common, text=message.caption or "")


def _parse_edited_message(key: str, message: Message) -> ChatUpdate | None:
    """Return the new text of an edited message. Telegram also sends this update for other changes,
    such as a live location; the text is then unchanged or missing.
    https://core.telegram.org/bots/api#update"""
    says = _parse_message(key, message)
    if says is None or says.kind not in ("message", "unsupported") or not says.text:
        return None
    return replace(says, kind="edited", at=message.edit_date or message.date)


def _parse_button_press(key: str, pressed: CallbackQuery) -> ChatUpdate | None:
    if pressed.from_user.is_bot or not pressed.data:
        return None
    return ChatUpdate(
        key, "button", **_user_fields(pressed.from_user), ref=pressed.data, payload=pressed.id
    )


def _parse_checkout(key: str, asked: PreCheckoutQuery) -> ChatUpdate:
    return ChatUpdate(
        key,
        "checkout",
        **_user_fields(asked.from_user),
        ref=asked.id,
        payload=asked.invoice_payload,
        amount_minor=asked.total_amount,
        currency=asked.currency,
    )


def _parse_paid_media_purchase(key: str, bought: PaidMediaPurchased) -> ChatUpdate:
    """Return the purchase of paid media. The charge and the amount are only in the list of
    transactions. https://core.telegram.org/bots/api#paidmediapurchased"""
    return ChatUpdate(
        key, "unlocked", **_user_fields(bought.from_user), payload=bought.paid_media_payload
    )


def _parse_reaction_count(key: str, told: MessageReactionCountUpdated) -> ChatUpdate:
    """Return the number of all reactions to a message. Paid reactions are excluded, because one
    user may add hundreds. https://core.telegram.org/bots/api#messagereactioncountupdated"""
    many = sum(one.total_count for one in told.reactions if one.type.type != ReactionType.PAID)
    place = str(told.chat.id)
    native_id = f"{place}/{told.message_id}"
    return ChatUpdate(
        key, "counted", "", native_id=native_id, at=told.date, ref=place, amount_minor=many
    )


def _parse_join_request(key: str, asked: ChatJoinRequest) -> ChatUpdate:
    """Return a request to join a channel or group. The chat with the user has the user's ID, and a
    bot may write there for five minutes even if the user never wrote to it.
    https://core.telegram.org/bots/api#chatjoinrequest"""
    return ChatUpdate(
        key, "join", **_user_fields(asked.from_user), ref=str(asked.chat.id), at=asked.date
    )


def _parse_member_change(key: str, change: ChatMemberUpdated) -> ChatUpdate | None:
    """Return a fan who blocked the bot, or a channel or group in which the bot lost or regained the
    rights required for a connection. Other changes return None."""
    now = change.new_chat_member
    if change.chat.type == ChatType.PRIVATE:
        return (
            ChatUpdate(key, "blocked", **_user_fields(change.from_user))
            if now.status in _OUT
            else None
        )
    if change.chat.type not in (ChatType.CHANNEL, ChatType.SUPERGROUP):
        return None
    mute = change.chat.type == ChatType.CHANNEL and not getattr(now, "can_post_messages", False)
    demoted = change.chat.type == ChatType.SUPERGROUP and now.status not in _RUNS
    gone = now.status in _OUT or mute or demoted
    return ChatUpdate(
        key, "lost" if gone else "back", str(change.from_user.id), ref=str(change.chat.id)
    )
