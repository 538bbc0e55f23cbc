"""Acquisition links, from the form to the results: a visitor follows the short URL, begins a chat
with the bot, buys and is refunded."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from foundation.i18n.translation import Message
from subscribers.checkout import order_payments
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.page_checks import page_faults
from tests.conftest import wait_until
from tests.journeys.telegram.test_bot import bought

ROWS = ".gr-rows tbody tr"
PERSON = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.0 Mobile/15E148 Safari/604.1"
)


def _line(visitor: Visitor) -> Mapping[str, str]:
    """Return the only row of the table by the headings."""
    cells: list[list[str]] = visitor.run(
        f"['.gr-rows thead th', '{ROWS} td'].map(one =>"
        " [...document.querySelectorAll(one)].map(cell => cell.innerText.trim()))"
    )
    return dict(zip((re.sub(r"\W*[↓↑]", "", one) for one in cells[0]), cells[1], strict=True))


def _begin_chat(lea: RunningAgency, short_url: str) -> None:
    """Follow the link twice as a person and once as a link preview, then press Start in the bot."""
    path = urlsplit(short_url).path
    base = lea.installation.services.settings.web.public_url
    for agent in (PERSON, PERSON, "TelegramBot (like TwitterBot)"):
        sent = {"user-agent": agent}
        answer = httpx.get(base + path, headers=sent, follow_redirects=False)
        assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert (target.hostname, target.path) == ("t.me", f"/{lea.bots.bot.username}")
    parameter = parse_qs(target.query)["start"][0]
    lea.bots.world.say(lea.bots.bot, "leo", f"/start {parameter}")
    lea.bots.waits(lambda seen: len(seen) >= 1)


def test_link_is_created_followed_credited_and_refunded(lea: RunningAgency) -> None:
    lea.bots.connected()
    with lea.visitor("/insights?view=links&period=days_7") as marc:
        marc.shows("Aucun lien.")
        marc.type("Nom", "Bio Instagram")
        marc.press("Ajouter le lien")
        marc.shows("« Bio Instagram » a été créé")
        short_url = marc.page.locator("[data-testid=stCode]").first.inner_text().strip()
        assert re.search(r"/l/[a-z]{13}$", short_url)
        marc.page.locator("img[alt='Code QR du lien Bio Instagram']").wait_for()
        with marc.page.expect_download() as told:
            marc.press("Code QR")
        assert Path(told.value.path()).read_bytes().startswith(b"\x89PNG")

    _begin_chat(lea, short_url)
    bought(lea.bots)
    with lea.visitor("/insights?view=links&period=days_7") as marc:
        marc.shows("250 Étoiles")
        line = _line(marc)
        assert line["Lien"].startswith("Bio Instagram")
        assert line["Clics"].split("\n")[0] == "2"
        assert "1 visiteurs" in line["Clics"]
        assert line["Conversations"] == "1"
        assert line["Net après frais"] == "250 Étoiles"
        assert line["Net après frais à 30 jours"] == "250 Étoiles*"
        assert page_faults(marc, '[data-testid="stMain"] .gr') == []
        with marc.page.expect_download() as told:
            marc.press("CSV")
        text = Path(told.value.path()).read_text("utf-8")
        assert "Bio Instagram" in text
        assert "all_sales" in text

    with lea.desk.scope() as scope:
        (payment,) = lea.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
        order_payments.request_order_refund(scope, payment.id, reason=Message("refund.done"))
    wait_until(
        lambda: lea.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")[0].state == "done"
    )
    with lea.visitor("/insights?view=links&period=days_7&model=linear", width=390) as phone:
        phone.shows("0 Étoile")
        assert _line(phone)["Net après frais"].startswith("0 ")
        assert phone.overflow <= 0
