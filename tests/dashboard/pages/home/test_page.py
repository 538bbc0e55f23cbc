"""Home for members of every role, in both languages, full and empty, and locked with the next
refresh."""

import re
from uuid import UUID

import pytest

from dashboard.pages.home.queries import load_home, summarize_sales
from dashboard.shell.localization import MemberLocalizer
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import load_zone, local_day
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DaySales, DayWork
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from studio.recipes import specs
from studio.runs import runner
from tenants import audit
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.notices import notices
from tenants.notices.queries import list_open_notices
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

MONEY = {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT}
POSTS = {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.CHATTER}
SOLD = re.compile(r"987[.,]65")
"""98,765 cents as displayed; fewer digits also occur in IDs."""


def shown(door: Door, who: Agency, role: Role = Role.OWNER) -> str:
    """Return the text of Home for this member."""
    with stream(door.url, door.cookie(who, role)) as page:
        return page.open()


def test_full_day_is_shown(door: Door, lumiere: Agency) -> None:
    lumiere.post(
        "Le matin au bord de l'eau", state="published", url="https://example.test/p/1", minutes=-3
    )
    lumiere.post("Le soir", minutes=6)
    lumiere.notice("gate.CONSENT_MISSING")
    lumiere.sold(0, 1250, orders=3)
    lumiere.sold(3, 2800)
    text = shown(door, lumiere)
    for said in (
        "Lumière",
        "Owner · Propriétaire",
        "1 tâche requiert votre attention",
        "n’a pas donné son consentement",
        "Le matin au bord de l&#39;eau",
        "Le soir",
        "12,50\xa0€",
        "moyenne 1,00\xa0€",
    ):
        assert said in text, said
    assert re.search(r"<dd>1 / 2</dd>", text)
    assert re.search(r"\) : <b>dans [56] minutes</b>", text), text
    assert 'href="https://example.test/p/1"' in text


def test_empty_agency_gets_first_steps_until_it_hides_them(door: Door, lumiere: Agency) -> None:
    text = shown(door, lumiere)
    assert "Aucune tâche en attente." in text
    assert "Réaliser votre première vente" in text
    assert text.count("— fait") == 2
    assert 'href="/channels"' in text
    assert 'href="/calendar?new=1&amp;creator=mia"' in text
    assert "undefined" not in text.lower()
    delivery = lumiere.post("première")
    with lumiere.scope() as scope:
        scope.run("UPDATE deliveries SET state = 'published' WHERE id = :id", id=delivery)
    assert shown(door, lumiere).count("— fait") == 4, "the test network is not public"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
        page.press("Masquer cette liste")
        assert "première vente" not in page.again()
    assert "première vente" in shown(door, lumiere, Role.MANAGER)


def test_long_day_shows_problems_and_the_next_posts_and_counts_the_others(
    door: Door, lumiere: Agency
) -> None:
    for number in range(7):
        lumiere.post(f"à venir {number}", minutes=10 + number)
    lumiere.post("arrêtée", state="held", minutes=60)
    text = shown(door, lumiere)
    assert [one for one in range(7) if f"à venir {one}" in text] == [0, 1, 2]
    assert "arrêtée" in text
    assert "Autres publications aujourd’hui (4)" in text


def test_items_after_the_first_ones_are_in_an_expander(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        for number in range(9):
            notices.put(scope, Message("chat.stuck"), cause=f"chat:{number}")
    text = shown(door, lumiere)
    assert "9 tâches requièrent" in text
    assert "Non affichés : 1." in text


def test_home_needs_at_most_ten_queries(tenant: OpenScope, lumiere: Agency) -> None:
    """The number does not depend on the number of creators."""
    from sqlalchemy import event

    with lumiere.scope() as scope:
        for name in ("nova", "sacha", "leo"):
            agencies.add_creator(
                scope, slug=name, name=name, kind="virtual", zone=ZONE, languages=["fr"]
            )
    lumiere.post("une", state="published", minutes=-2)
    lumiere.notice("gate.CONSENT_MISSING")
    lumiere.sold(0, 500)
    with lumiere.scope() as scope:
        member, asked = tenant_reads.get_member(scope, lumiere.members[Role.OWNER]), list[str]()
        connection = scope.session.info["connection"]
        event.listen(
            connection, "before_cursor_execute", lambda _c, _u, text, *_: asked.append(text)
        )
        page = load_home(scope, member)
    assert len(page.days) == 4
    assert len(asked) <= 10, "\n".join(asked)


def stopped(who: Agency, state: DeliveryState, reason: str) -> UUID:
    """Create a post whose publication ended in this state."""
    delivery_id = who.post("arrêtée", minutes=-2, state="publishing")
    with who.scope() as scope:
        transition_delivery(scope, get_delivery(scope, delivery_id), state, reason=Message(reason))
    return delivery_id


def test_held_post_is_retried_from_home(door: Door, lumiere: Agency) -> None:
    delivery_id = stopped(lumiere, DeliveryState.HELD, "gate.CONSENT_MISSING")
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open()
        assert "n’a pas donné son consentement" in text
        assert "« arrêtée »" in text
        again = page.press("Réessayer maintenant")
        assert "Nouvel essai" in again
        assert "Tout est à jour" in again
    with lumiere.scope() as scope:
        assert get_delivery(scope, delivery_id).state == DeliveryState.SCHEDULED


def test_notice_is_dismissed_with_a_reason(door: Door, lumiere: Agency) -> None:
    lumiere.notice("chat.stuck")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
        assert "Ignoré" in page.press("Aucune action requise")
    with lumiere.scope() as scope:
        assert list_open_notices(scope) == []
        (act,) = [one for one in audit.list_recent_acts(scope) if one.act == "notice.dismissed"]
    assert (act.actor, act.details) == (lumiere.act_as(Role.OWNER), {"why": "not_ours"})


def test_notice_of_a_held_post_is_not_dismissed(door: Door, lumiere: Agency) -> None:
    held = stopped(lumiere, DeliveryState.HELD, "gate.CONSENT_MISSING")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
        assert "Aucune action requise" not in page.labels()
        with lumiere.scope() as scope:
            notices.put(
                scope,
                Message("delivery.fewer_files", {"account": "@mia"}),
                cause=f"delivery:{held}:files",
            )
        assert "sans toutes ses images" in page.again()
        assert "Ignoré" in page.press("Aucune action requise")


def test_chatter_sees_notices_without_actions(door: Door, lumiere: Agency) -> None:
    stopped(lumiere, DeliveryState.HELD, "gate.CONSENT_MISSING")
    lumiere.notice("chat.stuck")
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        page.open()
        assert page.labels() == ["Search", "Help", "Stop: Mia"]


def test_links_lead_only_to_permitted_pages(door: Door, lumiere: Agency) -> None:
    stopped(lumiere, DeliveryState.HELD, "gate.CONSENT_MISSING")
    with lumiere.scope() as scope:
        notices.put(
            scope,
            Message("gate.RATING_MISSING"),
            cause=f"statement:{uuid7()}",
            urgent=False,
            creator_id=lumiere.creator_id,
        )
    for role, waits, leads in (
        (Role.OWNER, "2 tâches requièrent", True),
        (Role.CHATTER, "No pending tasks", False),
    ):
        text = shown(door, lumiere, role)
        assert waits in text
        assert ('href="/shop?view=books"' in text, 'href="/calendar?post=' in text) == (
            leads,
            leads,
        )


def test_publication_is_followed_live(door: Door, lumiere: Agency) -> None:
    """Scheduled, uncertain and then found, while the page is open."""
    delivery_id = lumiere.post("en direct", minutes=0.01)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Programmé" in page.open()
        with lumiere.scope() as scope:
            row = get_delivery(scope, delivery_id)
            transition_delivery(scope, row, DeliveryState.PUBLISHING)
            transition_delivery(
                scope, row, DeliveryState.UNCERTAIN, reason=Message("attempt.no_answer")
            )
        assert "À confirmer : peut-être en ligne. Vérification…" in page.tick()
        with lumiere.scope() as scope:
            transition_delivery(
                scope, get_delivery(scope, delivery_id), DeliveryState.PUBLISHED, native_id="n1"
            )
        found = page.tick()
    assert "Retrouvé sur la plateforme : publié une seule fois" in found
    assert "Tout est à jour" in found


def test_pending_approvals_are_counted_for_approvers(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("à voir")
    with lumiere.scope() as scope:
        scope.run("UPDATE deliveries SET state = 'draft' WHERE id = :id", id=delivery_id)
    assert "1 publication en attente de validation" in shown(door, lumiere)
    assert "pending approval" not in shown(door, lumiere, Role.CHATTER)


def test_sales_show_the_revenue_split(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE)
        parts = (Money(minor, "EUR") for minor in (500, 0, 300, 180, 20))
        import_past_days(
            scope, [PastDay(lumiere.creator_id, day, DayWork(), (DaySales(1, *parts),))]
        )
    text = shown(door, lumiere)
    assert "créateur 3,00\xa0€ · agence 1,80\xa0€ · équipe 0,20\xa0€" in text


def test_run_of_a_recipe_shows_its_progress(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        recipe = specs.save_recipe(
            scope,
            lumiere.creator_id,
            specs.parse_recipe({"name": "plage", "prompt": "x", "variants": 8}),
        )
        job = runner.start_run(
            scope,
            creator_id=lumiere.creator_id,
            recipe_id=recipe,
            seed=1,
            key=f"k:{lumiere.tenant_id}",
        )
        scope.run("UPDATE jobs SET state = 'running', done = 3 WHERE id = :id", id=job)
    text = shown(door, lumiere)
    assert "« plage » : 3 images générées sur 8" in text
    assert 'aria-valuenow="3"' in text


@pytest.mark.parametrize("role", Role)
def test_role_sees_only_permitted_data(door: Door, lumiere: Agency, role: Role) -> None:
    lumiere.post("canary-post")
    lumiere.notice("gate.CONSENT_MISSING")
    lumiere.sold(0, 98765)
    text = shown(door, lumiere, role)
    assert ("canary-post" in text) == (role in POSTS)
    assert bool(SOLD.search(text)) == (role in MONEY)
    if role is Role.GUEST:
        assert "Mia" not in text
        assert "Les publications à relire" in text


def test_chatter_home_is_in_english(door: Door, lumiere: Agency) -> None:
    lumiere.post("Salut")
    text = shown(door, lumiere, Role.CHATTER)
    for said in ("No pending tasks.", "Needs attention", "Scheduled", "Chatter", "Sign out"):
        assert said in text
    assert "publication" not in text


def test_member_of_one_creator_sees_only_that_creator(door: Door, tenant: OpenScope) -> None:
    lumiere = create_agency(tenant)
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
    lumiere.post("canary-of-mia")
    lumiere.notice("gate.CONSENT_MISSING")
    with lumiere.scope() as scope:
        scope.run(
            """UPDATE members SET creators = '["nova"]' WHERE id = :m""",
            m=lumiere.members[Role.OWNER],
        )
    text = shown(door, lumiere)
    assert "Nova" in text
    assert "canary-of-mia" not in text
    assert "Mia" not in text
    assert "n’a pas donné" not in text


def test_notice_of_the_agency_is_shown_to_every_member(door: Door, lumiere: Agency) -> None:
    lumiere.notice("gate.CONSENT_MISSING", mine=False, urgent=True)
    text = shown(door, lumiere)
    assert "Urgent" in text
    assert "gr-urgent" in text


def test_held_post_shows_its_reason(door: Door, lumiere: Agency) -> None:
    delivery = lumiere.post("arrêtée", state="held")
    with lumiere.scope() as scope:
        scope.run(
            """UPDATE deliveries SET reason = '{"code": "gate.CONSENT_MISSING", "params": {}}'
                WHERE id = :id""",
            id=delivery,
        )
    text = shown(door, lumiere)
    assert "En attente" in text
    assert "n’a pas donné son consentement" in text


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_markup_is_shown_as_text(door: Door, tenant: OpenScope) -> None:
    lumiere = create_agency(tenant, mark=HOSTILE)
    lumiere.post(HOSTILE, state="published", url="javascript:alert(1)")
    text = shown(door, lumiere)
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("how", ["revoked", "left", "expired", "removed"])
def test_open_page_is_locked_by_its_next_refresh(door: Door, lumiere: Agency, how: str) -> None:
    """The stream sends its cookie only once, so that each refresh checks the session in the
    database."""
    lumiere.post("canary-post")
    owner, cookie = lumiere.members[Role.OWNER], door.cookie(lumiere)
    with stream(door.url, cookie) as page:
        assert "canary-post" in page.open()
        assert "canary-post" in page.tick()
        with lumiere.scope() as scope:
            if how == "revoked":
                sessions.revoke_sessions(scope, owner)
            elif how == "expired":
                scope.run(
                    "UPDATE login_sessions SET expires_at = people_now() WHERE member_id = :m",
                    m=owner,
                )
            elif how == "removed":
                scope.run("UPDATE members SET active = false WHERE id = :m", m=owner)
        if how == "left":
            sessions.close_session(door.tenant, cookie.split("=")[1])
        locked = page.tick()
    assert "canary-post" not in locked
    assert "owner of your agency" in locked


def test_page_refreshes_within_five_seconds(door: Door, lumiere: Agency) -> None:
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
    told = [ForwardMsg.FromString(frame) for frame in page.frames]
    assert {one.auto_rerun.interval for one in told if one.WhichOneof("type") == "auto_rerun"} == {
        5.0,  # of the session
        3.0,  # of the page
        30.0,  # of the bell
    }


def test_changed_role_applies_with_the_next_refresh(door: Door, lumiere: Agency) -> None:
    lumiere.sold(0, 98765)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert SOLD.search(page.open())
        with lumiere.scope() as scope:
            scope.run(
                "UPDATE members SET role = 'chatter' WHERE id = :m", m=lumiere.members[Role.OWNER]
            )
        assert not SOLD.search(page.tick())


def test_failing_page_shows_a_reference_and_no_traceback(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET zone = 'Europe/Atlantis' WHERE id = :m",
            m=lumiere.members[Role.OWNER],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        text = page.open()
    assert "donnez cette référence" in text
    assert "Traceback" not in text
    assert "Atlantis" not in text
    incident = re.search(r"gère le serveur : (\w{8})", text)
    assert incident is not None
    assert incident[1] in door.log.read_text()


def test_average_sales_include_days_without_sales() -> None:
    from datetime import date, timedelta

    today, none = date(2026, 3, 1), Money(0, "EUR")
    found = {
        today - timedelta(days=back): [DaySales(2, Money(minor, "EUR"), none, none, none, none)]
        for back, minor in ((0, 500), (1, 2800), (20, 2800), (40, 99999))
    }
    one = summarize_sales(found, "EUR", today)
    assert (one.today, one.orders, one.usual) == (Money(500, "EUR"), 2, Money(200, "EUR"))
    assert (len(one.days), one.days[-2:], one.best_day, one.total_net) == (
        14,
        (2800, 500),
        Money(2800, "EUR"),
        Money(3300, "EUR"),
    )
    first = summarize_sales({today: found[today]}, "EUR", today)
    assert first.usual is None
    other = summarize_sales(found, "XTS", today)
    assert (other.today, other.orders, other.usual) == (Money(0, "XTS"), 0, None)


def test_remaining_time_is_written_naturally() -> None:
    from datetime import UTC, datetime, timedelta

    now, voice = datetime(2026, 3, 1, 9, tzinfo=UTC), MemberLocalizer("fr", load_zone(ZONE))
    for seconds, said in (
        (0, "dans 0 seconde"),
        (-5, "dans 0 seconde"),
        (25.4, "dans 25 secondes"),
        (119, "dans 119 secondes"),
        (121, "dans 2 minutes"),
        (7300, "dans 2 heures"),
    ):
        assert voice.format_time_left(now + timedelta(seconds=seconds), now) == said
    assert voice.format_moment(now, now) == "10:00"
    assert voice.format_moment(now + timedelta(days=1), now) == "2 mars 10:00"
    assert voice.format_moment(now + timedelta(days=366), now) == "2 mars 2027 10:00"
    assert voice.format_when(now, now) == "à 10:00"
    assert voice.format_when(now + timedelta(days=1), now) == "le 2 mars à 10:00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_count_has_a_separate_sentence(language: str) -> None:
    voice = MemberLocalizer(language, load_zone("UTC"))
    assert len({voice.pending_text(number) for number in (0, 1, 2)}) == 3
    assert "2" in voice.pending_text(2)


def test_home_reads_only_its_tenant(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_agency(tenant, mark="canary-other")
    other.post("canary-post")
    other.notice("gate.CONSENT_MISSING")
    other.sold(0, 500)
    with lumiere.scope() as scope:
        member = tenant_reads.get_member(scope, lumiere.members[Role.OWNER])
        page = load_home(scope, member)
    assert "canary" not in repr(page)
    assert page.needs == []


def test_removed_posts_do_not_count_as_planned(lumiere: Agency) -> None:
    """One post is live, one is scheduled, and the others were cancelled or removed."""
    for state in ("published", "scheduled", "cancelled", "removing", "removed"):
        lumiere.post(state, state=state, minutes=-0.01)
    with lumiere.scope() as scope:
        page = load_home(scope, tenant_reads.get_member(scope, lumiere.members[Role.OWNER]))
    assert (page.published_count, page.planned_count) == (1, 2)
