"""Steps of the tour with fans and depicted persons: a double payment, and a removal request."""

import json
from urllib.parse import quote, urlsplit
from uuid import UUID

from sqlalchemy import create_engine, text

from channels.manual_tasks import tasks
from demo.agency.cast import LUMIERE
from demo.tour.browser import WAIT_SECONDS
from demo.tour.judge import TourJudge
from demo.tour.post_steps import fetch_url
from foundation.i18n.translation import Message, render_message
from gate.contract.states import RemovalRequestState
from gate.copies.live_copies import LiveCopy
from gate.removal import removal_requests
from sandbox.page_texts import PAGE_TEXTS
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState

FAN_QUESTIONS = {
    "fr": ("Tu es réelle ?", "Tu as un pack à me proposer ?"),
    "en": ("Are you real?", "Do you have a pack for me?"),
}
AI_DISCLOSURE_TEXT = {"fr": "intelligence artificielle", "en": "artificial intelligence"}
REMOVAL_SECONDS = 10.0
"""Maximum seconds from the request to the last proof of absence; while other steps run, exceeding
it is only reported."""


def check_chat_purchase(j: TourJudge) -> None:
    """Check the disclosure of the AI, and that a double payment results in two charges, one refund
    and one delivery."""
    account = next(one for one in j.channels_of_creator("nova") if one.chat_surface).account
    fan = f"visite-{j.mark}{j.language}{j.width}"
    said = PAGE_TEXTS[j.language]
    chat = (
        f"http://127.0.0.1:{j.services.settings.sandbox.port}/c/{quote(account, safe='+')}"
        f"?fan={fan}"
    )
    j.window.open(chat, drawn=False)
    first, second = FAN_QUESTIONS[j.language]
    _write_message(j, first, said["send"])
    j.window.wait_for_expression(
        _in_messages("creator", AI_DISCLOSURE_TEXT[j.language]),
        "Nova does not say that she is an AI",
        WAIT_SECONDS,
    )
    _write_message(j, second, said["send"])
    buy = j.window.page.locator('form.buttons button[value^="buy:"]').first
    buy.click()
    pay = j.window.page.locator('.invoice button[value="pay"]').first
    pay.evaluate("button => { button.click(); button.click(); }")  # two clicks before any response
    j.window.wait_for_text(said["state_refunded"])
    j.window.wait_for_text(said["state_paid"])
    j.wait_for_witness(
        "database",
        lambda: _count_payments(j, fan) == (2, 1, 1),
        f"charges, refunds, deliveries: {_count_payments(j, fan)}",
    )
    j.save_screenshot("chat")
    states = sorted(
        one["state"]
        for one in j.call_sandbox_control("GET", f"money/{quote(account, safe='')}/{fan}")[
            "checkouts"
        ]
    )
    j.check_witness("sandbox", states == ["paid", "refunded"], f"its own record says {states}")
    j.open_page("/tour")
    j.window.wait_for_text(j.catalogue_text("tour.came_back"))
    j.window.wait_for_text(j.catalogue_text("tour.delivered"))


def _write_message(j: TourJudge, words: str, send: str) -> None:
    j.window.page.locator('#write input[name="text"]').fill(words)
    j.window.page.locator("#write button", has_text=send).click()
    j.window.wait_for_text(words)


def _in_messages(author: str, text: str) -> str:
    return (
        f"() => [...document.querySelectorAll('.line.{author} .text')]"
        f".some(one => one.innerText.includes({json.dumps(text)}))"
    )


def _count_payments(j: TourJudge, fan: str) -> tuple[int, int, int]:
    """Return the number of charges, completed refunds and deliveries of a fan."""
    (row,) = j.query_rows(
        "SELECT count(DISTINCT p.id) AS charges, count(DISTINCT r.id) FILTER (WHERE r.state = "
        "'done') AS refunds,"
        " count(DISTINCT x.id) FILTER (WHERE x.state = 'delivered') AS pushes FROM payments p"
        " LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id"
        " LEFT JOIN fulfilments x ON x.tenant_id = p.tenant_id AND x.payment_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.payer = :fan",
        fan=fan,
    )
    return row.charges, row.refunds, row.pushes


def check_removal(j: TourJudge) -> None:
    """Check that a removal is proven within seconds, and that one manual task remains for the
    manual post."""
    before = max((key.split(":")[1] for key in _list_origin_keys(j)), default="")
    by_hand = {one.id for one in j.channels_of_creator("mia") if one.is_manual}
    j.ensure_page_open("/tour")
    j.window.press_button(j.catalogue_text("tour.remove_now"))
    j.window.wait_for_text(j.catalogue_text("tour.asked_five"))
    j.wait_for_witness(
        "database",
        lambda: len(j.latest_step_run("five", before)) == 1,
        "the picture was not planned",
    )
    (post,) = j.latest_step_run("five", before)
    j.wait_for_witness(
        "database",
        lambda: set(j.delivery_states([post])) == {DeliveryState.PUBLISHED},
        "it is not on all accounts",
        2 * WAIT_SECONDS,
    )
    entries = j.deliveries_of(post)
    address = next(
        one.url for one in entries if one.url and "/p/" in one.url and "/t/" not in one.url
    )
    receipt = _request_removal(j, address)
    j.wait_for_witness(
        "database",
        lambda: {one.channel_id for one in _list_live_copies(j, receipt)} <= by_hand,
        "copies are left",
    )
    found = j.read_demo_agency(
        lambda scope: removal_requests.find_status_by_receipt(scope, receipt)
    )
    ends = [one.removed_at for one in found.copies if one.removed_at is not None]
    j.check_witness(
        "database",
        len(ends) >= len(entries) - len(by_hand),
        f"{len(ends)} of {len(found.copies)} are gone",
    )
    j.check_witness(
        "database", found.state is RemovalRequestState.CALLED, f"the request is {found.state}"
    )
    slowest = (max(ends) - found.at).total_seconds()
    told = f"the last copy went after {slowest:.1f} s"
    if j.fast and slowest > REMOVAL_SECONDS:
        j.window.slow.append(told)
    else:
        j.check_witness("database", slowest <= REMOVAL_SECONDS, told)
    waiting = j.read_demo_agency(
        lambda scope: [
            one
            for one in tasks.list_due_tasks(scope, creators=[found.creator_id])
            if one.is_removal
        ]
    )
    j.check_witness("database", bool(waiting), "no task waits for a person")
    j.window.wait_for_text(j.catalogue_text("complaint.by_hand"))
    _check_removed(j, entries, address)
    _undo_removal(j, receipt, found.creator_id, entries)


def _undo_removal(
    j: TourJudge, receipt: str, creator_id: UUID, entries: list[DeliveryEntry]
) -> None:
    j.open_page("/tour")
    j.window.wait_for_text(receipt)
    j.window.press_button(j.catalogue_text("tour.undo_remove"))
    j.window.wait_for_text(j.catalogue_text("tour.undone_remove"))
    j.wait_for_witness(
        "database",
        lambda: not _has_manual_tasks(j, creator_id, entries),
        "the task by hand still waits",
    )


def _has_manual_tasks(j: TourJudge, creator_id: UUID, entries: list[DeliveryEntry]) -> bool:
    mine = {one.delivery_id for one in entries}
    return any(
        one.about in mine
        for one in j.read_demo_agency(
            lambda scope: tasks.list_due_tasks(scope, creators=[creator_id])
        )
    )


def _list_origin_keys(j: TourJudge) -> list[str]:
    found = j.query_rows(
        "SELECT origin_key FROM posts WHERE tenant_id = :tenant AND origin_key LIKE 'five:%'"
    )
    return [row.origin_key for row in found]


def _request_removal(j: TourJudge, address: str) -> str:
    """Submit a removal request in the footer of the public page, and return its receipt.

    The request does not count against the limit per hour of this machine's address.
    """
    j.window.open(address, drawn=False)
    # The creator's page is in her language, the form in the visitor's.
    title = render_message(Message("complaint.title"), "fr")
    j.window.page.locator("footer a", has_text=title).click()
    j.window.wait_for_text(j.catalogue_text("complaint.how"))
    j.window.note_internal_words()
    j.window.press_button(j.catalogue_text("complaint.send"))
    j.window.wait_for_text(j.catalogue_text("complaint.receipt"))
    receipt = urlsplit(j.window.page.url).path.rsplit("/", 1)[-1]
    _set_request_source(j, receipt)
    return receipt


def _set_request_source(j: TourJudge, receipt: str) -> None:
    """Change the source of a request as the owner of the tables: no other role may."""
    engine = create_engine(j.services.settings.database.owner_url.get_secret_value())
    try:
        with engine.begin() as connection:
            connection.execute(
                text("SELECT set_config('app.tenant', :tenant, true)"),
                {"tenant": str(LUMIERE.tenant_id)},
            )
            statement = (
                "UPDATE complaints SET source = 'judge' WHERE tenant_id = :tenant AND receipt = "
                ":receipt"
            )
            connection.execute(text(statement), {"tenant": LUMIERE.tenant_id, "receipt": receipt})
    finally:
        engine.dispose()


def _list_live_copies(j: TourJudge, receipt: str) -> list[LiveCopy]:
    """Return the copies without a proof of absence."""
    found = j.read_demo_agency(
        lambda scope: removal_requests.find_status_by_receipt(scope, receipt)
    )
    return [one for one in found.copies if one.removed_at is None]


def _check_removed(j: TourJudge, entries: list[DeliveryEntry], address: str) -> None:
    """Check that neither the public page nor the test network shows the picture."""
    status, _ = fetch_url(address)
    j.check_witness("text", status == 410, f"the public page answers {status}")
    ids = {one.native_id for one in entries}
    for account in j.channels_of_creator("mia"):
        if account.base_url.endswith(f":{j.services.settings.sandbox.port}"):
            stand = [
                one
                for one in j.sandbox_posts(account.account)
                if one["id"] in ids and not one["deleted_at"]
            ]
            j.check_witness("sandbox", not stand, f"{account.account} still shows it")
