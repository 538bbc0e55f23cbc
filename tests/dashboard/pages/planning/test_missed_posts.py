"""Missed posts on Home and on their page: the new times in the creator's zone, accepted or put on
hold."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event

from channels.accounts import lifecycle
from dashboard.pages.home import queries as reads
from foundation.ops.wall_time import load_zone
from schedules.downtime import missed_posts, queries
from schedules.downtime.states import DowntimeState
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies import agencies, rights
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def missed(who: Agency, *bodies: str, too_late: str = "") -> list[UUID]:
    """Create posts that a downtime delayed, and register them as missed."""
    ids = [who.post(body, minutes=-10) for body in (*bodies, *([too_late] if too_late else []))]
    with who.scope("system:publishing") as scope:
        for number, one in enumerate(ids):
            scope.run(
                "UPDATE deliveries SET due_at = :due, late_until = :late WHERE id = :id",
                due=scope.now - timedelta(minutes=50 - number),
                late=scope.now + timedelta(hours=-0.5 if too_late and one == ids[-1] else 4),
                id=one,
            )
        assert who.channel_id is not None
        missed_posts.register_missed_posts(scope, who.channel_id)
    return ids


def rows(who: Agency, ids: list[UUID]) -> list[Delivery]:
    with who.scope() as scope:
        return [get_delivery(scope, one) for one in ids]


def test_missed_posts_are_shown_and_rescheduled_in_the_creators_zone(
    door: Door, lumiere: Agency
) -> None:
    ids = missed(lumiere, "la première", "la deuxième", too_late="la dernière")
    second = rows(lumiere, ids)[1]
    assert second.not_before is not None
    with stream(door.url, door.cookie(lumiere)) as page:
        home = page.open()
        assert " : 3 (comptes : " in home
        assert "Voir les publications manquées" in home
        text = page.open("/calendar", missed="1")
        assert f"Publication {second.not_before.astimezone(load_zone(ZONE)):%H:%M}" in text
        assert "dépasse le retard autorisé" in text
        assert "Publiées : 0. Reprogrammées : 2. En attente : 1." in text
        assert f"/calendar?post={second.post_id}" in text
        assert "Reprogrammées : 2. En attente : 1" in page.press("Publier comme indiqué")
        assert "Publier comme indiqué" not in page.open()
        assert [row.state for row in rows(lumiere, ids)] == [
            DeliveryState.SCHEDULED,
            DeliveryState.SCHEDULED,
            DeliveryState.HELD,
        ]


def test_missed_posts_are_held_after_one_was_published(door: Door, lumiere: Agency) -> None:
    ids = missed(lumiere, "une", "deux", "trois")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open()
        with lumiere.scope() as scope:
            transition_delivery(scope, get_delivery(scope, ids[0]), DeliveryState.PUBLISHING)
        assert "en attente : 2. Déjà publiées : 1" in page.press("Tout mettre en attente")
        assert [row.state for row in rows(lumiere, ids)] == [
            DeliveryState.PUBLISHING,
            DeliveryState.HELD,
            DeliveryState.HELD,
        ]
        assert "manquées en attente : 2" in page.open()
        assert "a mis les publications manquées en attente" in page.open("/calendar", missed="1")


def test_roles_without_rights_see_no_hold_button(door: Door, lumiere: Agency) -> None:
    missed(lumiere, "une", "deux")
    for role in (Role.CHATTER, Role.CREATOR):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert "Tout mettre en attente" not in page.open()
            assert "Tout mettre en attente" not in page.open("/calendar", missed="1")


@pytest.mark.parametrize(("role", "asks"), [(Role.OWNER, True), (Role.CREATOR, False)])
def test_only_permitted_members_may_decide(
    door: Door, lumiere: Agency, role: Role, asks: bool
) -> None:
    missed(lumiere, "une", "deux", too_late="trois")
    with stream(door.url, door.cookie(lumiere, role)) as page:
        home = page.open()
        assert "manquées : 3 (comptes : " in home
        assert (
            "confirmez-les ou mettez tout en attente" in home,
            "Un responsable peut encore" in home,
        ) == (
            asks,
            not asks,
        )
    with lumiere.scope() as scope:
        (known,) = queries.list_open_downtimes(scope, [lumiere.creator_id])
        missed_posts.hold_missed_posts(scope, known.id, creators=[lumiere.creator_id])
    with stream(door.url, door.cookie(lumiere, role)) as page:
        home = page.open()
        assert "manquées en attente : 3" in home
        assert ("Ouvrez chacune" in home, "Un responsable décide" in home) == (asks, not asks)


def test_home_counts_down_to_the_next_missed_post(lumiere: Agency) -> None:
    ids = missed(lumiere, "une", "deux")
    lumiere.post("demain", minutes=1500)
    with lumiere.scope() as scope:
        found = reads.load_home(scope, tenant_reads.get_member(scope, lumiere.members[Role.OWNER]))
    turns = [one.not_before for one in rows(lumiere, ids)]
    assert found.coming is not None
    assert found.coming.leaves_at == min(
        one for one in turns if one is not None and one >= found.now
    )


def test_member_of_another_creator_does_not_see_missed_posts(door: Door, lumiere: Agency) -> None:
    ids = missed(lumiere, "une", "deux")
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=ZONE, languages=["fr"]
        )
        members = {**lumiere.members}
        members[Role.MANAGER] = agencies.add_member(
            scope,
            name="Zoés",
            email="z@example.test",
            role=rights.Role.MANAGER,
            language="fr",
            zone=ZONE,
            creators=["zoe"],
        )
    theirs = Agency(lumiere.open, lumiere.tenant_id, lumiere.creator_id, members)
    with stream(door.url, door.cookie(theirs, Role.MANAGER)) as page:
        text = page.open("/calendar", missed="1")
        assert "Plus aucune publication manquée." in text
    assert [row.state for row in rows(lumiere, ids)] == [
        DeliveryState.SCHEDULED,
        DeliveryState.SCHEDULED,
    ]


def test_another_agency_does_not_see_missed_posts(door: Door, lumiere: Agency) -> None:
    missed(lumiere, "secrète", "deux")
    other = create_agency(lumiere.open, mark="Autre")
    other.post("à eux")
    with stream(door.url, door.cookie(other)) as page:
        text = page.open("/calendar", missed="1")
        assert "secrète" not in text
        assert "Plus aucune publication manquée." in text
    with other.scope() as scope:
        assert queries.list_open_downtimes(scope, [lumiere.creator_id]) == []


def test_finished_downtime_is_closed(lumiere: Agency) -> None:
    ids = missed(lumiere, "une", "deux")
    with lumiere.scope() as scope:
        for one in ids:
            transition_delivery(scope, get_delivery(scope, one), DeliveryState.PUBLISHING)
        missed_posts.close_finished_downtimes(scope)
        assert queries.list_open_downtimes(scope, [lumiere.creator_id]) == []
        state = scope.run(
            "SELECT state FROM downtimes WHERE tenant_id = :t", t=lumiere.tenant_id
        ).scalar_one()
    assert state == DowntimeState.OVER


@dataclass(frozen=True)
class Shared:
    """Mia's posts were missed and, in some tests, also Zoé's; `who` and `lea` have managers of only
    Mia or Léa."""

    who: Agency
    zoe: Agency
    lea: Agency


@pytest.fixture
def shared(lumiere: Agency) -> Shared:
    with lumiere.scope() as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=ZONE, languages=["fr"]
        )
        agencies.add_creator(
            scope, slug="lea", name="Léa", kind="virtual", zone=ZONE, languages=["fr"]
        )
        account = lifecycle.connect_account(
            scope,
            creator_id=zoe,
            platform="sandbox",
            surface="sandbox.post",
            account=f"zoe-{str(lumiere.tenant_id)[-6:]}",
            name="Chez Zoé",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
        )
        of = {
            slug: agencies.add_member(
                scope,
                name=slug,
                email=f"{slug}@example.test",
                role=Role.MANAGER,
                language="fr",
                zone=ZONE,
                creators=[slug],
            )
            for slug in ("mia", "lea")
        }
    mias, leas = (
        replace(lumiere, members={**lumiere.members, Role.MANAGER: of[slug]})
        for slug in ("mia", "lea")
    )
    return Shared(mias, replace(lumiere, creator_id=zoe, channel_id=account, posts=[]), leas)


def test_members_of_unaffected_creators_are_not_notified(door: Door, shared: Shared) -> None:
    missed(shared.who, "une", "deux")
    with shared.who.scope() as scope:
        (told,) = list_open_notices(scope)
    assert told.creator_id == shared.who.creator_id, "emails are limited to her members too"
    with stream(door.url, door.cookie(shared.who, Role.MANAGER)) as page:
        assert "Publications manquées : 2" in page.open()
    with stream(door.url, door.cookie(shared.lea, Role.MANAGER)) as page:
        assert "(comptes : " not in page.open()
    missed(shared.zoe, "trois")
    with shared.who.scope() as scope:
        assert [one.creator_id for one in list_open_notices(scope)] == [told.creator_id], (
            "a single missed post causes no notice"
        )
    missed(shared.zoe, "quatre", "cinq")
    with shared.who.scope() as scope:
        assert [one.creator_id for one in list_open_notices(scope)] == [None]
    with stream(door.url, door.cookie(shared.lea, Role.MANAGER)) as page:
        assert "(comptes : " not in page.open()


@pytest.mark.parametrize("where", [{}, {"missed": "1"}])
def test_member_of_some_creators_holds_only_theirs(
    door: Door, shared: Shared, where: dict[str, str]
) -> None:
    hers, others = missed(shared.who, "une", "deux"), missed(shared.zoe, "trois", "quatre", "cinq")
    with stream(door.url, door.cookie(shared.who, Role.MANAGER)) as page:
        home = page.open()
        assert "manquées : 2 (comptes : 1). Reprogrammées à intervalles : 2" in home
        assert "mettre en attente celles de vos créateurs" in home
        assert "confirmez-les" not in home
        page.open("/calendar" if where else "/", **where)
        assert "Publier comme indiqué" not in page.labels()
        assert "Tout mettre en attente" not in page.labels()
        said = page.press("Mettre les vôtres en attente")
        assert "Publications de vos créateurs en attente : 2" in said
        assert "Déjà publiées : 0. Celles des autres créateurs se publient comme indiqué." in said
        assert "Mettre les vôtres en attente" not in page.labels()
        text = page.open("/calendar", missed="1")
        assert "En attente : 2" in text
        assert "Pas encore confirmé" not in text
        home = page.open()
        assert "manquées en attente : 2" in home
        assert "Mettre les vôtres en attente" not in page.labels()
    assert {row.state for row in rows(shared.who, hers)} == {DeliveryState.HELD}
    assert {row.state for row in rows(shared.who, others)} == {DeliveryState.SCHEDULED}
    with stream(door.url, door.cookie(shared.who)) as page:
        assert "Publications manquées : 5" in page.open()
        assert "Zoé · Chez Zoé" in page.open("/calendar", missed="1")
        page.open()
        assert (
            "Toutes les publications manquées sont en attente : 5. Déjà publiées : 0"
            in page.press("Tout mettre en attente")
        )
        assert "manquées en attente : 5" in page.open()
    with stream(door.url, door.cookie(shared.who, Role.MANAGER)) as page:
        assert "manquées en attente : 2" in page.open()
    with stream(door.url, door.cookie(shared.lea, Role.MANAGER)) as page:
        assert "manquées en attente" not in page.open()


def test_home_queries_do_not_grow_with_missed_posts(shared: Shared) -> None:
    counted = []
    for bodies in (("une", "deux"), ("trois", "quatre", "cinq")):
        missed(shared.who, *bodies)
        with shared.who.scope(shared.who.act_as(Role.MANAGER)) as scope:
            member, asked = (
                tenant_reads.get_member(scope, shared.who.members[Role.MANAGER]),
                list[str](),
            )
            connection = scope.session.info["connection"]
            event.listen(
                connection,
                "before_cursor_execute",
                lambda _c, _u, text, *_, to=asked: to.append(text),
            )
            assert [
                one.downtime_id is not None for one in reads.load_home(scope, member).needs
            ] == [True]
        counted.append(len(asked))
    assert counted[0] == counted[1] <= 17
