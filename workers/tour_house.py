"""Steps of the tour about the house itself: its books, and an agency of one's own."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from dashboard.wording import Voice
from foundation.errors import NotFound
from foundation.ids import HOUSE
from foundation.money import Money
from foundation.storage import library, page_copies
from schedules.calendar import zone_of
from subscribers import ledger
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers import demo_removal
from workers.demo_cast import LUMIERE
from workers.tour_browser import SECONDS, Disagreement
from workers.tour_judge import JUDGING, Judge
from workers.tour_posts import fetch
from workers.wiring import Services

FILES = "statement"
JUDGES = "@judge.example"
"""Where owners of agencies live that only a judge founds."""


def count(j: Judge) -> None:
    """The statement of another platform brought in: what the screen says lies there is the sum of the rail."""
    mia = j.creator("mia")
    j.go("/shop?view=books")
    j.window.page.get_by_role("combobox").first.click()
    j.window.page.get_by_role("option", name=mia.name).first.click()
    j.window.rest()
    j.window.press(j.word("shop.use_sample"))
    j.window.says(j.word("shop.rehearsal"))
    fresh = j.window.page.locator("button:visible", has_text=j.begins("shop.import")).first
    if fresh.is_enabled():
        fresh.click()
        j.until("database", lambda: bool(_rail(j, mia.id)), "nothing was booked")
    j.window.rest()
    with j.window.page.expect_download() as got:
        j.window.page.get_by_role("button", name=j.word("shop.csv")).first.click()
    lines = got.value.path().read_text("utf-8").splitlines()
    j.agree("text", len(lines) > 1, "the statement has no line")
    j.go("/shop?view=money")
    j.window.says(j.word("shop.tills"))
    voice = Voice(j.language, zone_of(mia.zone))
    rails = _rail(j, mia.id)
    j.agree("database", bool(rails), "no money of another platform is in the books")
    shown = j.window.text().replace("\u202f", " ").replace("\xa0", " ")
    for account, money in rails.items():
        said = voice.money(money).replace("\u202f", " ").replace("\xa0", " ")
        j.agree("text", said in shown, f"{account}: the screen does not say {said}")


def _rail(j: Judge, creator_id: UUID) -> dict[str, Money]:
    """What the ledger says lies on rails that only statements tell of."""
    found = j.read(lambda scope: ledger.on_rails(scope, [creator_id]))
    return {
        account: Money(minor, currency)
        for (_, account, currency), minor in found.items()
        if account.startswith(f"rail:{FILES}")
    }


@dataclass(frozen=True)
class Begun:
    """An agency of the judge's own, and what its first post says."""

    own: UUID
    words: str


def begin(j: Judge) -> Begun:
    """Start mine: seven questions, an agency, its page, its first post on the way."""
    _found(j)
    begun = Begun(_new(j), f"Ma première publication, {j.mark}-{j.language}.")
    j.window.go(j.address("/start"))
    j.window.says(j.word("start.step_page"))
    j.until("text", lambda: j.window.page.get_by_label(j.word("start.first_words")).count() > 0, "no page opens")
    j.window.fill(j.word("start.first_words"), begun.words)
    j.window.press(j.word("start.publish"))
    return begun


def first_post(j: Judge, begun: Begun) -> None:
    """It stands on the page of that agency."""
    j.window.says(j.word("start.see"), 2 * SECONDS)
    status, body = fetch(_posted(j, begun.own, begun.words))
    j.agree("database", status == 200 and begun.words.encode() in body, f"its page answers {status}")


def forget(services: Services) -> None:
    """Every agency a judge ever founded, known by its owner's address, is taken away: nothing of it is left."""
    for own in _founded(services, JUDGES):
        demo_removal.rows(services.settings, [own])
        demo_removal.ties(services.settings, [own])
        with suppress(NotFound):
            library(services.settings).clear(own)
            page_copies(services.settings).clear(own)


def _founded(services: Services, address: str) -> list[UUID]:
    """The agencies somebody is a member of whose address ends so."""
    found = []
    for one in set(all_tenants(services.tenant)) - {HOUSE, LUMIERE.tenant_id}:
        with services.tenant(one, JUDGING) as scope:
            if any(member.email.endswith(address) for member in tenant_reads.members(scope)):
                found.append(one)
    return found


def _found(j: Judge) -> None:
    j.go("/start")
    j.window.fill(j.word("start.owner"), "Zoé")
    j.window.fill(j.word("start.email"), _address(j))
    j.window.fill(j.word("start.creator"), f"Iris {j.mark}")
    j.window.press(j.word("start.found"))
    j.window.says(j.word("start.founded"))
    j.window.page.get_by_text(j.word("start.enter"), exact=True).first.click()
    j.window.page.wait_for_load_state()
    j.window.page.locator("button:visible").first.click()
    j.window.page.wait_for_url(j.address("/"))
    j.window.rest()


def _address(j: Judge) -> str:
    return f"zoe-{j.mark}-{j.language}{JUDGES}"


def _new(j: Judge) -> UUID:
    new = _founded(j.s, _address(j))
    if len(new) != 1:
        raise Disagreement("database", f"{len(new)} agencies were founded")
    return new[0]


def _posted(j: Judge, own: UUID, words: str) -> str:
    with j.s.tenant(own, JUDGING) as scope:
        j.agree("database", not tenant_reads.agency(scope).demo, "it is a demonstration")
        rows = scope.run(
            "SELECT d.url FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id"
            " WHERE d.tenant_id = :tenant AND p.body = :words AND d.state = 'published'",
            tenant=own,
            words=words,
        ).all()
    j.agree("database", len(rows) == 1, f"it stands {len(rows)} times")
    return str(rows[0].url)
