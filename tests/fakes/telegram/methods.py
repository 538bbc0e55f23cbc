"""The methods of the Bot API: their effects on the state and their errors."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.fakes.telegram import paid_media, subscriptions
from tests.fakes.telegram.chats import Chat, Refusal, Told
from tests.fakes.telegram.commands import CommandMethods
from tests.fakes.telegram.files import file_identity, medium_of
from tests.fakes.telegram.join_requests import JoinRequestMethods, may_write
from tests.fakes.telegram.state import (
    CHECKOUT_SECONDS,
    IN_A_CHANNEL,
    IN_A_CHAT,
    WINDOW,
    Bot,
    TelegramState,
)

TEXT, CAPTION = 4096, 1024
DELETABLE = timedelta(hours=48)
Files = Mapping[str, bytes]


def units(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def bad(why: str, **parameters: int) -> Refusal:
    return Refusal(400, f"Bad Request: {why}", **parameters)


class Methods(CommandMethods, JoinRequestMethods):
    """The methods for one state. Each receives the bot, the fields and the files of a request."""

    def __init__(self, world: TelegramState) -> None:
        self.world = world

    def find(self, name: str) -> Callable[[Bot, Told, Files], Any] | None:
        """Return the method with this name, or None if the fake does not support it."""
        return getattr(self, f"do_{name}", None)

    # Chats and members

    def do_getMe(self, bot: Bot, asked: Told, files: Files) -> Any:
        more = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
        return bot.told() | dict.fromkeys(more, False)

    def do_getChat(self, bot: Bot, asked: Told, files: Files) -> Any:
        chat = self._chat(bot, asked["chat_id"])
        more = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
        more |= {"can_send_paid_media": True} if chat.kind == "channel" and chat.sells else {}
        names = {"active_usernames": [chat.username]} if chat.username else {}
        return chat.told() | more | names | ({"linked_chat_id": chat.linked} if chat.linked else {})

    def do_getChatAdministrators(self, bot: Bot, asked: Told, files: Files) -> Any:
        chat = self._administered(bot, asked)
        owner = {
            "status": "creator",
            "user": self.world.person("Owner").told(),
            "is_anonymous": False,
        }
        bots = [
            one for one in self.world.bots.values() if chat.rights.get(one.id) in ("post", "silent")
        ]
        return [owner, *(self.world.member(one, "administrator", may_post=True) for one in bots)]

    def do_getChatMemberCount(self, bot: Bot, asked: Told, files: Files) -> Any:
        chat = self._chat(bot, asked["chat_id"])
        bots = sum(right in ("post", "silent") for right in chat.rights.values())
        return 1 + len(chat.members) + (bots if self.world.counts_bots else 0)

    def do_getChatMember(self, bot: Bot, asked: Told, files: Files) -> Any:
        chat = self._administered(bot, asked)
        if asked["user_id"] == bot.id:
            right = chat.rights[bot.id]
            opens, status = bot.id in chat.doors, "kicked" if right == "kicked" else "administrator"
            return self.world.member(bot, status, may_post=right == "post", opens=opens)
        person = next(
            (one for one in self.world.people.values() if one.id == asked["user_id"]), None
        )
        if person is None:
            raise bad("PARTICIPANT_ID_INVALID")
        if person.id in chat.banned:
            return {"status": "kicked", "user": person.told(), "until_date": 0}
        return {"status": "member" if person.id in chat.members else "left", "user": person.told()}

    def _administered(self, bot: Bot, asked: Told) -> Chat:
        """Return a chat whose members the bot may query."""
        chat = self._chat(bot, asked["chat_id"])
        if bot.id not in chat.rights:
            raise bad("member list is inaccessible")
        return chat

    def _chat(self, bot: Bot, chat_id: int | str) -> Chat:
        """Return a chat that the bot can see."""
        for chat in (*self.world.channels.values(), *bot.chats.values()):
            by_name = chat.kind != "private" and chat_id == f"@{chat.username}"
            if (chat_id == chat.id or by_name) and (
                chat.username or chat.kind == "private" or bot.id in chat.rights
            ):
                return chat
        raise bad("chat not found")

    # Messages

    def _open(self, bot: Bot, asked: Told, *, items: int = 1) -> Chat:
        """Return the chat of a new message if the bot may currently write to it."""
        chat = self._chat(bot, asked["chat_id"])
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not may_write(self.world, chat):
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        if chat.kind != "private":
            right = chat.rights.get(bot.id)
            if right == "kicked":
                raise Refusal(403, "Forbidden: bot was kicked from the channel chat")
            if right is None:
                raise Refusal(403, "Forbidden: bot is not a member of the channel chat")
            if right != "post":
                raise bad("need administrator rights in the channel chat")
        now, most = self.world.clock(), IN_A_CHAT if chat.kind == "private" else IN_A_CHANNEL
        chat.sent_at = [at for at in chat.sent_at if now - at < WINDOW]
        if len(chat.sent_at) + items > most:
            wait = int((chat.sent_at[0] + WINDOW - now).total_seconds()) + 1
            raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        chat.sent_at += [now] * items
        self._above(chat, asked)
        return chat

    def _above(self, chat: Chat, asked: Told) -> None:
        """Check that the replied-to message exists in the same chat."""
        number = asked.get("reply_parameters", {}).get("message_id")
        if number is not None and (number not in chat.messages or number in chat.deleted):
            raise bad("message to be replied not found")
        chat.above.append(number)

    def do_sendMessage(self, bot: Bot, asked: Told, files: Files) -> Any:
        text = asked["text"]
        if not text.strip():
            raise bad("message text is empty")
        if units(text) > TEXT:
            raise bad("message is too long")
        keyboard = _keyboard(asked)
        return self.world.post(
            bot, self._open(bot, asked), {"text": text.strip(), **keyboard}, text
        )

    def do_sendPhoto(self, bot: Bot, asked: Told, files: Files) -> Any:
        return self._single(bot, asked, files, "photo")

    def do_sendVideo(self, bot: Bot, asked: Told, files: Files) -> Any:
        return self._single(bot, asked, files, "video")

    def _single(self, bot: Bot, asked: Told, files: Files, kind: str) -> Any:
        if kind not in files and kind not in asked:
            raise bad(f"there is no {kind} in the request")
        medium = (
            medium_of(kind, files[kind], asked)
            if kind in files
            else self._known(bot, kind, asked[kind])
        )
        caption = _caption(asked)
        spoiler = {"has_media_spoiler": True} if asked.get("has_spoiler") else {}
        body = {**medium, **_said(caption), **spoiler, **_keyboard(asked)}
        return self.world.post(bot, self._open(bot, asked), body, caption)

    def _known(self, bot: Bot, kind: str, file_id: str) -> Told:
        """Return a file that this bot has seen, by its ID. IDs are specific to a bot."""
        seen = (
            message
            for chat in self.world.chats_of(bot)
            for message in chat.messages.values()
            if kind in message
        )
        for message in seen:
            sizes = message[kind] if isinstance(message[kind], list) else [message[kind]]
            if any(size["file_id"] == file_id for size in sizes):
                return {kind: message[kind]}
        raise bad("wrong file identifier/HTTP URL specified")

    def do_copyMessage(self, bot: Bot, asked: Told, files: Files) -> Any:
        source = self._chat(bot, asked["from_chat_id"])
        message = source.messages.get(asked["message_id"])
        if message is None or asked["message_id"] in source.deleted:
            raise bad("message to copy not found")
        if "paid_media" in message:
            raise bad("message can't be copied")
        shown = {
            name: message[name] for name in ("text", "caption", "photo", "video") if name in message
        }
        sent = self.world.post(
            bot, self._open(bot, asked), shown, shown.get("caption", shown.get("text", ""))
        )
        return {"message_id": sent["message_id"]}

    def do_sendMediaGroup(self, bot: Bot, asked: Told, files: Files) -> Any:
        items = asked["media"]
        if not 2 <= len(items) <= 10:
            raise bad("group of 2 to 10 items expected")
        bodies = []
        for item in items:
            name = item["media"].removeprefix("attach://")
            if name == item["media"] or name not in files:
                raise bad("wrong file identifier/HTTP URL specified")
            spoiler = {"has_media_spoiler": True} if item.get("has_spoiler") else {}
            bodies.append(
                {**medium_of(item["type"], files[name], item), **_said(_caption(item)), **spoiler}
            )
        chat, group = self._open(bot, asked, items=len(items)), str(self.world.seconds())
        sent = [
            self.world.post(bot, chat, {**body, "media_group_id": group}, "") for body in bodies
        ]
        del bot.wire[-len(sent) :]
        ids = ",".join(str(one["message_id"]) for one in sent)
        bot.wire.append((f"{chat.id}/{ids}", items[0].get("caption", "")))
        return sent

    def do_sendPaidMedia(self, bot: Bot, asked: Told, files: Files) -> Any:
        paid_media.check(asked)
        body, caption = paid_media.body(asked, files, medium_of), _caption(asked)
        chat = self._open(bot, asked)
        paid_media.allowed(chat)
        sent = self.world.post(bot, chat, {**body, **_said(caption), **_keyboard(asked)}, caption)
        sent.update(paid_media.kept(asked))
        return sent

    def do_createInvoiceLink(self, bot: Bot, asked: Told, files: Files) -> Any:
        return subscriptions.create_invoice_link(bot, asked)

    def do_editUserStarSubscription(self, bot: Bot, asked: Told, files: Files) -> Any:
        return subscriptions.edit(bot, asked)

    def do_sendInvoice(self, bot: Bot, asked: Told, files: Files) -> Any:
        amount = subscriptions.invoice_price(asked)
        invoice = {"title": asked["title"], "description": asked["description"]}
        invoice["start_parameter"] = asked.get("start_parameter", "")
        told = {"invoice": invoice | {"currency": "XTR", "total_amount": amount}}
        sent = self.world.post(bot, self._open(bot, asked), told, asked["title"])
        sent["_invoice"] = {"amount": amount, "payload": asked["payload"]}
        return sent

    def do_deleteMessage(self, bot: Bot, asked: Told, files: Files) -> Any:
        chat, number = self._chat(bot, asked["chat_id"]), asked["message_id"]
        if number not in chat.messages or number in chat.deleted:
            raise bad("message to delete not found")
        if (
            self.world.clock().timestamp() - chat.messages[number]["date"]
            > DELETABLE.total_seconds()
        ):
            raise bad("message can't be deleted for everyone")
        chat.deleted.add(number)
        return True

    # https://core.telegram.org/bots/api#updating-messages: a bot can edit its messages as long as
    # they exist.

    def do_editMessageMedia(self, bot: Bot, asked: Told, files: Files) -> Any:
        message, item = self._mine(bot, asked), asked["media"]
        name = item["media"].removeprefix("attach://")
        if name == item["media"] or name not in files:
            raise bad("wrong file identifier/HTTP URL specified")
        if "media_group_id" in message and item["type"] not in ("photo", "video"):
            raise bad("message can't be edited")
        body = {**medium_of(item["type"], files[name], item), **_said(_caption(item))}
        return self._edit(
            bot, message, body, (item.get("caption", ""), hashlib.sha256(files[name]).hexdigest())
        )

    def do_editMessageCaption(self, bot: Bot, asked: Told, files: Files) -> Any:
        message, caption = self._mine(bot, asked), _caption(asked)
        if not {"photo", "video"} & message.keys():
            raise bad("there is no caption in the message to edit")
        kept = {
            name: message[name]
            for name in ("photo", "video", "has_media_spoiler")
            if name in message
        }
        return self._edit(bot, message, {**kept, **_said(caption)}, (asked.get("caption", ""), ""))

    def do_editMessageText(self, bot: Bot, asked: Told, files: Files) -> Any:
        message, text = self._mine(bot, asked), asked["text"]
        if "text" not in message:
            raise bad("there is no text in the message to edit")
        if not text.strip() or units(text) > TEXT:
            raise bad("message text is empty" if not text.strip() else "message is too long")
        return self._edit(bot, message, {"text": text.strip()}, (text, ""))

    def _mine(self, bot: Bot, asked: Told) -> Told:
        """Return an existing message that the bot may edit."""
        chat = self._chat(bot, asked["chat_id"])
        if chat.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if chat.rights.get(bot.id) == "kicked":
            raise Refusal(403, "Forbidden: bot was kicked from the channel chat")
        message = chat.messages.get(asked["message_id"])
        if message is None or asked["message_id"] in chat.deleted:
            raise bad("message to edit not found")
        own = message.get("from", {}).get("id") == bot.id or message.get("_by") == bot.id
        if not own or not {"text", "photo", "video"} & message.keys():
            raise bad("message can't be edited")
        return message

    def _edit(self, bot: Bot, message: Told, body: Told, wire: tuple[str, str]) -> Told:
        shown = ("text", "caption", "photo", "video", "reply_markup", "has_media_spoiler")
        bot.edits.append((f"{message['chat']['id']}/{message['message_id']}", *wire))
        before = {name: file_identity(message[name]) for name in shown if name in message}
        if before == {name: file_identity(part) for name, part in body.items()}:
            raise bad(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a"
                " current content and reply markup of the message"
            )
        for name in shown:
            message.pop(name, None)
        message |= body | {"edit_date": self.world.seconds()}
        return message

    # Callbacks and payments

    def do_answerCallbackQuery(self, bot: Bot, asked: Told, files: Files) -> Any:
        if bot.callbacks.get(asked["callback_query_id"], True):
            raise bad("query is too old and response timeout expired or query ID is invalid")
        bot.callbacks[asked["callback_query_id"]] = True
        return True

    def do_answerPreCheckoutQuery(self, bot: Bot, asked: Told, files: Files) -> Any:
        checkout = bot.checkouts.get(asked["pre_checkout_query_id"])
        if checkout is None or checkout.state != "asked":
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if (self.world.clock() - checkout.asked_at).total_seconds() > CHECKOUT_SECONDS:
            checkout.state = "cancelled"
            raise bad("query is too old and response timeout expired or query ID is invalid")
        checkout.state = "paid" if asked["ok"] else "refused"
        checkout.words = asked.get("error_message", "")
        if not asked["ok"] and not checkout.words:
            raise bad("ERROR_TEXT_EMPTY")
        if asked["ok"] and "period" in checkout.invoice:
            subscriptions.start_subscription(self.world, bot, checkout)
        elif asked["ok"]:
            self.world.paid(bot, checkout)
        return True

    def do_refundStarPayment(self, bot: Bot, asked: Told, files: Files) -> Any:
        # Transactions that are not listed yet can be refunded too.
        every = [*bot.late, *bot.transactions]
        mine = [one for one in every if one["id"] == asked["telegram_payment_charge_id"]]
        if not mine or mine[0].get("source", {}).get("user", {}).get("id") != asked["user_id"]:
            raise bad("CHARGE_NOT_FOUND")
        if len(mine) > 1:
            raise bad("CHARGE_ALREADY_REFUNDED")
        self.world.given_back(bot, mine[0])
        return True

    def do_getStarTransactions(self, bot: Bot, asked: Told, files: Files) -> Any:
        """Return transactions, oldest first: https://core.telegram.org/bots/api#getstartransactions"""
        start, limit = asked.get("offset", 0), asked.get("limit", 100)
        if start < 0 or not 1 <= limit <= 100:
            raise bad("OFFSET_INVALID" if start < 0 else "LIMIT_INVALID")
        return {"transactions": bot.transactions[start : start + limit]}

    def do_getMyStarBalance(self, bot: Bot, asked: Told, files: Files) -> Any:
        minor, nano = bot.lies
        return {"amount": minor} | ({"nanostar_amount": nano} if nano else {})

    # Updates

    def do_setWebhook(self, bot: Bot, asked: Told, files: Files) -> Any:
        if not asked["url"].startswith(("https://", "http://127.0.0.1")):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        bot.hook = {"url": asked["url"], "secret": asked.get("secret_token", "")}
        bot.allowed = tuple(asked.get("allowed_updates", bot.allowed))
        bot.polls += 1
        return True

    def do_deleteWebhook(self, bot: Bot, asked: Told, files: Files) -> Any:
        bot.hook = {}
        return True

    def begin_poll(self, bot: Bot, asked: Told) -> int:
        """Start a poll. It ends a waiting poll and confirms the updates before its offset."""
        if bot.hook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook "
                "to delete the"
                " webhook first",
            )
        bot.polls += 1
        bot.allowed = tuple(asked.get("allowed_updates", bot.allowed))
        offset = asked.get("offset", 0)
        bot.updates = [
            (at, told)
            for at, told in bot.updates
            if told["update_id"] >= offset or told.get("_again")
        ]
        return bot.polls

    def polled(self, bot: Bot, mine: int) -> list[Told]:
        """Return the pending updates if the poll is still the latest one."""
        if bot.polls != mine:
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot "
                "instance is running",
            )
        found = self.world.waiting(bot)[:100]
        bot.updates = [(at, told) for at, told in bot.updates if not told.get("_again")]
        return found


_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
_NO_GIFTS = dict.fromkeys(_GIFTS, False)


def _caption(asked: Told) -> str:
    caption = str(asked.get("caption", ""))
    if units(caption) > CAPTION:
        raise bad("message caption is too long")
    return caption


def _said(caption: str) -> Told:
    return {"caption": caption.strip()} if caption.strip() else {}


def _keyboard(asked: Told) -> Told:
    rows = asked.get("reply_markup", {}).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if (
            "url" in button
            and "callback_data" not in button
            and button["url"].startswith("https://")
        ):
            continue
        if not button["text"] or not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
    return {"reply_markup": {"inline_keyboard": json.loads(json.dumps(rows))}} if rows else {}
