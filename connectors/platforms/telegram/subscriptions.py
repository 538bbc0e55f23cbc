"""Subscriptions for Stars. A recurring invoice (every 30 days) exists only as a link, which a
message contains.

Source: https://core.telegram.org/bots/api#createinvoicelink, #edituserstarsubscription
"""

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Retry
from connectors.platforms.telegram.bot_steps import build_step
from connectors.platforms.telegram.content_checks import (
    CURRENCY,
    DESCRIPTION,
    PAYLOAD,
    TITLE,
    words_of,
)
from connectors.platforms.telegram.errors import outcome_of_failure, publish_outcome, result
from connectors.shared.http_responses import SHORT_RETRY
from foundation.i18n.translation import Message
from gate.contract.units import Invoice, Unit

PERIOD_DAYS = 30
MAX_STARS = 10_000
"""Maximum price of a period. Telegram offers only periods of `PERIOD_DAYS`."""

LINK = "link"


def subscription_problem(unit: Unit, invoice: Invoice) -> Message | None:
    """Return the reason why a subscription cannot be offered, or None."""
    named = invoice.title and invoice.description and 0 < len(invoice.payload.encode()) <= PAYLOAD
    asked = (
        invoice.currency == CURRENCY
        and 0 < invoice.amount_minor <= MAX_STARS
        and invoice.period_days == PERIOD_DAYS
    )
    if (
        not named
        or not asked
        or not unit.viewer
        or unit.media
        or len(unit.buttons) != 1
        or not words_of(unit)
    ):
        return Message("telegram.invoice_unfit")
    if len(invoice.title) > TITLE or len(invoice.description) > DESCRIPTION:
        return Message("telegram.invoice_too_long", {"title": TITLE, "description": DESCRIPTION})
    return None


def subscription_turn(
    unit: Unit, invoice: Invoice, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Create the link, then send it below a button. The link alone is not visible to users."""
    if not answers:
        return Send(_build_link_step(invoice))
    if answers[-1].step != LINK:
        return publish_outcome(answers[-1], reader=True, chat=unit.viewer)
    link = result(answers[-1])
    if isinstance(link, str) and link.startswith("https://"):
        return Send(_build_message_step(unit, link))
    if isinstance(answers[-1], Response) and answers[-1].is_success:
        return Retry(
            SHORT_RETRY,
            "account",
            Message("connectors.unclear_answer", {"status": answers[-1].status}),
        )
    return outcome_of_failure(answers[-1], creates=False)


def _build_link_step(invoice: Invoice) -> WireStep:
    # Imported late: only processes that serve a bot load python-telegram-bot.
    from connectors.platforms.telegram import messages  # noqa: PLC0415  see above

    return messages.build_invoice_link_step(LINK, invoice)


def _build_message_step(unit: Unit, link: str) -> WireStep:
    from connectors.platforms.telegram import messages  # noqa: PLC0415  as above

    return messages.build_link_message_step(unit, unit.buttons[0].label, link)


def build_stop_step(user: str, charge_id: str) -> WireStep:
    """Return the step that stops further payments. Earlier ones are not refunded, and a repeat is
    harmless."""
    return build_step(
        "stop",
        StepKind.CONTROL,
        lambda bot: bot.edit_user_star_subscription(int(user), charge_id, is_canceled=True),
        action="subscription",
    )


def stop_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of the stop request."""
    return (
        Published("stopped")
        if result(answer) is True
        else outcome_of_failure(answer, creates=False)
    )
