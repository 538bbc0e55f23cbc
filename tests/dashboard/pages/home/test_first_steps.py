"""The list of first steps: one list for Home and the Start page, each step completed by its act."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.pages.home.first_steps import list_demo_steps, load_first_steps
from dashboard.pages.settings.page import SECTIONS
from dashboard.shell.navigation import PAGES
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from gate.consent import grants
from gate.contract.units import Rating
from gate.people import persons
from subscribers.replies import persona
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role, has_right
from tenants.notices import mail_servers
from tenants.notices.mail_servers import MailServerForm
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

ALL = (
    "creator", "mail", "approval", "account", "consent", "picture",
    "post", "online", "persona", "pack", "sale",
)  # fmt: skip


def progress_of(agency: Agency, *, installation_mail: bool = False) -> dict[str, bool]:
    """Return the completion of each step, in the order of the list."""
    with agency.scope() as scope:
        mine = tenant_reads.list_creators(scope)
        steps = load_first_steps(scope, mine, installation_mail=installation_mail)
        return {step.name: step.done for step in steps}


def set_up_mail(agency: Agency) -> None:
    with agency.scope(agency.act_as(Role.OWNER)) as scope:
        form = MailServerForm("mail.example.test", 587, "starttls", "", "a@example.test", None)
        mail_servers.set_mail_server(scope, form)


def choose_no_approval(agency: Agency) -> None:
    with agency.scope() as scope:
        agencies.set_approval_policy(scope, agency.creator_id, tiers=0, times=False)


def record_consent(agency: Agency) -> None:
    with agency.scope() as scope:
        person = persons.add_person(
            scope, kind="real", display_ref="Mia", creator_id=agency.creator_id
        )
        grants.grant_consent(
            scope,
            person,
            what="publish",
            surfaces=["sandbox"],
            max_rating=Rating.G,
            valid_from=scope.now - timedelta(hours=1),
            valid_until=scope.now + timedelta(days=30),
            evidence_digest="0" * 64,
            signed_by=person,
        )


def describe_persona(agency: Agency, voice: str = "Warm and brief.") -> None:
    with agency.scope() as scope:
        version = persona.PersonaVersion("Mia", False, "Mia", voice, ("fr",))
        written = persona.create_persona_version(scope, agency.creator_id, version)
        persona.activate_persona(scope, written)


ACTS: dict[str, Callable[[Agency], None]] = {
    "mail": set_up_mail,
    "approval": choose_no_approval,
    "consent": record_consent,
    "persona": describe_persona,
}


def create_solo_agency(tenant: OpenScope) -> Agency:
    """Return an agency of one owner, whose creator needs the approval of another member."""
    agency = create_agency(tenant)
    with agency.scope() as scope:
        scope.run(
            "UPDATE members SET active = false WHERE tenant_id = :t AND role <> 'owner'",
            t=agency.tenant_id,
        )
    return agency


@pytest.mark.parametrize(
    "chosen", [acts for size in range(len(ACTS) + 1) for acts in combinations(ACTS, size)]
)
def test_each_step_is_completed_by_its_own_act(tenant: OpenScope, chosen: tuple[str, ...]) -> None:
    agency = create_solo_agency(tenant)
    for name in chosen:
        ACTS[name](agency)
    assert progress_of(agency) == {name: name in {"creator", *chosen} for name in ALL}


def test_step_is_open_again_when_its_reason_ends(tenant: OpenScope) -> None:
    agency = create_solo_agency(tenant)
    record_consent(agency)
    set_up_mail(agency)
    with agency.scope() as scope:
        (person,) = scope.run(
            "SELECT id FROM persons WHERE tenant_id = :t", t=agency.tenant_id
        ).scalars()
        grants.revoke_consent(scope, person)
        scope.run(
            "UPDATE mail_servers SET test_state = 'failed' WHERE tenant_id = :t",
            t=agency.tenant_id,
        )
    assert not {"consent", "mail"} & {name for name, done in progress_of(agency).items() if done}


@pytest.mark.parametrize(("voice", "described"), [("", False), (" \n", False), ("Brief.", True)])
def test_empty_persona_is_no_description(tenant: OpenScope, voice: str, described: bool) -> None:
    agency = create_solo_agency(tenant)
    describe_persona(agency, voice)
    assert progress_of(agency)["persona"] is described


@pytest.mark.parametrize("tiers", agencies.TIERS)
@pytest.mark.parametrize("approvers", [1, 2, 3, 4])
def test_approval_step_asks_for_enough_approvers(
    tenant: OpenScope, tiers: int, approvers: int
) -> None:
    agency = create_solo_agency(tenant)
    with agency.scope() as scope:
        agencies.set_approval_policy(scope, agency.creator_id, tiers=tiers, times=False)
        for number in range(approvers - 1):
            agencies.add_member(
                scope,
                name=f"M {number}",
                email=f"m{number}@example.test",
                role=Role.MANAGER,
                language="en",
                zone=ZONE,
            )
    assert progress_of(agency)["approval"] is (tiers == 0 or approvers > tiers)


def test_consent_is_a_step_unless_all_creators_are_virtual(tenant: OpenScope) -> None:
    agency = create_solo_agency(tenant)
    with agency.scope() as scope:
        scope.run("UPDATE creators SET kind = 'virtual' WHERE tenant_id = :t", t=agency.tenant_id)
    assert list(progress_of(agency)) == [name for name in ALL if name != "consent"]
    assert progress_of(agency, installation_mail=True)["mail"]
    with agency.scope() as scope:
        names = [step.name for step in load_first_steps(scope, [])]
    assert names == list(ALL)


def test_every_step_opens_a_page_for_those_who_see_it(lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        steps = load_first_steps(scope, tenant_reads.list_creators(scope))
    pages = {page.name: page for page in PAGES}
    sections = {section.name: section for section in SECTIONS}
    for step in (*steps, *list_demo_steps(has_agency=False)):
        address = urlsplit(step.href)
        for role in Role:
            if has_right(role, step.right):
                page = pages[address.path.strip("/")]
                assert any(has_right(role, right) for right in page.rights), (step, role)
                for name in parse_qs(address.query).get("section", []):
                    assert has_right(role, sections[name].right), (step, role)


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_and_start_show_the_same_list(door: Door, tenant: OpenScope, language: str) -> None:
    agency = create_agency(tenant, language=language)
    describe_persona(agency)
    with stream(door.url, door.cookie(agency)) as page:
        lists = [_listed(page.open(path)) for path in ("/", "/start")]
    assert lists[0] == lists[1]
    assert len(lists[0]) == len(ALL)
    for name, text in zip(ALL, lists[0], strict=True):
        assert render_message(Message(f"home.step.{name}"), language) in text


def _listed(page: str) -> list[str]:
    found = re.search(r'<ol class="gr-steps">(.*?)</ol>', page, re.DOTALL)
    assert found, page
    rows = re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", "", row)).split()) for row in rows]


def test_first_steps_end_with_a_public_post_and_a_real_sale(lumiere: Agency) -> None:
    delivery = lumiere.post("première", state="published")
    with lumiere.scope() as scope:
        mine = tenant_reads.list_creators(scope)
        done = {one.name: one.done for one in load_first_steps(scope, mine)}
        assert (done["post"], done["online"], done["sale"]) == (True, False, False)
        scope.run(
            "UPDATE channels SET platform = 'telegram' WHERE id ="
            " (SELECT channel_id FROM deliveries WHERE id = :id)",
            id=delivery,
        )
        for currency in ("XTS", "EUR"):
            scope.run(
                "INSERT INTO payments (tenant_id, id, creator_id, rail, account, channel_id,"
                " charge_id, payer, amount_minor, currency, product, kind, at, created_at,"
                " updated_at) SELECT tenant_id, :id, creator_id, 'stars', 'a', channel_id, :charge,"
                " 'p', 100, :currency, 'pack', 'matched', created_at, created_at, created_at"
                " FROM deliveries WHERE id = :delivery",
                id=uuid7(),
                charge=currency,
                currency=currency,
                delivery=delivery,
            )
            done = {one.name: one.done for one in load_first_steps(scope, mine)}
            assert (done["online"], done["sale"]) == (True, currency == "EUR")
        assert not any(one.done for one in load_first_steps(scope, []))


def test_demo_steps_lead_to_an_own_agency() -> None:
    fresh, own = (list_demo_steps(has_agency=has_agency) for has_agency in (False, True))
    assert [(step.name, step.done) for step in fresh] == [("tour", False), ("agency", False)]
    assert all(step.done for step in own)
