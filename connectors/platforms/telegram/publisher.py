"""Telegram: one bot per creator, which posts to a channel, talks to fans one by one, and sells for
Stars.

A bot cannot read what stands in a channel: an answer that is lost can be looked up nowhere, so a
person says whether the message is there. A native id is `<chat>/<id>,<id>…`; those of an album are
all in it.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.balance import MovementPage
from connectors.contract.bot_commands import CommandMenu
from connectors.contract.capabilities import Capabilities
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.outcomes import LookupResult, Outcome, Published, Rejected, Unknown
from connectors.contract.post_addresses import ClaimedAddress
from connectors.platforms.telegram import (
    account as telegram_connecting,
)
from connectors.platforms.telegram import (
    balance,
    commands,
    edits,
    requests,
    roles,
    subscriptions,
)
from connectors.platforms.telegram import (
    destination as telegram_places,
)
from connectors.platforms.telegram.errors import (
    description,
    outcome_of_failure,
    place_of,
    publish_outcome,
    removal_outcome,
    result,
)
from connectors.platforms.telegram.requests import (
    MAX_MEDIA,
    MAX_PARTS,
    MAX_TEXT,
    MIMES,
    OPTIONS,
    VIDEO_BYTES,
    build_publish_step,
    content_problem,
    count_text,
)
from connectors.shared import prices, unit_checks
from connectors.shared.feed_layouts import TELEGRAM_LAYOUT
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Unit

UPDATES_WAIT = 20
"""Seconds Telegram may hold the request for updates open."""

ALREADY = "charge_already_refunded"

ALLOWED = (
    *(
        "message",
        "edited_message",
        "callback_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "my_chat_member",
    ),
    *("chat_join_request", "message_reaction_count"),
)
"""What we are told of: said with each poll and, where we are called, at every start, so to bots
connected before too. Without the fourth, every payment would run into its ten seconds."""


def _build_step(
    name: str,
    kind: StepKind,
    method: str,
    body: Mapping[str, object],
    *,
    action: str = "",
    seconds: float = 30.0,
) -> WireStep:
    """A request of ids and amounts."""
    path = f"/bot{{token}}/{method}"
    # how
    return WireStep(name, kind, "POST", path, body, token="path", action=action, deadline=seconds)


def _parse_update(entry: object) -> tuple[int, ChatUpdate | None] | None:
    # iB, for the one process that listens
    from connectors.platforms.telegram import updates  # noqa: PLC0415  25 M  see above

    return updates.parse_update(entry)


def _parse_updates(answer: StepResult) -> ChatUpdates | None:
    entries = result(answer)
    if not isinstance(entries, list):
        return None
    read = [_parse_update(entry) for entry in entries]
    numbers = [one[0] for one in read if one is not None]
    if len(numbers) < len(read):
        return None
    updates = tuple(one[1] for one in read if one is not None and one[1] is not None)
    return ChatUpdates(updates, str(max(numbers) + 1) if numbers else "")


class Telegram:
    """Posts, chat and sales of a bot; pure."""

    capabilities = Capabilities(
        platform="telegram",
        surfaces=("public_channel", "private_channel", "bot_dm"),
        max_text=MAX_TEXT,
        max_media=MAX_MEDIA,
        mimes=MIMES,
        max_bytes=VIDEO_BYTES,
        look="none",
        resend_is_look=False,
        can_delete=True,
        can_chat=True,
        can_sell=True,
        stages=False,
        points_at=requests.WAYS,
        replaces=True,
        edits=True,
        threads=MAX_PARTS,
        shows={"": TELEGRAM_LAYOUT},
        options=OPTIONS,
        sells=requests.SELLS,
    )
    form = telegram_connecting.FORM
    hook_header = "x-telegram-bot-api-secret-token"

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Who the bot is, whether it may post to the channel that was named, and that it is
        polled."""
        return telegram_connecting.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Whether the token is still this bot's."""
        return telegram_connecting.check(account, answers)

    def write_menu(
        self, menu: CommandMenu, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """The bot's menu and its description, in each language, written where they are other than
        they should be."""
        return commands.write_menu(menu, answers)

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """UTF-16 units; a caption is shorter than a message."""
        return count_text(unit)

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Everything in one request: nothing can be looked up, so there is one moment of doubt at
        most. A subscription takes a link first, which nobody sees."""
        can = self.capabilities
        invoice = unit.invoice
        monthly = invoice if invoice is not None and invoice.period_days else None
        wrong = (
            content_problem(unit)
            if monthly is None
            else subscriptions.subscription_problem(unit, monthly)
        )
        trouble = (
            unit_checks.reference_problem(unit, can)
            or prices.unit_price_problem(unit, can)
            or wrong
        )
        if trouble is not None:
            return Rejected(trouble, permanent=False)
        if monthly is not None:
            return subscriptions.subscription_turn(unit, monthly, answers)
        chat = unit.viewer or unit.destination
        return (
            publish_outcome(answers[-1], reader=bool(unit.viewer), chat=chat)
            if answers
            else Send(build_publish_step(unit))
        )

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """A bot sees no history."""
        return Unknown(Message("connectors.no_lookup"))

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """The channel, for those who are in it."""
        return (
            f"https://t.me/c/{destination.removeprefix('-100')}"
            if destination.startswith("-100")
            else ""
        )

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """The message of an address in the channel that is posted to; whether it stands there is
        told to no bot."""
        return telegram_places.resolve_address(address, answers)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a message, or every one of an album, one by one: each answer is its own proof."""
        place = place_of(copy.native_id)
        if place is None:
            return Rejected(Message("telegram.unknown_copy"), permanent=False)
        chat, ids = place
        trouble = removal_outcome(answers[-1], reader=bool(copy.chat)) if answers else None
        if trouble is not None:
            return trouble
        if len(answers) >= len(ids):
            return Published(copy.native_id)
        body = {"chat_id": chat, "message_id": ids[len(answers)]}
        return Send(
            _build_step("delete", StepKind.RESTRICT, "deleteMessage", body, action="delete")
        )

    def replace(
        self, copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Edit what a bot may not delete any more."""
        return edits.replace_message(copy, unit, answers)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Other words in the place of those of a post."""
        return edits.edit_message(unit, native_id, answers)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Bots may ask for no numbers; reactions are told them (`messages_of`)."""
        return None

    def message_ids_of(self, native_id: str) -> tuple[str, ...]:
        """The messages of a copy, as what is told of reactions names them."""
        place = place_of(native_id)
        return tuple(f"{place[0]}/{number}" for number in place[1]) if place is not None else ()

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """How many are in the channel that is posted to."""
        return telegram_places.count_followers(destination, answers)

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """What the channel is, and whether everybody in it is known to be of age."""
        return telegram_places.inspect_destination(place, answers)

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Being in the place of that id: who asked is let in, whose right ended is put out."""
        return roles.set_role(fan, role, give, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | None:
        """What happened from update number `cursor` on, in one request; Telegram answers as soon as
        something did."""
        return _parse_updates(answers[-1]) if answers else Send(self._build_updates_step(cursor))

    def _build_updates_step(self, cursor: str) -> WireStep:
        allowed = quote(json.dumps(ALLOWED, separators=(",", ":")), safe="")
        offset = f"&offset={cursor}" if cursor.isdigit() else ""
        return WireStep(
            "updates",
            StepKind.CONTROL,
            "GET",
            f"/bot{{token}}/getUpdates?timeout={UPDATES_WAIT}&allowed_updates={allowed}{offset}",
            token="path",
            action="updates",
            deadline=UPDATES_WAIT + 10.0,
        )

    def accept_checkout(self, query_id: str) -> WireStep:
        """Let a payment go through; without it Telegram cancels the payment after ten seconds."""
        body = {"pre_checkout_query_id": query_id, "ok": True}
        return _build_step(
            "checkout",
            StepKind.CONTROL,
            "answerPreCheckoutQuery",
            body,
            action="checkout_yes",
            seconds=8.0,
        )

    def refuse_checkout(self, query_id: str, words: str) -> WireStep:
        """Refuse a payment at once, and say why: without it the fan watches those ten seconds go
        by."""
        body = {"pre_checkout_query_id": query_id, "ok": False, "error_message": words}
        return _build_step(
            "checkout_no", StepKind.PUBLISH, "answerPreCheckoutQuery", body, seconds=8.0
        )

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """Give Stars back."""
        body = {"user_id": int(fan_id), "telegram_payment_charge_id": charge_id}
        return _build_step("refund", StepKind.CONTROL, "refundStarPayment", body, action="refund")

    def refund_outcome(self, answer: StepResult) -> Outcome:
        """`Published` once the money is back, also when it already was; a lost answer is looked up
        first."""
        if result(answer) is True or ALREADY in description(answer):
            return Published("refunded")
        return outcome_of_failure(answer, creates=True)

    def look_up_refund(
        self, charge_id: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Read the bot's own ledger from its beginning."""
        return balance.look_up_refund_from(charge_id, 0, answers)

    def look_up_refund_from(
        self, charge_id: str, start: int, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Read the bot's own ledger from a place on."""
        return balance.look_up_refund_from(charge_id, start, answers)

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        """A page of the bot's own ledger, and its balance with the last one."""
        return balance.list_movements(start, answers)

    def stop_renewal(self, user: str, charge_id: str) -> WireStep:
        """Take no further month of a subscription."""
        return subscriptions.build_stop_step(user, charge_id)

    def renewal_stop_outcome(self, answer: StepResult) -> Outcome:
        """`Published` when no further month is taken."""
        return subscriptions.stop_outcome(answer)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """A pressed button shows that it waits until somebody says that it was seen."""
        if update.kind != "button" or not update.payload:
            return None
        body = {"callback_query_id": update.payload}
        return _build_step(
            "ack", StepKind.CONTROL, "answerCallbackQuery", body, action="ack", seconds=5.0
        )

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        """Be called at `address`, one update at a time, so that they come in order."""
        body = {
            "url": address,
            "secret_token": secret,
            "allowed_updates": list(ALLOWED),
            "max_connections": 1,
        }
        return _build_step("subscribe", StepKind.AUTH, "setWebhook", body)

    def delete_webhook(self) -> WireStep:
        """Be polled again; what waits is kept."""
        return _build_step("unsubscribe", StepKind.AUTH, "deleteWebhook", {})

    def parse_webhook(self, body: object) -> tuple[ChatUpdate, ...] | None:
        """What a call told us."""
        read = _parse_update(body)
        if read is None:
            return None
        return (read[1],) if read[1] is not None else ()
