"""Suspected abuse material: frozen and preserved, hidden from members and classifiers, and reported
to one officer."""

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.assets import asset_records, viewings
from gate.contract.units import Medium, Rating
from gate.copies import live_copies
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import review_settings
from gate.ratings import inspections, ratings, seals
from gate.ratings.seals import SealDue
from gate.removal import recall, removal_requests, seal_response
from gate.removal.events import TakedownOpened
from gate.reviews.content_reviews import SheetVerdict, record_sheet_verdicts
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from tenants.agencies import queries
from tenants.notices.queries import list_open_notices
from tests.gate import side_effects
from tests.gate.builders import KEY, Step, World, asset_of, picture, publish_unit, unit, world
from tests.gate.side_effects import list_stored_tasks

LOOK, NEAR = "0f0f0f0f0f0f0f0f", "0f0f0f0f0f0f0f0e"


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def shot(house: World, look: str | None = None) -> Medium:
    with house.scope() as scope:
        return picture(scope, house, phash=look)


def suspected(house: World, medium: Medium) -> None:
    """Report as Rob that a person appears to be a minor, and run the workers."""
    with house.scope() as scope:
        asset = asset_of(scope, medium)
    wish = RatingRequested(house.tenant_id, asset, medium.sha256, "X", True, f"member:{house.rob}")
    handle_rating_request(wish, tenant=house.open)
    work(house)


def work(house: World) -> None:
    for _ in range(2):  # the first round seals lookalikes, the second recalls them
        with house.scope() as scope:
            put = scope.run("SELECT subject_id FROM outbox WHERE kind = 'seal.put'").scalars().all()
        for each in put:
            seal_response.handle_seal(SealDue(house.tenant_id, each), tenant=house.open)


def alerts(house: World) -> list[Message]:
    with house.scope() as scope:
        return [one.message for one in list_open_notices(scope) if one.message.code == "seal.alert"]


def test_suspected_picture_is_sealed_recalled_and_reported_to_officer(house: World) -> None:
    medium, other = shot(house), shot(house)
    whole = unit(house, media=(medium,))
    with house.scope(f"member:{house.rob}") as scope:
        review_settings.set_safety_officer(scope, house.ann)
    with house.scope() as scope:
        permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    with house.scope() as scope:
        issuance.record_copy(scope, permit.jti, "1", scope.now)
    suspected(house, medium)
    with house.scope() as scope:
        assert seals.sealed_digests(scope, [medium.sha256, other.sha256]) == {medium.sha256}
        assert ratings.display_ratings(scope, [medium.sha256])[medium.sha256].is_withheld
        assert not ratings.showable_ratings(scope, [medium.sha256])
        # recorded above
        assert issuance.find_copy(scope, permit.jti).recalled_at is not None  # type: ignore[union-attr]  # see above
        assert issuance.mint_permit(
            scope, unit(house, media=(other,)), Step(), key=KEY, author=f"member:{house.ann}"
        )
    with house.scope() as scope, pytest.raises(PermitDenied, match="PROHIBITED_MINOR"):
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    (told,) = alerts(house)
    assert told.params["officer"] == "ann"
    assert medium.sha256 not in str(told)
    suspected(house, medium)
    assert len(alerts(house)) == 1, "the officer is alerted once"
    with house.scope() as scope:
        seal = str(told.params["number"])
        notice = side_effects.find_notice(scope, f"seal:{seal}")
        assert notice == side_effects.StoredNotice(
            "seal.alert", {"officer": "ann", "number": seal}, urgent=True, open=True, creator=None
        )
        assert side_effects.list_audit_entries(scope, "picture.sealed") == [
            (seal_response.ACTOR, "picture.sealed", f"seal:{seal}", {"alike": 0})
        ]
        row = scope.run("SELECT sha256, by, asset_id FROM seals WHERE id = :i", i=seal).one()
        assert tuple(row) == (medium.sha256, f"member:{house.rob}", asset_of(scope, medium))
        why = scope.run(
            "SELECT recall_reason FROM permits WHERE id = :j", j=permit.jti
        ).scalar_one()
        assert Message.from_json(why) == Message("recall.sealed")


def test_lookalike_is_sealed_with_picture(house: World) -> None:
    first, near, far = shot(house, LOOK), shot(house, NEAR), shot(house, "f0f0f0f0f0f0f0f0")
    suspected(house, first)
    with house.scope() as scope:
        sealed = seals.sealed_digests(scope, [first.sha256, near.sha256, far.sha256])
    assert sealed == {first.sha256, near.sha256}
    (told,) = alerts(house)
    with house.scope() as scope:
        by = dict(
            scope.run("SELECT sha256, by FROM seals WHERE tenant_id = :t", t=house.tenant_id).all()
        )
        assert by[near.sha256] == f"seal:{told.params['number']}"
        assert side_effects.list_audit_entries(scope, "picture.sealed")[0][3] == {"alike": 1}


def test_classifier_suspicion_seals_and_ends_inspections(house: World) -> None:
    medium = shot(house)
    with house.scope() as scope:
        inspections.record_classifier_missing(scope, medium.sha256)
        assert inspections.needs_inspection(scope, medium.sha256)
        inspections.record_classifier_finding(
            scope, medium.sha256, source="classifier:one@1", rating=Rating.X, prohibited="minor"
        )
    work(house)
    with house.scope() as scope:
        assert seals.sealed_digests(scope, [medium.sha256])
    later = shot(house)
    with house.scope() as scope:
        inspections.record_classifier_missing(scope, later.sha256)
    suspected(house, later)
    with house.scope() as scope:
        assert not inspections.needs_inspection(scope, later.sha256), (
            "sealed pictures are not inspected"
        )


def test_picture_prohibited_for_other_reason_is_not_sealed(house: World) -> None:
    medium = shot(house)
    with house.scope() as scope:
        asset = asset_of(scope, medium)
    wish = RatingRequested(house.tenant_id, asset, medium.sha256, "X", False, f"member:{house.rob}")
    handle_rating_request(wish, tenant=house.open)
    with house.scope() as scope:
        assert not seals.sealed_digests(scope, [medium.sha256])
        assert ratings.display_ratings(scope, [medium.sha256])[medium.sha256].is_withheld


@pytest.mark.parametrize("rating", ["E", "X"])
def test_picture_prohibited_by_member_is_recalled_with_derivatives(
    house: World, rating: str
) -> None:
    medium, other = shot(house), shot(house)
    with house.scope() as scope:
        asset = asset_of(scope, medium)
        cut = picture(scope, house, parent=asset)
    posts = [
        publish_unit(house, unit(house, text=f"P{n}", media=[one]), str(n))
        for n, one in enumerate((medium, cut, other))
    ]
    wish = RatingRequested(
        house.tenant_id, asset, medium.sha256, rating, False, f"member:{house.rob}"
    )
    for _ in range(2):
        handle_rating_request(wish, tenant=house.open)
    with house.scope() as scope:
        called = [
            one.jti
            for jti in posts
            if (one := live_copies.find_copy(scope, jti)) and one.recalled_at is not None
        ]
        assert called == (posts[:2] if rating == "X" else [])
        opened = list_stored_tasks(scope, TakedownOpened.kind)
    assert [one.subject for one in opened] == called, "each takedown is opened once"


def test_upheld_request_about_minor_seals_picture(house: World) -> None:
    medium = shot(house)
    with house.scope() as scope:
        receipt = removal_requests.receive_removal_request(
            scope,
            creator_id=house.creator_id,
            category="minor",
            named="post",
            digests=[medium.sha256],
            source="s" * 64,
        )
        found = removal_requests.find_status_by_receipt(scope, receipt).id
        removal_requests.freeze_named_bytes(scope, found)
    with house.scope(f"member:{house.rob}") as scope:
        removal_requests.uphold_removal_request(scope, found)
    with house.scope() as scope:
        assert seals.sealed_digests(scope, [medium.sha256])


@pytest.mark.parametrize("how", ["thaw", "unblock", "sql", "delete"])
def test_sealed_picture_cannot_be_released_or_deleted(house: World, how: str) -> None:
    medium = shot(house)
    suspected(house, medium)
    if how == "unblock":
        with house.scope() as scope:
            recall.block_bytes(scope, medium.sha256, category="shown")
            recall.unblock_bytes(scope, medium.sha256)
    if how == "thaw":
        with house.scope() as scope:
            ratings.unfreeze_bytes(scope, medium.sha256)
    statements = {
        "sql": "UPDATE renditions SET state = 'made' WHERE sha256 = :sha",
        "delete": "DELETE FROM renditions WHERE sha256 = :sha",
    }
    if how in statements:
        with (
            pytest.raises(SQLAlchemyError),
            house.open(house.tenant_id, "system:test", role="gate") as scope,
        ):
            scope.run(statements[how], sha=medium.sha256)
    with house.scope() as scope:
        assert asset_records.find_rendition_by_digest(scope, medium.sha256).state != "made"
        assert seals.sealed_digests(scope, [medium.sha256])


@pytest.mark.parametrize("statement", ["UPDATE seals SET by = 'x'", "DELETE FROM seals"])
@pytest.mark.parametrize("role", ["app", "gate"])
def test_seal_cannot_be_changed(house: World, role: str, statement: str) -> None:
    suspected(house, shot(house))
    with (
        pytest.raises(SQLAlchemyError),
        house.open(house.tenant_id, "system:test", role=role) as scope,
    ):
        scope.run(statement)


def test_sealed_picture_cannot_be_reviewed_or_rated(house: World) -> None:
    medium = shot(house)
    suspected(house, medium)
    with house.scope(f"member:{house.rob}") as scope:
        viewings.record_viewing(scope, queries.get_member(scope, house.rob), medium.sha256)
        tile = SheetVerdict(asset_of(scope, medium), medium.sha256, rating=Rating.X)
        with pytest.raises(Exception, match="set_changed"):
            record_sheet_verdicts(scope, [tile], sheet=uuid7())
    with house.scope() as scope, pytest.raises(Refused):
        ratings.record_rating(scope, medium.sha256, Rating.G, source=f"member:{house.rob}")


def test_seal_does_not_affect_another_tenant(house: World, tenant: OpenScope) -> None:
    medium, other = shot(house), world(tenant, uuid7())
    suspected(house, medium)
    with other.scope() as scope:
        assert not seals.sealed_digests(scope, [medium.sha256])
    seal_response.handle_seal(SealDue(other.tenant_id, uuid7()), tenant=other.open)
    assert not alerts(other)
