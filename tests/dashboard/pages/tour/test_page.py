"""The tour: only in a demo, for owner and manager, in both languages; each click is one event, and
each step can be undone."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle
from dashboard.pages.tour.events import (
    BURST_SIZE,
    CHEAT_WAYS,
    COUNTED_EVENT,
    KILLED_EVENT,
    TourStepRequested,
    burst_audit_subject,
)
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from schedules.approvals import decisions
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from tenants import audit
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Right, Role, has_right
from tenants.auth import members
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

PATH = "/tour"


@pytest.fixture
def demo(tenant: OpenScope) -> Agency:
    """Return a demo agency with Mia and Nova."""
    made = create_agency(tenant, demo=True)
    with made.scope() as scope:
        from tenants.agencies import agencies

        agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
        for slug, platform, surface in (
            ("mia", "own_page", "own_page.public"),
            ("nova", "sandbox", "sandbox.post"),
        ):
            lifecycle.connect_account(
                scope,
                creator_id=tenant_reads.get_creator(scope, slug).id,
                platform=platform,
                surface=surface,
                chat_surface="sandbox.chat" if slug == "nova" else "",
                account=slug if platform == "own_page" else f"{slug}-{made.tenant_id}",
                name=f"{slug} {platform}",
                base_url="http://127.0.0.1:9",
                token=None,
                zone=ZONE,
            )
    return made


def pressed(who: Agency) -> list[tuple[str, str, str]]:
    """Return the requested tour steps."""
    with who.scope() as scope:
        rows = (
            scope.run(
                "SELECT args FROM outbox WHERE kind = :kind ORDER BY id",
                kind=TourStepRequested.kind,
            )
            .scalars()
            .all()
        )
    return [(row["act"], row["how"], row["by"]) for row in rows]


def left(who: Agency, slug: str, key: str, body: str, *, state: DeliveryState) -> UUID:
    """Create a post of the tour as the workers do, and return its delivery."""
    owner = who.members[Role.OWNER]
    with who.scope() as scope:
        creator = tenant_reads.get_creator(scope, slug).id
        channel = scope.run(
            "SELECT id FROM channels WHERE creator_id = :id", id=creator
        ).scalar_one()
        origin = "dashboard" if not key else "tour"
        post = deliveries.create_post(
            scope,
            creator_id=creator,
            title="",
            body=body,
            media=(),
            origin=origin,
            origin_key=key or str(uuid7()),
            author="system:tour",
            late_ok=None,
        )
        delivery = deliveries.create_delivery(
            scope, post, channel, at=to_wall_time(scope.now, ZONE)
        )
        decisions.approve_post(scope, post, member_id=owner)
        deliveries.schedule_post(scope, post)
        scope.run("UPDATE deliveries SET state = :s WHERE id = :id", s=str(state), id=delivery)
    return delivery


def state_of(who: Agency, delivery: UUID) -> str:
    with who.scope() as scope:
        return str(
            scope.run("SELECT state FROM deliveries WHERE id = :id", id=delivery).scalar_one()
        )


def test_home_of_a_demo_links_to_the_tour(door: Door, demo: Agency) -> None:
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open("/")
    assert "Visite guidée (8 minutes)" in text
    assert 'href="/tour"' in text


def test_tour_has_seven_steps_in_both_languages(door: Door, demo: Agency) -> None:
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open(PATH)
        for step in (
            "Publier une photo",
            "Discuter avec Nova",
            "Essayer de contourner le contrôle",
            "Reprendre après une panne",
            "Retirer une image",
            "Rapprocher les ventes",
            "Connecter un compte",
        ):
            assert step in text
        assert f"/c/nova-{demo.tenant_id}?fan=visite-" in text
    with demo.scope() as scope:
        members.set_member_language(scope, demo.members[Role.OWNER], "en")
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open(PATH)
    for step in (
        "Publish a photo",
        "Chat with Nova",
        "Try to bypass the safety review",
        "Recover from a crash",
        "Remove an image",
        "Reconcile sales",
        "Connect a channel",
    ):
        assert step in text
    assert "Publier une photo" not in text


@pytest.mark.parametrize("role", list(Role))
def test_tour_is_only_for_owner_and_manager(door: Door, demo: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(demo, role)) as page:
        text = page.open(PATH)
    assert ("Kill a process" in text or "Arrêter un processus" in text) is has_right(
        role, Right.RUN
    )


def test_agency_without_demo_has_no_tour(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "8 minutes" not in page.open("/")
        assert "Arrêter un processus" not in page.open(PATH)


def test_each_click_is_one_event_of_the_member(door: Door, demo: Agency) -> None:
    owner = demo.act_as(Role.OWNER)
    with stream(door.url, door.cookie(demo)) as page:
        page.open(PATH)
        assert "On sait" not in page.press("Envoyer telle quelle")
        for label in (
            "Renommer le fichier",
            "Cacher le mot",
            "Publier une image sur tous les comptes",
            "Arrêter un processus",
        ):
            page.press(label)
        page.press("Arrêter un processus")
    wanted = [
        *(("cheat", way, owner) for way in CHEAT_WAYS),
        ("five", "", owner),
        ("burst", "", owner),
    ]
    assert pressed(demo) == wanted


def test_refusals_are_listed_and_cleared(door: Door, demo: Agency) -> None:
    kept = left(demo, "nova", f"cheat:as_it_is:{uuid7()}", "essai", state=DeliveryState.HELD)
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open(PATH)
        assert "Image provisoire telle quelle" in text
        assert "Supprimer ces essais" in text
        page.press("Supprimer ces essais")
    assert state_of(demo, kept) == "cancelled"


def test_burst_is_counted_by_the_platform_and_removed(door: Door, demo: Agency) -> None:
    run = uuid7()
    for number in range(BURST_SIZE):
        left(
            demo,
            "nova",
            f"burst:{run}:{number:02d}",
            f"rafale {number}",
            state=DeliveryState.PUBLISHED,
        )
    with demo.scope("system:tour") as scope:
        audit.record(scope, KILLED_EVENT, burst_audit_subject(run), pid=4711)
        audit.record(
            scope, COUNTED_EVENT, burst_audit_subject(run), once=30, lost=0, twice=0, pid=4712
        )
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open(PATH)
        assert "30 publications en ligne sur 30" in text
        assert "Processus 4711 arrêté" in text
        assert "30 une fois, 0 perdues, 0 en double. Le processus 4712" in text
        page.press("Retirer la rafale")
    assert [act for act, _, _ in pressed(demo)] == ["clear_burst"]


def test_a_post_whose_request_was_lost_with_the_process_is_not_counted_as_lost(
    door: Door, demo: Agency
) -> None:
    run = uuid7()
    left(demo, "nova", f"burst:{run}:01", "rafale", state=DeliveryState.UNCERTAIN)
    with demo.scope("system:tour") as scope:
        audit.record(scope, KILLED_EVENT, burst_audit_subject(run), pid=4711)
        audit.record(
            scope,
            COUNTED_EVENT,
            burst_audit_subject(run),
            once=29,
            lost=0,
            twice=0,
            unknown=1,
            pid=4712,
        )
    with stream(door.url, door.cookie(demo)) as page:
        text = page.open(PATH)
        assert "29 une fois, 0 perdues, 0 en double" in text
        assert "Résultat encore inconnu au moment du comptage : 1" in text


def test_new_burst_waits_for_the_previous_one(door: Door, demo: Agency) -> None:
    run = uuid7()
    left(demo, "nova", f"burst:{run}:01", "rafale", state=DeliveryState.PUBLISHED)
    with demo.scope("system:tour") as scope:
        audit.record(
            scope, COUNTED_EVENT, burst_audit_subject(run), once=30, lost=0, twice=0, pid=1
        )
    with stream(door.url, door.cookie(demo)) as page:
        page.open(PATH)
        assert "encore en cours" in page.press("Arrêter un processus")
    assert pressed(demo) == []


def test_post_of_the_tour_is_shown_and_removed(door: Door, demo: Agency) -> None:
    planned = left(demo, "mia", "", "ma photo", state=DeliveryState.SCHEDULED)
    with stream(door.url, door.cookie(demo)) as page:
        assert "Programmé : publication" in page.open(PATH)
        assert "Retrait de la publication" in page.press("Retirer cette publication")
        assert state_of(demo, planned) == "cancelled"
        assert "Retirer cette publication" not in page.open(PATH)


def test_members_see_only_steps_of_their_creators(door: Door, demo: Agency) -> None:
    left(demo, "mia", "", "ma photo", state=DeliveryState.SCHEDULED)
    with demo.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"nova\"]' WHERE id = :id",
            id=demo.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(demo, Role.MANAGER)) as page:
        text = page.open(PATH)
    assert "Programmé" not in text
    assert "/c/nova" in text


def test_tour_events_outside_a_demo_are_refused(lumiere: Agency) -> None:
    from dashboard.pages.tour import events
    from foundation.errors import Refused

    with lumiere.scope() as scope, pytest.raises(Refused, match="only_demo"):
        events.request_tour_step(scope, uuid7(), "burst")


def test_language_is_changed_from_the_sidebar(door: Door, demo: Agency) -> None:
    with door.client() as member:
        member.post(door.link(demo))
        label = render_message(Message("dashboard.language"), "en")
        with stream(door.url, f"greenroom={member.cookies['greenroom']}") as page:
            assert label in page.open("/")
        assert member.post("/auth/language/xx").status_code == 400
        foreign = member.post("/auth/language/en", headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        assert member.post("/auth/language/en").status_code == 303
    with demo.scope() as scope:
        assert tenant_reads.get_member(scope, demo.members[Role.OWNER]).language == "en"
