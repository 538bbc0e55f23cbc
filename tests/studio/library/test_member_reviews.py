"""Ratings by members, which never fall, and reviews of pictures made by others."""

from uuid import UUID

import pytest

from foundation.errors import Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.log import queries as gate_reads
from gate.ratings import ratings
from gate.reviews.events import RatingRequested
from gate.reviews.handlers import handle_rating_request
from studio.ingest import uploads
from studio.library import assets as library
from studio.library import member_reviews, queries
from studio.library.states import ShelfState
from studio.runs import runner
from studio.runs.states import JobState
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import ZONE, CreatorStudio, Engine
from tests.studio.ingest.test_uploads import work


def member(nova: CreatorStudio, role: Role = Role.MANAGER) -> UUID:
    with nova.scope() as scope:
        return agencies.add_member(
            scope,
            name=str(role),
            email=f"{uuid7()}@example.test",
            role=role,
            language="fr",
            zone=ZONE,
        )


def rate(
    nova: CreatorStudio, asset: UUID, rating: Rating, who: UUID, *, minor: bool = False
) -> None:
    """Request a rating, and have the workers record it."""
    with nova.scope(f"member:{who}") as scope:
        member_reviews.rate_picture(
            scope, asset, rating, minor=minor, shown=DepictionAnswer.NO_PEOPLE
        )
        sha256 = library.get_asset(scope, asset).sha256
    event = RatingRequested(nova.tenant_id, asset, sha256, str(rating), minor, f"member:{who}")
    handle_rating_request(event, tenant=nova.services.tenant)


def test_rating_rises_and_never_falls(nova: CreatorStudio) -> None:
    asset, who = nova.upload(encoded(a_picture(), "JPEG")), member(nova)
    rate(nova, asset, Rating.S, who)
    rate(nova, asset, Rating.N, member(nova))
    with nova.scope() as scope:
        assert queries.get_asset_bytes(scope, asset).standing == ratings.DisplayRating(
            Rating.N, is_withheld=False
        )
    with pytest.raises(Refused):
        rate(nova, asset, Rating.G, who)
    with nova.scope() as scope:
        sha256 = library.get_asset(scope, asset).sha256
    handle_rating_request(
        RatingRequested(nova.tenant_id, asset, sha256, "S", False, f"member:{who}"),
        tenant=nova.services.tenant,
    )
    with nova.scope() as scope:
        assert (
            ratings.effective_rating(scope, sha256) is Rating.N
        )  # # it was raised before the request was handled


@pytest.mark.parametrize("minor", [False, True])
def test_prohibited_picture_is_sealed_at_once(nova: CreatorStudio, minor: bool) -> None:
    asset = nova.upload(encoded(a_picture(), "JPEG"))
    rate(nova, asset, Rating.X, member(nova), minor=minor)
    with nova.scope() as scope:
        shown = queries.get_asset_bytes(scope, asset)
        assert shown.standing == ratings.DisplayRating(Rating.X, is_withheld=True)
        assert ratings.explain_rating(scope, shown.sha256).prohibited == (
            "minor" if minor else "category"
        )


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT])
def test_unauthorised_role_is_refused(nova: CreatorStudio, role: Role) -> None:
    asset, who = nova.upload(encoded(a_picture(), "JPEG")), member(nova, role)
    with pytest.raises(Refused):
        rate(nova, asset, Rating.G, who)
    with nova.scope(f"member:{who}") as scope, pytest.raises(Refused):
        member_reviews.review_picture(scope, asset, approve=True)


def test_uploader_cannot_approve_the_picture(nova: CreatorStudio) -> None:
    who, other = member(nova), member(nova)
    with nova.scope(f"member:{who}") as scope:
        data, store = encoded(a_picture(seed=2), "JPEG"), nova.services.store
        upload_id = uploads.receive_upload(
            scope, creator_id=nova.creator_id, name="a.jpg", data=data, by=scope.actor, store=store
        )
    asset = work(nova, upload_id).asset_id
    assert asset is not None
    with nova.scope(f"member:{who}") as scope:
        with pytest.raises(Refused):
            member_reviews.review_picture(scope, asset, approve=True)
        member_reviews.review_picture(scope, asset, approve=False)
        sha256 = library.get_asset(scope, asset).sha256
        assert gate_reads.review_verdicts(scope, [sha256]) == {sha256: "refuse"}
    with nova.scope(f"member:{other}") as scope:
        member_reviews.review_picture(scope, asset, approve=True)
        assert gate_reads.review_verdicts(scope, [sha256]) == {
            sha256: "refuse"
        }  # # one refusal outweighs approvals
        assert gate_reads.review_verdicts(scope, []) == {}


def test_member_who_requested_a_run_cannot_approve_its_pictures(nova: CreatorStudio) -> None:
    who, job_id = member(nova), nova.start()
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET by = :by WHERE id = :id", by=f"member:{who}", id=job_id)
    nova.work(job_id, Engine)
    with nova.scope(f"member:{who}") as scope:
        first = runner.run_assets(scope, job_id)[0]
        assert member_reviews.makers_of(scope, [first]) == {first: f"member:{who}"}
        with pytest.raises(Refused):
            member_reviews.review_picture(scope, first, approve=True)


def test_unknown_picture_is_not_found(nova: CreatorStudio) -> None:
    with nova.scope(f"member:{member(nova)}") as scope:
        for act in (member_reviews.rate_picture, library.set_shelf_state):
            with pytest.raises(NotFound):
                act(
                    scope,
                    uuid7(),
                    Rating.G if act is member_reviews.rate_picture else ShelfState.KEPT,
                )


def test_pictures_are_kept_and_archived(nova: CreatorStudio) -> None:
    asset = nova.upload(encoded(a_picture(), "JPEG"))
    with nova.scope() as scope:
        library.set_shelf_state(scope, asset, ShelfState.KEPT)
        library.set_shelf_state(scope, asset, ShelfState.KEPT)
        library.set_shelf_state(scope, asset, ShelfState.RETIRED)
        library.set_shelf_state(scope, asset, ShelfState.NEW)  # # archived by mistake
        shelf = scope.run(
            "SELECT shelf FROM creations WHERE asset_id = :asset", asset=asset
        ).scalar_one()
    assert shelf == ShelfState.NEW


def test_stopped_run_keeps_its_finished_pictures(nova: CreatorStudio) -> None:
    job_id = nova.start(variants=3)

    def stop(number: int) -> None:
        if number == 1:
            with nova.scope() as scope:
                runner.stop_run(scope, job_id)

    engine = Engine(before=stop)
    nova.work(job_id, lambda: engine)
    assert nova.progress(job_id) == (JobState.STOPPED, 1, 3), "the unfinished picture is discarded"
    assert len(nova.library()) == 1
    nova.work(job_id, lambda: engine)
    with nova.scope() as scope, pytest.raises(Conflict):
        runner.stop_run(scope, job_id)
    waiting = nova.start(key="other", name="evening")
    with nova.scope() as scope:
        runner.stop_run(scope, waiting)
    assert nova.progress(waiting) == (JobState.STOPPED, 0, 3)


def test_run_makes_the_requested_count(nova: CreatorStudio) -> None:
    from studio.recipes import specs
    from tests.studio.builders import build_spec

    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, build_spec())
        job_id = runner.start_run(
            scope,
            creator_id=nova.creator_id,
            recipe_id=recipe_id,
            seed=1,
            key="k",
            count=1,
            by="member:x",
        )
    nova.work(job_id, Engine)
    assert nova.progress(job_id) == (JobState.DONE, 1, 1)


def test_withheld_pictures_are_not_offered(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        assert library.list_asset_tiles(scope, nova.creator_id) == []
    assets = [nova.upload(encoded(a_picture(seed=seed), "JPEG")) for seed in range(4)]
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, library.get_asset(scope, assets[3]).sha256)
    rate(nova, assets[2], Rating.X, member(nova))
    with nova.scope() as scope:
        assert [
            one.asset_id for one in library.list_asset_tiles(scope, nova.creator_id, limit=2)
        ] == [
            assets[1],
            assets[0],
        ]
        assert [
            one.asset_id for one in library.list_asset_tiles(scope, nova.creator_id, limit=1)
        ] == [assets[1]]
