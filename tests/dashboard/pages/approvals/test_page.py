"""Approvals as members use them: approve, request changes, reject, undo; review held posts and
pictures."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from gate.contract.units import Rating, Subject, Text, Unit
from gate.log import queries as gate_reads
from gate.permits import issuance
from schedules.approvals import decisions, review_queue
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.states import DeliveryState
from studio.library import assets
from studio.library.states import ShelfState
from tenants.agencies.rights import Role
from tests.conftest import wait_until
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import work
from tests.dashboard.streamlit_client import Stream, stream
from tests.gate.answers import record_quiet_models

REASON = '{"code": "%s", "params": {}}'


def word(code: str, language: str = "fr", **params: str | int) -> str:
    return render_message(Message(code, params), language)


def asked(
    who: Agency, body: str, *, media: tuple[UUID, ...] = (), minutes: float = 60
) -> tuple[UUID, UUID]:
    """Create a post of the manager that is pending approval, and return the IDs of the post and its
    delivery."""
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        who.channel_id = who.channel_id or lifecycle.connect_account(
            scope,
            creator_id=who.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"mia-{str(who.tenant_id)[-6:]}",
            name="Sandbox",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
        )
        post_id = deliveries.create_post(
            scope,
            creator_id=who.creator_id,
            title="",
            body=body,
            media=media,
            origin="test",
            origin_key=str(uuid7()),
            author=who.act_as(Role.MANAGER),
        )
        at = to_wall_time(scope.now + timedelta(minutes=minutes), ZONE)
        return post_id, deliveries.create_delivery(scope, post_id, who.channel_id, at=at)


def state(who: Agency, delivery_id: UUID) -> DeliveryState:
    with who.scope() as scope:
        return DeliveryState(
            scope.run("SELECT state FROM deliveries WHERE id = :id", id=delivery_id).scalar_one()
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_queue_shows_the_last_decision(door: Door, tenant: OpenScope, language: str) -> None:
    who = create_agency(tenant, language=language)
    with stream(door.url, door.cookie(who)) as page:
        assert word("approvals.nothing", language) in page.open("/approvals")
        _, delivery_id = asked(who, "Le matin")
        page.open("/approvals")
        text = page.press(word("approvals.approve", language))
        assert word("approvals.approved", language) in text
        assert word("approvals.nothing", language) in text
        assert "Le matin" in text
    assert state(who, delivery_id) is DeliveryState.SCHEDULED


def test_preview_shows_the_post_and_its_policy(door: Door, lumiere: Agency) -> None:
    shot = picture(door, lumiere, rating=Rating.G)
    asked(lumiere, "Le phare, ce soir", media=(shot,))
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        for said in (
            "Le phare, ce soir",
            "Sandbox",
            "Manager",
            f"/files/{shot}/preview",
            "vérifiées le",
        ):
            assert said in text, said
    with lumiere.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'G' WHERE id = :c", c=lumiere.creator_id)
    suggestive = picture(door, lumiere, seed=2, rating=Rating.S)
    asked(lumiere, "Autre chose", media=(suggestive,), minutes=5)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("gate.RATING_EXCEEDS_CREATOR") in page.open("/approvals")


def test_overdue_post_is_marked(door: Door, lumiere: Agency) -> None:
    asked(lumiere, "En retard", minutes=-5)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
    assert word("approvals.due_over") in text
    assert "dans 0 seconde" not in text


def test_approval_of_a_post_too_late_promises_no_publishing(door: Door, lumiere: Agency) -> None:
    """Such a post was put on hold right after its approval: posts may be published up to 30 minutes
    late."""
    asked(lumiere, "Trop tard", minutes=-45)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
    assert word("approvals.due_late") in text
    assert word("approvals.due_over") not in text


def test_bulk_approval_skips_posts_changed_since_shown(door: Door, lumiere: Agency) -> None:
    wishes = {
        body: asked(lumiere, body, minutes=n)[1]
        for n, body in enumerate(("Aube", "Midi", "Soir"), start=60)
    }
    asked(lumiere, "Avec image", media=(picture(door, lumiere, rating=Rating.S),), minutes=70)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        text = page.check(word("approvals.several"))
        assert all(body in text for body in wishes)
        assert (
            word("approvals.several_alone", count=1) in text
        )  # its picture must be reviewed first
        mark = {body: word("approvals.several_mark", creator="Mia", post=body) for body in wishes}
        page.check(mark["Aube"])
        page.check(mark["Midi"])
        with lumiere.scope() as scope:  # another member changes the text
            scope.run("UPDATE posts SET digest = 'new', body = 'Minuit' WHERE body = 'Midi'")
        text = page.press(word("approvals.several_now", count=2))
        assert word("approvals.several_partly", count=1, left=1) in text
        assert word("approvals.approved_one") in text
        assert word("post.changed_meanwhile") in text
        assert {body: state(lumiere, one) for body, one in wishes.items()} == {
            "Aube": DeliveryState.SCHEDULED,
            "Midi": DeliveryState.DRAFT,
            "Soir": DeliveryState.DRAFT,
        }
        page.press(word("approvals.undo"))
    assert state(lumiere, wishes["Aube"]) is DeliveryState.DRAFT


def test_approval_is_undone_in_time(door: Door, lumiere: Agency) -> None:
    post_id, delivery_id = asked(lumiere, "Le matin")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.press(word("approvals.approve"))
        assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED
        assert word("approvals.undone") in page.press(word("approvals.undo"))
    assert state(lumiere, delivery_id) is DeliveryState.DRAFT
    with lumiere.scope() as scope:
        assert [
            one.post_id for one in review_queue.list_review_queue(scope, [lumiere.creator_id])
        ] == [post_id]


def test_undo_is_offered_for_ten_seconds(door: Door, lumiere: Agency) -> None:
    asked(lumiere, "Le matin")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.press(word("approvals.approve"))
        assert word("approvals.undo") in page.labels()

        def gone() -> bool:
            page.again()
            return word("approvals.undo") not in page.labels()

        wait_until(gone)


@pytest.mark.parametrize(
    ("mode", "after"), [("change", DeliveryState.DRAFT), ("reject", DeliveryState.CANCELLED)]
)
def test_change_request_and_rejection_need_a_note(
    door: Door, lumiere: Agency, mode: str, after: DeliveryState
) -> None:
    post_id, delivery_id = asked(lumiere, "Le matin")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.press(word(f"approvals.{mode}"))
        page.choose(word(f"approvals.why_{mode}"), word("approvals.because.other"))
        assert word("approval.no_words") in page.press(word(f"approvals.{mode}_now"))
        page.type(word("approvals.note"), "trop tôt")
        said = "approvals.change_asked" if mode == "change" else "approvals.rejected"
        assert word(said) in page.press(word(f"approvals.{mode}_now"))
    assert state(lumiere, delivery_id) is after
    with lumiere.scope() as scope:
        said = scope.run("SELECT why, note FROM approvals WHERE post_id = :p", p=post_id).one()
        assert review_queue.list_review_queue(scope, [lumiere.creator_id]) == []
    assert tuple(said) == ("other", "trop tôt")


def test_author_cannot_approve_their_post(door: Door, lumiere: Agency) -> None:
    _, delivery_id = asked(lumiere, "Le matin")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert word("approvals.own") in page.open("/approvals")
        assert page.find(word("approvals.approve")).drawn.disabled
    assert state(lumiere, delivery_id) is DeliveryState.DRAFT


def test_covered_pictures_are_revealed_before_approval(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :c", c=lumiere.creator_id)
    shot = picture(door, lumiere, rating=Rating.N)
    _, delivery_id = asked(lumiere, "Le soir", media=(shot,))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("approvals.look_first") in page.open("/approvals")
        assert page.find(word("approvals.approve")).drawn.disabled
        assert f"/files/{shot}/preview?clear=" in page.press(word("approvals.reveal"))
        assert word("approvals.approved") in page.press(word("approvals.approve"))
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED
    with lumiere.scope() as scope:
        sha256 = assets.get_asset(scope, shot).sha256
        assert gate_reads.review_verdicts(scope, [sha256]) == {sha256: "approve"}


def test_keyboard_shortcuts_walk_through_the_queue(door: Door, lumiere: Agency) -> None:
    for body, minutes in (("Premier", 10), ("Second", 20), ("Dernier", 30)):
        asked(lumiere, body, minutes=minutes)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        keys = {
            one.drawn.shortcut.upper(): one.label for one in page.widgets if one.kind == "button"
        }
        assert {"A", "E", "X", "J", "K"} <= set(keys)
        assert word("approvals.place", at=2, total=3) in page.press(keys["J"])
        assert word("approvals.place", at=1, total=3) in page.press(keys["K"])
        assert word("approvals.place", at=3, total=3) in page.press(keys["K"])


def hold(who: Agency, body: str, media: tuple[UUID, ...] = ()) -> tuple[UUID, str]:
    """Create an approved post that the safety check holds for a human review, and return its
    delivery ID and unit digest."""
    _, delivery_id = asked(who, body, media=media)
    with who.scope() as scope:
        entry = next(
            one
            for one in schedule_reads.entries_of_post(
                scope, schedule_reads.post_id_of_delivery(scope, delivery_id), names={}
            )
            if one.delivery_id == delivery_id
        )
        items = [assets.get_rendition(scope, asset, "sandbox") for asset in media]
        unit = Unit(
            tenant_id=who.tenant_id,
            creator_id=who.creator_id,
            subject=Subject("delivery", delivery_id),
            platform="sandbox",
            surface="sandbox.post",
            channel_id=entry.channel_id,
            account="mia",
            audience="public",
            texts=(Text("body", body),),
            media=tuple(items),
        )
        unit = replace(unit, flags=issuance.required_flags_of_unit(scope, unit))
        decision = issuance.judge_unit(scope, unit, author=who.act_as(Role.MANAGER))
        scope.run(
            "UPDATE deliveries SET state = 'held', reason = CAST(:why AS jsonb) WHERE id = :id",
            why=REASON % f"gate.{decision.reasons[0]}",
            id=delivery_id,
        )
    return delivery_id, unit.digest()


def test_held_post_is_reviewed_and_scheduled(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :c", c=lumiere.creator_id)
    delivery_id, digest = hold(lumiere, "Ce soir NUDITY-MARKER-A")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/approvals")
        assert word("approvals.own") in page.press(word("approvals.look"))
        assert page.find(word("approvals.allow")).drawn.disabled
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        assert word("gate.REVIEW_MISSING") in text
        assert "NUDITY-MARKER-A" in page.press(word("approvals.look"))
        assert word("approvals.allowed") in page.press(word("approvals.allow"))
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED
    with lumiere.scope() as scope:
        found = scope.run(
            "SELECT verdict, seen_percent FROM human_reviews WHERE digest = :d", d=digest
        ).one()
    assert tuple(found) == ("approve", 100)


def test_refused_hold_remains(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :c", c=lumiere.creator_id)
    delivery_id, _ = hold(lumiere, "Ce soir NUDITY-MARKER-A")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.press(word("approvals.look"))
        assert word("approvals.denied") in page.press(word("approvals.deny"))
    assert state(lumiere, delivery_id) is DeliveryState.HELD


def test_blocked_post_is_explained_and_may_be_retried(door: Door, lumiere: Agency) -> None:
    post_id, delivery_id = asked(lumiere, "Sans autorisation")
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        decisions.approve_post(scope, post_id, member_id=lumiere.members[Role.OWNER])
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'held', reason = CAST(:why AS jsonb) WHERE id = :id",
            why=REASON % "gate.CONSENT_MISSING",
            id=delivery_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
        assert word("gate.CONSENT_MISSING") in text
        assert word("approvals.look") not in page.labels()
        assert "Nouvel essai" in page.press(word("approvals.again"))
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED


def test_picture_is_revealed_rated_and_allowed(door: Door, lumiere: Agency) -> None:
    shot = picture(door, lumiere)
    with lumiere.scope() as scope:
        assets.set_shelf_state(scope, shot, ShelfState.KEPT)
        record_quiet_models(scope, assets.get_asset(scope, shot).sha256)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        assert word("studio.rate_now") not in page.labels()
        page.press(word("approvals.reveal_one"))
        page.choose(word("studio.rate_as"), word("studio.level.N"))
        page.choose(word("rating.shown"), word("rating.shown.no_people"))
        assert word("studio.rated") in page.press(word("studio.rate_now"))
        work(door, lumiere)
        page.again()
        assert word("approvals.picture_allowed") in page.press(word("approvals.allow"))
        assert word("approvals.nothing") in page.again()
    with lumiere.scope() as scope:
        sha256 = assets.get_asset(scope, shot).sha256
        assert gate_reads.review_verdicts(scope, [sha256]) == {sha256: "approve"}


@pytest.mark.parametrize("role", Role)
def test_role_sees_what_it_may_decide(door: Door, lumiere: Agency, role: Role) -> None:
    asked(lumiere, "canary-post")
    shot = picture(door, lumiere)
    with lumiere.scope() as scope:
        assets.set_shelf_state(scope, shot, ShelfState.KEPT)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/approvals")
    approves, reviews = (
        role in {Role.OWNER, Role.MANAGER, Role.CREATOR},
        role in {Role.OWNER, Role.MANAGER},
    )
    settles = int(role is not Role.MANAGER)  # the author cannot decide
    assert (
        word("approvals.counted", what=word("approvals.posts"), count=settles) in text
    ) == approves
    counted = word("approvals.counted", what=word("approvals.pictures"), count=1)
    assert (counted in text) == reviews


def test_guest_reviews_assigned_pictures(door: Door, lumiere: Agency) -> None:
    shot = picture(door, lumiere, rating=Rating.N)
    with lumiere.scope() as scope:
        assets.set_shelf_state(scope, shot, ShelfState.KEPT)
        scope.run(
            "UPDATE members SET creators = '[\"mia\"]' WHERE id = :m", m=lumiere.members[Role.GUEST]
        )
    with stream(door.url, door.cookie(lumiere, Role.GUEST)) as page:
        assert str(shot) in page.open("/approvals")
        page.press(word("approvals.reveal_one"))
        assert word("approvals.picture_denied") in page.press(word("approvals.deny"))


def test_posts_of_others_are_hidden(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant, mark="canary")
    asked(other, "canary-post")
    asked(lumiere, "canary-mia")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"zoe\"]' WHERE id = :m", m=lumiere.members[Role.OWNER]
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/approvals")
    assert "canary" not in text
    assert word("approvals.nothing") in text


def test_post_decided_elsewhere_is_reported(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "Le matin")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        with lumiere.scope() as scope:
            scope.run("UPDATE deliveries SET state = 'cancelled' WHERE post_id = :p", p=post_id)
        assert word("approvals.settled_meanwhile") in page.press(word("approvals.approve"))
        asked(lumiere, "Le soir")
        page.tick(-1)
        assert "Le soir" in page.again()


def test_reviews_are_done_by_keyboard_and_late_ones_are_marked(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :c", c=lumiere.creator_id)
    held = [hold(lumiere, f"{body} NUDITY-MARKER-A")[0] for body in ("Premier", "Second")]
    shots = [picture(door, lumiere, seed=seed, rating=Rating.N) for seed in (1, 2)]
    with lumiere.scope() as scope:
        for shot in shots:
            assets.set_shelf_state(scope, shot, ShelfState.KEPT)
        scope.run(
            "UPDATE creations SET created_at = created_at - interval '25 hours' WHERE asset_id = "
            ":a",
            a=shots[0],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("approvals.desk_late_one", count=1) in page.open("/approvals")
        for body in ("Premier", "Second"):
            assert f"{body} NUDITY-MARKER-A" in page.press(_keys(page)["J"])
        assert word("approvals.allowed") in page.press(_keys(page)["A"])
        page.press(_keys(page)["J"])
        assert word("approvals.denied") in page.press(_keys(page)["X"])
        pictures = word("approvals.counted", what=word("approvals.pictures"), count=2)
        page.choose(word("approvals.what"), pictures)
        for answer in ("A", "X"):
            assert list(_keys(page)) == ["CTRL+K", "P"]
            page.press(_keys(page)["P"])
            page.press(_keys(page)[answer])
        assert word("approvals.no_pictures") in page.again()
    assert [state(lumiere, one) for one in held] == [DeliveryState.HELD, DeliveryState.SCHEDULED]


def _keys(page: Stream) -> dict[str, str]:
    """Return the label of the button for each shortcut, which must be unique."""
    found = [
        (one.drawn.shortcut.upper(), one.label)
        for one in page.widgets
        if getattr(one.drawn, "shortcut", "")
    ]
    assert len(dict(found)) == len(found), found
    return dict(found)
