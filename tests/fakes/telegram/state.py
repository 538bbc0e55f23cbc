"""State of the fake Telegram: bots, chats, messages, updates and Stars. It has no HTTP; tests act
on it as users do."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from foundation.ops.clock import wall_now
from tests.fakes.telegram.chats import Chat, Told
from tests.fakes.telegram.commands import BotProfile
from tests.fakes.telegram.people import Person
from tests.fakes.telegram.spec import Checks

CHECKOUT_SECONDS = 10
WINDOW, IN_A_CHANNEL, IN_A_CHAT = timedelta(seconds=60), 20, 60
"""Maximum messages of a bot in a channel and in a chat within the window."""

PERIOD = timedelta(seconds=2_592_000)
"""Period of a subscription. Telegram supports no other."""

KEEP = timedelta(hours=24)
"""Retention of an unconfirmed update."""

RIGHTS = (
    *(
        "can_be_edited",
        "is_anonymous",
        "can_manage_chat",
        "can_delete_messages",
        "can_manage_video_chats",
    ),
    *(
        "can_restrict_members",
        "can_promote_members",
        "can_change_info",
        "can_invite_users",
        "can_post_stories",
    ),
    *("can_edit_stories", "can_delete_stories"),
)

_ids = count(7_000_000_001)
_people = count(5_001)
_channels = count(1_001)


@dataclass
class Checkout:
    """A started payment, which expires after ten seconds."""

    id: str
    chat: Chat
    invoice: Told
    asked_at: datetime
    state: str = "asked"
    words: str = ""
    """Message that the user sees after a rejection."""


@dataclass
class Subscription:
    """A monthly payment until the user or the bot cancels it."""

    chat: Chat
    amount: int
    payload: str
    until: datetime
    cancelled: bool = False


@dataclass
class Bot:
    """A bot with its token, pending updates and Stars."""

    id: int
    username: str
    token: str
    alive: bool = True
    chats: dict[int, Chat] = field(default_factory=dict)
    updates: list[tuple[datetime, Told]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(100_000))
    shown: BotProfile = field(default_factory=BotProfile)
    allowed: tuple[str, ...] = ()
    hook: Told = field(default_factory=dict)
    polls: int = 0
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    links: dict[str, Told] = field(default_factory=dict)
    """Invoices by their links."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """Subscriptions by their first charge."""
    callbacks: dict[str, bool] = field(default_factory=dict)
    transactions: list[Told] = field(default_factory=list)
    late: list[Told] = field(default_factory=list)
    """Transactions that are not listed yet."""
    wire: list[tuple[str, str]] = field(default_factory=list)
    """ID and original text of every message ever received from the bot."""
    edits: list[tuple[str, str, str]] = field(default_factory=list)
    """Message ID, text and file digest ("" without a file) of every requested edit, including those
    without a change."""

    def told(self) -> Told:
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.username,
            "username": self.username,
        }

    @property
    def balance(self) -> int:
        """Number of Stars."""
        return sum(
            one["amount"] if "source" in one else -one["amount"] for one in self.transactions
        )

    @property
    def lies(self) -> tuple[int, int]:
        """Number of Stars and of billionths of a Star, with the same sign."""
        signs = [(1 if "source" in one else -1, one) for one in self.transactions]
        exact = sum(
            sign * (one["amount"] * 10**9 + one.get("nanostar_amount", 0)) for sign, one in signs
        )
        minor, nano = divmod(abs(exact), 10**9)
        return (minor, nano) if exact >= 0 else (-minor, -nano)


class TelegramState:
    """The complete state."""

    def __init__(self, clock: Callable[[], datetime] = wall_now) -> None:
        self.clock, self.lock, self.checks = clock, threading.RLock(), Checks()
        self.bots: dict[str, Bot] = {}
        self.channels: dict[int, Chat] = {}
        self.people: dict[str, Person] = {}
        self.counts_bots = False
        """True if bots count as members of a channel. The documentation does not say."""
        self.log: list[Told] = []
        """Every update ever sent."""

    # Setup

    def bot(self, username: str, token: str = "") -> Bot:
        """Create a bot, as @BotFather does."""
        number = next(_ids)
        made = Bot(number, username, token or f"{number}:{secrets.token_urlsafe(26)}")
        self.bots[made.token] = made
        return made

    def channel(
        self, title: str, *, username: str = "", kind: str = "channel", **rights: Bot
    ) -> Chat:
        """Create a channel. `post=bot` allows a bot to post, `silent=bot` makes it an administrator
        without that right."""
        number = -(10**12) - next(_channels)
        made = Chat(number, kind, title, username, {bot.id: right for right, bot in rights.items()})
        self.channels[number] = made
        return made

    def open_link(self, channel: Chat) -> str:
        """Create an invite link that requires no approval."""
        link = f"https://t.me/+{secrets.token_urlsafe(12)}"
        channel.links[link] = False
        return link

    def join(self, channel: Chat, name: str, link: str = "") -> Person:
        """Add a user to a channel, by a link without approval or by the owner."""
        assert not link or not channel.links[link], "who uses this link must be let in"
        person = self.person(name)
        channel.members.add(person.id)
        return person

    def leave(self, channel: Chat, name: str) -> None:
        """Remove a user who leaves."""
        channel.members.discard(self.person(name).id)

    def person(self, name: str, language: str = "fr") -> Person:
        """Return the user with this name, creating them if necessary."""
        if name not in self.people:
            self.people[name] = Person(next(_people), name, language)
        return self.people[name]

    def named(self, username: str) -> Bot:
        """Return the bot with this username."""
        return next(bot for bot in self.bots.values() if bot.username == username)

    # Actions of users

    def chat(self, bot: Bot, name: str) -> Chat:
        """Return the private chat of a user with a bot, creating it if necessary."""
        person = self.person(name)
        made = Chat(person.id, "private", person=person, username=person.name.lower())
        return bot.chats.setdefault(person.id, made)

    def say(self, bot: Bot, name: str, text: str = "", **more: Any) -> Told:
        """Send a message from a user to a bot. This unblocks the bot."""
        with self.lock:
            chat = self.chat(bot, name)
            chat.blocked, chat.knocked = False, {}
            body = {"text": text} if text else {}
            return self.tell(
                bot, "message", self._message(chat, {"from": self.person(name).told()}, body | more)
            )

    def press(self, bot: Bot, name: str, data: str) -> Told:
        """Press the latest button whose data is or starts with `data`."""
        with self.lock:
            chat = self.chat(bot, name)
            under, button = next(
                (message, button)
                for message in reversed(chat.messages.values())
                for row in message.get("reply_markup", {}).get("inline_keyboard", [])
                for button in row
                if button.get("callback_data", "").startswith(data)
            )
            query = str(secrets.randbits(60))
            bot.callbacks[query] = False
            pressed = {
                "id": query,
                "from": self.person(name).told(),
                "message": under,
                "chat_instance": "1",
                "data": button["callback_data"],
            }
            return self.tell(bot, "callback_query", pressed)

    def pay(self, bot: Bot, name: str, message_id: int = 0) -> Checkout:
        """Pay an invoice as a user, by default the latest one. The bot has ten seconds to answer
        the checkout."""
        with self.lock:
            chat = self.chat(bot, name)
            invoices = [one for one in chat.messages.values() if "invoice" in one]
            chosen = chat.messages[message_id] if message_id else invoices[-1]
            return self.begin(bot, name, chosen["_invoice"])

    def begin(self, bot: Bot, name: str, invoice: Told) -> Checkout:
        """Start the payment of an invoice in any chat."""
        with self.lock:
            checkout = Checkout(
                str(secrets.randbits(60)), self.chat(bot, name), invoice, self.clock()
            )
            bot.checkouts[checkout.id] = checkout
            asked = {
                "id": checkout.id,
                "from": self.person(name).told(),
                "currency": "XTR",
                "total_amount": checkout.invoice["amount"],
                "invoice_payload": checkout.invoice["payload"],
            }
            self.tell(bot, "pre_checkout_query", asked)
            return checkout

    def block(self, bot: Bot, name: str) -> None:
        """Block the bot as a user."""
        with self.lock:
            chat = self.chat(bot, name)
            chat.blocked = True
            self._member(bot, chat, self.person(name), "member", "kicked")

    def throw_out(self, bot: Bot, channel: Chat) -> None:
        """Remove the bot from a channel, as its owner does."""
        with self.lock:
            channel.rights[bot.id] = "kicked"
            self._member(bot, channel, self.person("Owner"), "administrator", "kicked")

    def let_in(self, bot: Bot, channel: Chat) -> None:
        """Make the bot an administrator with the right to post, as the channel's owner does."""
        with self.lock:
            channel.rights[bot.id] = "post"
            self._member(bot, channel, self.person("Owner"), "left", "administrator", may_post=True)

    def _member(
        self, bot: Bot, chat: Chat, by: Person, before: str, after: str, *, may_post: bool = False
    ) -> None:
        change = {
            "chat": chat.told(),
            "from": by.told(),
            "date": self.seconds(),
            "old_chat_member": self.member(bot, before, may_post=True),
            "new_chat_member": self.member(bot, after, may_post=may_post),
        }
        self.tell(bot, "my_chat_member", change)

    def member(self, bot: Bot, status: str, *, may_post: bool, opens: bool = False) -> Told:
        """Return a bot as a ChatMember of the API."""
        base: Told = {"status": status, "user": bot.told()}
        if status == "administrator":
            doors = {"can_invite_users": opens, "can_restrict_members": opens}
            return base | dict.fromkeys(RIGHTS, False) | {"can_post_messages": may_post} | doors
        return base | ({"until_date": 0} if status == "kicked" else {})

    # Stored data

    def seconds(self) -> int:
        """Return the Unix time."""
        return int(self.clock().timestamp())

    def chats_of(self, bot: Bot) -> list[Chat]:
        """Return the chats in which a bot writes or may write."""
        return [
            *bot.chats.values(),
            *(chat for chat in self.channels.values() if bot.id in chat.rights),
        ]

    def by_hand(self, channel: Chat, body: Told) -> Told:
        """Post to a channel as its owner, with the app."""
        with self.lock:
            return self._message(channel, {"sender_chat": channel.told()}, body)

    def _message(self, chat: Chat, sender: Told, body: Told) -> Told:
        number = next(chat.ids)
        told = {"message_id": number, "date": self.seconds(), "chat": chat.told(), **sender, **body}
        chat.messages[number] = told
        return told

    def post(self, bot: Bot, chat: Chat, body: Told, text: str) -> Told:
        """Add a message of a bot."""
        sender = (
            {"from": bot.told()}
            if chat.kind == "private"
            else {"sender_chat": chat.told(), "_by": bot.id}
        )
        told = self._message(chat, sender, body)
        bot.wire.append((f"{chat.id}/{told['message_id']}", text))
        return told

    def tell(self, bot: Bot, kind: str, what: Told) -> Told:
        """Add an update to the bot's queue if the bot requested this kind."""
        shown = {name: value for name, value in what.items() if not name.startswith("_")}
        update = {"update_id": next(bot.numbers), kind: shown}
        self.checks.update(update)
        self.log.append(update)
        if not bot.allowed or kind in bot.allowed:
            bot.updates.append((self.clock(), update))
        return update

    def again(self, bot: Bot, *updates: Told) -> None:
        """Deliver updates again in this order, even if they were confirmed."""
        with self.lock:
            bot.updates = [
                (self.clock(), {**update, "_again": True}) for update in updates
            ] + bot.updates

    def waiting(self, bot: Bot) -> list[Told]:
        """Return the unconfirmed updates of the last day."""
        bot.updates = [(at, update) for at, update in bot.updates if self.clock() - at < KEEP]
        return [update for _, update in bot.updates]

    def paid(self, bot: Bot, checkout: Checkout) -> None:
        """Transfer the Stars of a checkout and send the update."""
        self.charged(bot, checkout.chat, checkout.invoice["amount"], checkout.invoice["payload"])

    def charged(
        self, bot: Bot, chat: Chat, amount: int, payload: str, *, told: bool = True, month: str = ""
    ) -> str:
        """Transfer the Stars of an invoice. Send the update, or lose it if `told` is false. `month`
        marks the first or another payment of a subscription."""
        charge = f"stx{secrets.token_urlsafe(24)}"
        person = chat.person or self.person("Nobody")
        partner = {"type": "user", "transaction_type": "invoice_payment", "user": person.told()}
        partner |= {"subscription_period": int(PERIOD.total_seconds())} if month else {}
        listed = {"id": charge, "amount": amount, "date": self.seconds()}
        bot.transactions.append(listed | {"source": partner | {"invoice_payload": payload}})
        payment = {
            "currency": "XTR",
            "total_amount": amount,
            "invoice_payload": payload,
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "",
        }
        if month:
            ends = int((self.clock() + PERIOD).timestamp())
            payment |= {"is_recurring": True, "subscription_expiration_date": ends}
            payment |= {"is_first_recurring": True} if month == "first" else {}
        message = self._message(chat, {"from": person.told()}, {"successful_payment": payment})
        if told:
            self.tell(bot, "message", message)
        return charge

    def given_back(self, bot: Bot, charge: Told, *, told: bool = True) -> None:
        """Refund the Stars of a charge, with or without an update."""
        partner = charge["source"]
        back = {
            "id": charge["id"],
            "amount": charge["amount"],
            "date": self.seconds(),
            "receiver": partner,
        }
        bot.transactions.append(back)
        chat = bot.chats[partner["user"]["id"]]
        body = {
            "currency": "XTR",
            "total_amount": charge["amount"],
            "invoice_payload": "",
            "telegram_payment_charge_id": charge["id"],
        }
        message = self._message(chat, {"from": partner["user"]}, {"refunded_payment": body})
        if told:
            self.tell(bot, "message", message)

    def seen(self, bot: Bot, name: str) -> list[Told]:
        """Return the messages that a user received from a bot, oldest first."""
        return [
            one
            for one in self.chat(bot, name).messages.values()
            if one.get("from", {}).get("is_bot")
        ]

    def texts(self, bot: Bot, name: str) -> list[str]:
        """Return the texts of these messages."""
        return [str(one.get("text", one.get("caption", ""))) for one in self.seen(bot, name)]
