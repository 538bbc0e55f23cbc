"""A picture frozen during the classification of a derived asset, after the last check: nothing is
recorded."""

from collections.abc import Callable
from uuid import UUID

import pytest

from gate.contract.units import Rating
from gate.ratings import ratings
from generators.analysis.picture_views import PictureView
from generators.contract.classifier import ClassifierReport
from generators.retouch.finish import CopyFinish
from studio.ingest import picture_copies
from studio.ingest.events import PictureCopyDue
from studio.ingest.states import UploadState
from studio.library import assets
from studio.recipes import specs
from studio.recipes.input_pictures import InitPicture
from studio.runs import runner
from studio.runs.states import JobState
from studio.video import slideshows
from studio.video.clips import get_clip
from studio.video.events import SlideshowDue
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, CreatorStudio, Engine, build_spec
from tests.studio.video.test_slideshows import digest, wanted


class Late:
    """A classifier that finds nothing, and calls `happens` during each classification."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self._happens = happens

    def classify_views(self, views: tuple[PictureView, ...]) -> ClassifierReport:
        self._happens()
        return ClassifierReport(self.describe_source(), Rating.G)

    def classify_audio(self, sound: PictureView, *, seconds: float) -> ClassifierReport:
        return self.classify_views((sound,))

    def describe_source(self) -> str:
        return "classifier:late@1"

    def is_known_source(self, source: str) -> bool:
        return source == self.describe_source()


@pytest.fixture
def asset(nova: CreatorStudio) -> UUID:
    found = nova.upload(encoded(a_picture(96, 64), "JPEG"), "one.jpg")
    with nova.scope() as scope:
        rate_and_answer(scope, digest(nova, found), Rating.G, source="member:rob")
    return found


@pytest.fixture
def late(nova: CreatorStudio, asset: UUID) -> Late:
    def freeze() -> None:
        with nova.scope() as scope:
            ratings.freeze_bytes(scope, assets.get_asset(scope, asset).sha256)

    return Late(freeze)


def test_freeze_during_a_variation_records_nothing(
    nova: CreatorStudio, asset: UUID, late: Late
) -> None:
    with nova.scope() as scope:
        recipe = specs.save_recipe(scope, nova.creator_id, build_spec(width=64, height=64))
        given = {"creator_id": nova.creator_id, "recipe_id": recipe, "seed": 7, "key": "vary"}
        # # the values as given
        job = runner.start_run(scope, begin=InitPicture(asset, 50), **given)  # type: ignore[arg-type]  # see above
    nova.work(job, lambda: Engine(does=frozenset({"init"})), classifier=late)
    with nova.scope() as scope:
        why = runner.failure_reason(scope, job)
    assert why is not None
    assert (nova.progress(job)[0], why.code) == ("failed", "job.begins_from_withheld")
    assert nova.count("creations") == nova.count("assets") == 1


def test_freeze_during_a_slideshow_records_nothing(
    nova: CreatorStudio, asset: UUID, late: Late
) -> None:
    with nova.scope() as scope:
        clip_id = slideshows.request_slideshow(
            scope, creator_id=nova.creator_id, wanted=wanted(asset), key="one", by="member:x"
        )
    slideshows.make_slideshow(
        SlideshowDue(nova.tenant_id, clip_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        classifier=late,
    )
    with nova.scope() as scope:
        done = get_clip(scope, clip_id)
    assert done.reason is not None
    assert (done.state, done.reason.code, nova.count("assets")) == (
        JobState.FAILED,
        "clip.withheld",
        1,
    )


def test_freeze_during_a_copy_records_nothing(nova: CreatorStudio, asset: UUID, late: Late) -> None:
    with nova.scope("member:x") as scope:
        copy_id = picture_copies.request_copy(
            scope, asset, CopyFinish(form="square"), by="member:x", store=nova.services.store
        )
    picture_copies.make_copy(
        PictureCopyDue(nova.tenant_id, copy_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        classifier=late,
    )
    with nova.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [copy_id])
    assert found.reason is not None
    assert (found.state, found.reason.code, nova.count("assets")) == (
        UploadState.REFUSED,
        "copy.lost",
        1,
    )
