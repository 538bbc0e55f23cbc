"""The Telegram connector: one bot per creator, which posts to a channel, chats with fans and sells
for Stars.

A bot cannot read the history of a channel, so a lost answer cannot be looked up: a member decides
whether the message exists. A native ID is `<chat>/<id>,<id>…` and includes all messages of an
album.
"""

from collections.abc import Mapping
from dataclasses import replace
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
    content_checks,
    edits,
    roles,
    subscriptions,
)
from connectors.platforms.telegram import (
    destination as telegram_places,
)
from connectors.platforms.telegram.bot_steps import build_step
from connectors.platforms.telegram.content_checks import (
    MAX_MEDIA,
    MAX_PARTS,
    MAX_TEXT,
    MIMES,
    OPTIONS,
    VIDEO_BYTES,
    content_problem,
    count_text,
)
from connectors.platforms.telegram.errors import (
    description,
    outcome_of_failure,
    place_of,
    publish_outcome,
    removal_outcome,
    result,
)
from connectors.shared import prices, unit_checks
from connectors.shared.feed_layouts import TELEGRAM_LAYOUT
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Unit

UPDATES_WAIT = 20
"""Seconds for which Telegram may delay its answer to a request for updates."""

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
"""The requested kinds of updates. They are sent with each poll and, for webhooks, at every start,
so that existing bots receive new kinds. Without pre_checkout_query every payment would time out
after ten seconds."""


def _parse_update(entry: object) -> tuple[int, ChatUpdate | None] | None:
    # Imported late: only processes that serve a bot load python-telegram-bot.
    from connectors.platforms.telegram import updates  # noqa: PLC0415  see above

    return updates.parse_update(entry)


def _build_publish_step(unit: Unit) -> WireStep:
    from connectors.platforms.telegram import messages  # noqa: PLC0415  as above

    return messages.build_publish_step(unit)


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
    """The connector for a bot's posts, chats and sales."""

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
        points_at=content_checks.WAYS,
        replaces=True,
        edits=True,
        threads=MAX_PARTS,
        shows={"": TELEGRAM_LAYOUT},
        options=OPTIONS,
        sells=content_checks.SELLS,
    )
    form = telegram_connecting.FORM
    hook_header = "x-telegram-bot-api-secret-token"

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Identify the bot, check that it may post to the channel, and switch it to polling."""
        return telegram_connecting.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the bot."""
        return telegram_connecting.check(account, answers)

    def write_menu(
        self, menu: CommandMenu, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Write the bot's menu and descriptions in each language if they differ."""
        return commands.write_menu(menu, answers)

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the number of UTF-16 units and the limit, which is lower for a caption."""
        return count_text(unit)

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Send everything in one request, so that at most one answer is uncertain. For a
        subscription, first create its link, which is not visible."""
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
        if not answers:
            return Send(_build_publish_step(unit))
        chat = unit.viewer or unit.destination
        return publish_outcome(answers[-1], reader=bool(unit.viewer), chat=chat)

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Return Unknown: a bot cannot read the history."""
        return Unknown(Message("connectors.no_lookup"))

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the channel for its members."""
        return (
            f"https://t.me/c/{destination.removeprefix('-100')}"
            if destination.startswith("-100")
            else ""
        )

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the message in a URL of the account's channel. A bot cannot check that the message
        exists."""
        return telegram_places.resolve_address(address, answers)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a message, or each message of an album in turn."""
        place = place_of(copy.native_id)
        if place is None:
            return Rejected(Message("telegram.unknown_copy"), permanent=False)
        chat, ids = place
        trouble = removal_outcome(answers[-1], reader=bool(copy.chat)) if answers else None
        if trouble is not None:
            return trouble
        if len(answers) >= len(ids):
            return Published(copy.native_id)
        number = ids[len(answers)]
        return Send(
            build_step(
                "delete",
                StepKind.RESTRICT,
                lambda bot: bot.delete_message(chat, number),
                action="delete",
            )
        )

    def replace(
        self, copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Replace the content of messages that the bot can no longer delete."""
        return edits.replace_message(copy, unit, answers)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the text of a post."""
        return edits.edit_message(unit, native_id, answers)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return None: bots cannot request metrics. Updates report reactions (`message_ids_of`)."""
        return None

    def message_ids_of(self, native_id: str) -> tuple[str, ...]:
        """Return the messages of a copy as updates about reactions identify them."""
        place = place_of(native_id)
        return tuple(f"{place[0]}/{number}" for number in place[1]) if place is not None else ()

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of the channel's members."""
        return telegram_places.count_followers(destination, answers)

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """Report the type of the channel and whether all its members are age-verified."""
        return telegram_places.inspect_destination(place, answers)

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Accept a user's request to join the destination with this ID, or remove the user from
        it."""
        return roles.set_role(fan, role, give, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | None:
        """Return the next request, or the updates from number `cursor`. Telegram delays its answer
        until there are any."""
        if answers:
            return _parse_updates(answers[-1])
        offset = int(cursor) if cursor.isdigit() else None
        return Send(
            build_step(
                "updates",
                StepKind.CONTROL,
                lambda bot: bot.get_updates(offset, timeout=UPDATES_WAIT, allowed_updates=ALLOWED),
                action="updates",
                seconds=UPDATES_WAIT + 10.0,
            )
        )

    def build_member_notice(self, chat: str, text: str) -> WireStep:
        """Return the step that notifies a member in their private chat. The text is plain."""
        return build_step(
            "notice",
            StepKind.NOTICE,
            lambda bot: bot.send_message(int(chat), text, disable_web_page_preview=True),
        )

    def chat_start_url(self, base_url: str, account: str, parameter: str) -> str:
        """Return the URL that opens the bot with a start parameter; `base_url` is that of its API.

        Source: https://core.telegram.org/bots/features#deep-linking
        """
        return f"https://t.me/{quote(account, safe='')}?start={quote(parameter, safe='-_')}"

    def accept_checkout(self, query_id: str) -> WireStep:
        """Return the step that accepts a payment. Telegram cancels the payment after ten seconds
        without it."""
        return build_step(
            "checkout",
            StepKind.CONTROL,
            lambda bot: bot.answer_pre_checkout_query(query_id, ok=True),
            action="checkout_yes",
            seconds=8.0,
        )

    def refuse_checkout(self, query_id: str, words: str) -> WireStep:
        """Return the step that refuses a payment with a reason, so that the fan need not wait ten
        seconds."""
        return build_step(
            "checkout_no",
            StepKind.PUBLISH,
            lambda bot: bot.answer_pre_checkout_query(query_id, ok=False, error_message=words),
            seconds=8.0,
        )

    def refund(self, charge_id: str, fan_id: str, amount_minor: int, currency: str) -> WireStep:
        """Return the step that refunds Stars."""
        return build_step(
            "refund",
            StepKind.CONTROL,
            lambda bot: bot.refund_star_payment(int(fan_id), charge_id),
            action="refund",
        )

    def refund_outcome(self, answer: StepResult) -> Outcome:
        """Return `Published` after a refund, including an earlier one. A lost answer is looked up
        first."""
        if result(answer) is True or ALREADY in description(answer):
            return Published("refunded")
        return outcome_of_failure(answer, creates=True)

    def look_up_refund(
        self, charge_id: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Search the bot's transactions for a refund from the beginning."""
        return balance.look_up_refund_from(charge_id, 0, answers)

    def look_up_refund_from(
        self, charge_id: str, start: int, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Search the bot's transactions for a refund from an offset."""
        return balance.look_up_refund_from(charge_id, start, answers)

    def list_movements(
        self, start: int, answers: tuple[StepResult, ...]
    ) -> Send | MovementPage | Outcome:
        """Return the next request, or a page of the bot's transactions; the last page includes the
        balance."""
        return balance.list_movements(start, answers)

    def stop_renewal(self, user: str, charge_id: str) -> WireStep:
        """Return the step that stops further payments of a subscription."""
        return subscriptions.build_stop_step(user, charge_id)

    def renewal_stop_outcome(self, answer: StepResult) -> Outcome:
        """Return `Published` if the subscription is not renewed."""
        return subscriptions.stop_outcome(answer)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Confirm a pressed button, which shows a progress indicator until then."""
        # only buttons show a progress indicator
        if update.kind != "button" or not update.payload:
            return None
        query_id = update.payload
        return build_step(
            "ack",
            StepKind.CONTROL,
            lambda bot: bot.answer_callback_query(query_id),
            action="ack",
            seconds=5.0,
        )

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        """Register a webhook at `address`, with one update at a time to preserve their order."""
        step = build_step(
            "subscribe",
            StepKind.AUTH,
            lambda bot: bot.set_webhook(address, allowed_updates=ALLOWED, max_connections=1),
        )
        return replace(step, json={**(step.json or {}), "secret_token": secret})

    def delete_webhook(self) -> WireStep:
        """Return to polling. Pending updates are preserved."""
        return build_step("unsubscribe", StepKind.AUTH, lambda bot: bot.delete_webhook())

    def parse_webhook(self, body: object) -> tuple[ChatUpdate, ...] | None:
        """Return the updates in a webhook call, or None if it is invalid."""
        read = _parse_update(body)
        if read is None:
            return None
        return (read[1],) if read[1] is not None else ()
