"""Steps of the tour that people take: a fan who pays twice, and somebody who wants a picture of herself gone."""

import json
from urllib.parse import quote, urlsplit
from uuid import UUID

from sqlalchemy import create_engine, text

from channels import tasks
from foundation.words import Message, say
from gate import complaints
from gate.copies import Copy
from gate.states import ComplaintState
from schedules.reads import Entry
from schedules.states import DeliveryState
from workers.demo_cast import LUMIERE
from workers.sandbox_looks import WORDS
from workers.tour_browser import SECONDS
from workers.tour_judge import Judge
from workers.tour_posts import fetch

S = DeliveryState
ASKS = {
    "fr": ("Tu es réelle ?", "Tu as un pack à me proposer ?"),
    "en": ("Are you real?", "Do you have a pack for me?"),
}
TRUTH = {"fr": "intelligence artificielle", "en": "artificial intelligence"}
GONE_WITHIN = 10.0
"""Seconds from the request to the last proof; where other steps are taken at the same time, more is told, no more."""


def talk(j: Judge) -> None:
    """The truth about being an AI; two charges, one of them back, one delivery."""
    account = next(one for one in j.channels("nova") if one.chat_surface).account
    fan, said = f"visite-{j.mark}{j.language}{j.width}", WORDS[j.language]
    chat = f"http://127.0.0.1:{j.s.settings.sandbox.port}/c/{quote(account, safe='+')}?fan={fan}"
    j.window.go(chat, drawn=False)
    first, second = ASKS[j.language]
    _say(j, first, said["send"])
    j.window.until(_in_messages("creator", TRUTH[j.language]), "Nova does not say that she is an AI", SECONDS)
    _say(j, second, said["send"])
    buy = j.window.page.locator('form.buttons button[value^="buy:"]').first
    buy.click()
    pay = j.window.page.locator('.invoice button[value="pay"]').first
    pay.evaluate("button => { button.click(); button.click(); }")  # faster than any answer
    j.window.says(said["state_refunded"])
    j.window.says(said["state_paid"])
    j.until("database", lambda: _money(j, fan) == (2, 1, 1), f"charges, refunds, deliveries: {_money(j, fan)}")
    j.picture("chat")
    states = sorted(one["state"] for one in j.control("GET", f"money/{quote(account, safe='')}/{fan}")["checkouts"])
    j.agree("sandbox", states == ["paid", "refunded"], f"its own record says {states}")
    j.go("/tour")
    j.window.says(j.word("tour.came_back"))
    j.window.says(j.word("tour.delivered"))


def _say(j: Judge, words: str, send: str) -> None:
    j.window.page.locator('#write input[name="text"]').fill(words)
    j.window.page.locator("#write button", has_text=send).click()
    j.window.says(words)


def _in_messages(author: str, text: str) -> str:
    return (
        f"() => [...document.querySelectorAll('.line.{author} .text')]"
        f".some(one => one.innerText.includes({json.dumps(text)}))"
    )


def _money(j: Judge, fan: str) -> tuple[int, int, int]:
    """Charges, refunds that are done, and deliveries of a fan."""
    (row,) = j.rows(
        "SELECT count(DISTINCT p.id) AS charges, count(DISTINCT r.id) FILTER (WHERE r.state = 'done') AS refunds,"
        " count(DISTINCT x.id) FILTER (WHERE x.state = 'delivered') AS pushes FROM payments p"
        " LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id"
        " LEFT JOIN fulfilments x ON x.tenant_id = p.tenant_id AND x.payment_id = p.id"
        " WHERE p.tenant_id = :tenant AND p.payer = :fan",
        fan=fan,
    )
    return row.charges, row.refunds, row.pushes


def remove(j: Judge) -> None:
    """Proofs of absence within seconds, and one open task for the copy that a person has to take away."""
    before = max((key.split(":")[1] for key in _fives(j)), default="")
    by_hand = {one.id for one in j.channels("mia") if one.hand_over}
    j.stay("/tour")
    j.window.press(j.word("tour.remove_now"))
    j.window.says(j.word("tour.asked_five"))
    j.until("database", lambda: len(j.run_of("five", before)) == 1, "the picture was not planned")
    (post,) = j.run_of("five", before)
    j.until("database", lambda: set(j.states([post])) == {S.PUBLISHED}, "it is not on all accounts", 2 * SECONDS)
    entries = j.entries(post)
    address = next(one.url for one in entries if one.url and "/p/" in one.url and "/t/" not in one.url)
    receipt = _asked(j, address)
    j.until("database", lambda: {one.channel_id for one in _left(j, receipt)} <= by_hand, "copies are left")
    found = j.read(lambda scope: complaints.by_receipt(scope, receipt))
    ends = [one.gone_at for one in found.copies if one.gone_at is not None]
    j.agree("database", len(ends) >= len(entries) - len(by_hand), f"{len(ends)} of {len(found.copies)} are gone")
    j.agree("database", found.state is ComplaintState.CALLED, f"the request is {found.state}")
    slowest = (max(ends) - found.at).total_seconds()
    told = f"the last copy went after {slowest:.1f} s"
    if j.fast and slowest > GONE_WITHIN:
        j.window.slow.append(told)
    else:
        j.agree("database", slowest <= GONE_WITHIN, told)
    waiting = j.read(lambda scope: [one for one in tasks.due(scope, creators=[found.creator_id]) if one.removal])
    j.agree("database", bool(waiting), "no task waits for a person")
    j.window.says(j.word("complaint.by_hand"))
    _absent(j, entries, address)
    j.go("/tour")
    j.window.says(receipt)
    j.window.press(j.word("tour.undo_remove"))
    j.window.says(j.word("tour.undone_remove"))
    j.until("database", lambda: not _by_hand_left(j, found.creator_id, entries), "the task by hand still waits")


def _by_hand_left(j: Judge, creator_id: UUID, entries: list[Entry]) -> bool:
    mine = {one.delivery_id for one in entries}
    return any(one.about in mine for one in j.read(lambda scope: tasks.due(scope, creators=[creator_id])))


def _fives(j: Judge) -> list[str]:
    found = j.rows("SELECT origin_key FROM posts WHERE tenant_id = :tenant AND origin_key LIKE 'five:%'")
    return [row.origin_key for row in found]


def _asked(j: Judge, address: str) -> str:
    """Ask for it at the foot of the public page, as anybody would; the receipt.

    It is not counted against the people at this machine, who may ask a few times an hour.
    """
    j.window.go(address, drawn=False)
    title = say(Message("complaint.title"), "fr")  # her page speaks her language, what is asked there the visitor's
    j.window.page.locator("footer a", has_text=title).click()
    j.window.says(j.word("complaint.how"))
    j.window.read()
    j.window.press(j.word("complaint.send"))
    j.window.says(j.word("complaint.receipt"))
    receipt = urlsplit(j.window.page.url).path.rsplit("/", 1)[-1]
    _uncount(j, receipt)
    return receipt


def _uncount(j: Judge, receipt: str) -> None:
    """As the owner of the tables: no role may change where a request came from."""
    engine = create_engine(j.s.settings.database.owner_url.get_secret_value())
    try:
        with engine.begin() as connection:
            connection.execute(
                text("SELECT set_config('app.tenant', :tenant, true)"), {"tenant": str(LUMIERE.tenant_id)}
            )
            statement = "UPDATE complaints SET source = 'judge' WHERE tenant_id = :tenant AND receipt = :receipt"
            connection.execute(text(statement), {"tenant": LUMIERE.tenant_id, "receipt": receipt})
    finally:
        engine.dispose()


def _left(j: Judge, receipt: str) -> list[Copy]:
    """Copies that are not proven gone."""
    found = j.read(lambda scope: complaints.by_receipt(scope, receipt))
    return [one for one in found.copies if one.gone_at is None]


def _absent(j: Judge, entries: list[Entry], address: str) -> None:
    """Neither the public page nor the sandbox shows it any more."""
    status, _ = fetch(address)
    j.agree("text", status == 410, f"the public page answers {status}")
    ids = {one.native_id for one in entries}
    for account in j.channels("mia"):
        if account.base_url.endswith(f":{j.s.settings.sandbox.port}"):
            stand = [one for one in j.received(account.account) if one["id"] in ids and not one["deleted_at"]]
            j.agree("sandbox", not stand, f"{account.account} still shows it")
