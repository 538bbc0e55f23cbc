"""Steps of the tour about agencies: import of a statement, and creation of an agency."""

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from dashboard.shell.localization import MemberLocalizer
from demo.agency import teardown
from demo.agency.cast import LUMIERE
from demo.tour.browser import WAIT_SECONDS, WitnessDisagreement
from demo.tour.judge import JUDGE_ACTOR, TourJudge
from demo.tour.post_steps import fetch_url
from foundation.errors import NotFound
from foundation.ids import INSTALLATION_ID
from foundation.money import Money
from foundation.ops.wall_time import load_zone
from foundation.storage.object_store import open_library_store, open_page_store
from subscribers.ledger import entries
from tenants.agencies import queries
from tenants.scope import list_tenant_ids
from workers.wiring import Services

FILES = "statement"
JUDGE_EMAIL_DOMAIN = "@judge.example"
"""Domain of the owners of agencies that only a judge creates."""


def check_statement_import(j: TourJudge) -> None:
    """Import another platform's statement and check the displayed balance against the ledger."""
    mia = j.find_creator("mia")
    j.open_page("/shop?view=books")
    j.window.page.get_by_role("combobox").first.click()
    j.window.page.get_by_role("option", name=mia.name).first.click()
    j.window.wait_until_drawn()
    j.window.press_button(j.catalogue_text("shop.use_sample"))
    j.window.wait_for_text(j.catalogue_text("shop.rehearsal"))
    fresh = j.window.page.locator(
        "button:visible", has_text=j.catalogue_text_start("shop.import")
    ).first
    if fresh.is_enabled():
        fresh.click()
        j.wait_for_witness(
            "database", lambda: bool(_get_rail_balances(j, mia.id)), "nothing was booked"
        )
    j.window.wait_until_drawn()
    with j.window.page.expect_download() as got:
        j.window.page.get_by_role("button", name=j.catalogue_text("shop.csv")).first.click()
    lines = got.value.path().read_text("utf-8").splitlines()
    j.check_witness("text", len(lines) > 1, "the statement has no line")
    j.open_page("/shop?view=money")
    j.window.wait_for_text(j.catalogue_text("shop.tills"))
    voice = MemberLocalizer(j.language, load_zone(mia.zone))
    rails = _get_rail_balances(j, mia.id)
    j.check_witness("database", bool(rails), "no money of another platform is in the books")
    shown = j.window.page_text().replace("\u202f", " ").replace("\xa0", " ")
    for account, money in rails.items():
        said = voice.format_money(money).replace("\u202f", " ").replace("\xa0", " ")
        j.check_witness("text", said in shown, f"{account}: the screen does not say {said}")


def _get_rail_balances(j: TourJudge, creator_id: UUID) -> dict[str, Money]:
    """Return the ledger's balances of the rails that are known from statements only."""
    found = j.read_demo_agency(lambda scope: entries.rail_balances(scope, [creator_id]))
    return {
        account: Money(minor, currency)
        for (_, account, currency), minor in found.items()
        if account.startswith(f"rail:{FILES}")
    }


@dataclass(frozen=True)
class JudgeAgency:
    """An agency that the judge created, and the text of its first post."""

    own: UUID
    words: str


def create_judge_agency(j: TourJudge) -> JudgeAgency:
    """Create an agency in the wizard, with its page and a first post that is being published."""
    _create_agency(j)
    begun = JudgeAgency(_get_created_agency(j), f"Ma première publication, {j.mark}-{j.language}.")
    j.window.open(j.dashboard_url("/start"))
    j.wait_for_witness(
        "text",
        lambda: j.window.page.get_by_label(j.catalogue_text("start.first_words")).count() > 0,
        "no page opens",
    )
    j.window.fill_field(j.catalogue_text("start.first_words"), begun.words)
    j.window.press_button(j.catalogue_text("start.publish"))
    return begun


def check_first_post(j: TourJudge, begun: JudgeAgency) -> None:
    """Check that the first post is on the agency's page."""
    j.window.wait_for_text(j.catalogue_text("start.see"), 2 * WAIT_SECONDS)
    status, body = fetch_url(_get_post_url(j, begun.own, begun.words))
    j.check_witness(
        "database", status == 200 and begun.words.encode() in body, f"its page answers {status}"
    )


def remove_judge_agencies(services: Services) -> None:
    """Delete every agency that a judge created, known by its owner's address."""
    for own in _list_created_agencies(services, JUDGE_EMAIL_DOMAIN):
        teardown.delete_rows(services.settings, [own])
        teardown.delete_cross_agency_links(services.settings, [own])
        with suppress(NotFound):
            open_library_store(services.settings).delete_all(own)
            open_page_store(services.settings).delete_all(own)


def _list_created_agencies(services: Services, address: str) -> list[UUID]:
    """Return the agencies with a member whose address ends with `address`."""
    found = []
    for one in set(list_tenant_ids(services.tenant)) - {INSTALLATION_ID, LUMIERE.tenant_id}:
        with services.tenant(one, JUDGE_ACTOR) as scope:
            if any(member.email.endswith(address) for member in queries.list_members(scope)):
                found.append(one)
    return found


def _create_agency(j: TourJudge) -> None:
    j.open_page("/start")
    j.window.fill_field(j.catalogue_text("start.owner"), "Zoé")
    j.window.fill_field(j.catalogue_text("start.email"), _owner_email(j))
    j.window.fill_field(j.catalogue_text("start.creator"), f"Iris {j.mark}")
    j.window.press_button(j.catalogue_text("start.found"))
    j.window.wait_for_text(j.catalogue_text("start.founded"))
    j.window.page.get_by_text(j.catalogue_text("start.enter"), exact=True).first.click()
    j.window.page.wait_for_load_state()
    j.window.page.locator("button:visible").first.click()
    j.window.page.wait_for_url(j.dashboard_url("/"))
    j.window.wait_until_drawn()


def _owner_email(j: TourJudge) -> str:
    return f"zoe-{j.mark}-{j.language}{JUDGE_EMAIL_DOMAIN}"


def _get_created_agency(j: TourJudge) -> UUID:
    new = _list_created_agencies(j.services, _owner_email(j))
    if len(new) != 1:
        raise WitnessDisagreement("database", f"{len(new)} agencies were founded")
    return new[0]


def _get_post_url(j: TourJudge, own: UUID, words: str) -> str:
    with j.services.tenant(own, JUDGE_ACTOR) as scope:
        j.check_witness("database", not queries.get_agency(scope).demo, "it is a demonstration")
        rows = scope.run(
            "SELECT d.url FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = "
            "d.post_id"
            " WHERE d.tenant_id = :tenant AND p.body = :words AND d.state = 'published'",
            tenant=own,
            words=words,
        ).all()
    j.check_witness("database", len(rows) == 1, f"it stands {len(rows)} times")
    return str(rows[0].url)
