"""Every way into the library runs the bundled checks, and asks who is shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from foundation.ids import INSTALLATION_ID
from foundation.ops.settings import GeneratorsSettings
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from gate.evidence import answer_facts
from gate.ratings import depiction_answers, ratings
from generators import registry
from generators.contract.engines import GeneratedPicture, ImageJob, OriginLabel
from generators.contract.picture_checks import PictureChecks
from generators.engines.images.placeholder import PlaceholderEngine
from studio.ingest import picture_copies, pipeline, uploads
from studio.ingest.events import PictureCopyDue, UploadDue, WatchFolderDue
from studio.library import assets
from studio.video import slideshows
from studio.video.events import SlideshowDue
from tests.generators.builders import a_picture, encoded
from tests.generators.faces import picture_with_face
from tests.generators.video_builders import build_frames, encode_video
from tests.studio.builders import CREDENTIAL, CreatorStudio
from tests.studio.ingest.test_picture_copies import SQUARE
from tests.studio.video.test_slideshows import ask, wanted
from tests.workers.event_handlers.test_watch_folder import put
from workers.event_handlers import watch_folder

pytestmark = pytest.mark.heavy

FACE = encoded(picture_with_face(), "JPEG")


@pytest.fixture(scope="module")
def checks() -> PictureChecks:
    found = registry.load_picture_checks(GeneratorsSettings())
    assert found is not None
    return found


def by_upload(nova: CreatorStudio, checks: PictureChecks, _: Path, data: bytes = FACE) -> UUID:
    with nova.scope() as scope:
        upload_id = uploads.receive_upload(
            scope,
            creator_id=nova.creator_id,
            name="IMG_1.jpg",
            data=data,
            by="member:x",
            store=nova.services.store,
        )
    return ingested(nova, checks, upload_id)


def ingested(nova: CreatorStudio, checks: PictureChecks, upload_id: UUID) -> UUID:
    uploads.ingest_upload(
        UploadDue(nova.tenant_id, upload_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        checks=checks,
    )
    with nova.scope() as scope:
        asset = uploads.get_upload(scope, upload_id).asset_id
    assert asset is not None
    return asset


def by_video(nova: CreatorStudio, checks: PictureChecks, path: Path) -> UUID:
    """A face in the last half second of a video."""
    frames = build_frames((a_picture(320, 240, seed=3), 1.5), (picture_with_face(), 0.5))
    return by_upload(nova, checks, path, encode_video(frames))


def by_watch_folder(nova: CreatorStudio, checks: PictureChecks, path: Path) -> UUID:
    def look() -> None:
        event = WatchFolderDue(INSTALLATION_ID, INSTALLATION_ID)
        watch_folder.import_waiting_files(
            event, tenant=nova.services.tenant, store=nova.services.store, root=path
        )

    look()
    (folder,) = path.glob(f"*-{nova.tenant_id.hex[-12:]}/*")
    put(folder, "a.jpg", FACE)
    look()
    with nova.scope() as scope:
        upload_id = scope.run(
            "SELECT id FROM uploads WHERE tenant_id = :t", t=nova.tenant_id
        ).scalar_one()
    return ingested(nova, checks, upload_id)


class FaceEngine:
    """An engine that draws a face, like a real model."""

    name = "diffusion"
    model = "portraits-1"
    does: frozenset[str] = frozenset()

    def draw(self, job: ImageJob, progress: Any = None) -> GeneratedPicture:
        return GeneratedPicture(
            data=FACE,
            mime="image/jpeg",
            width=320,
            height=240,
            engine=self.name,
            model=self.model,
            label=OriginLabel.NONE,
            seed=job.seed,
            prompt=job.prompt,
        )


def by_generation(nova: CreatorStudio, checks: PictureChecks, _: Path) -> UUID:
    run = nova.start(variants=1)
    nova.work(run, FaceEngine, checks=checks)
    return nova.library()[0].asset_id


def by_copy(nova: CreatorStudio, checks: PictureChecks, _: Path) -> UUID:
    """A copy of a picture that was recorded without the models."""
    first = nova.upload(FACE)
    with nova.scope() as scope:
        copy_id = picture_copies.request_copy(
            scope,
            first,
            SQUARE,
            by="member:x",
            store=nova.services.store,
        )
    picture_copies.make_copy(
        PictureCopyDue(nova.tenant_id, copy_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        cutter=lambda: None,
        upscaler=lambda: None,
        checks=checks,
    )
    with nova.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [copy_id])
    assert found.made_id is not None
    return found.made_id


def by_clip(nova: CreatorStudio, checks: PictureChecks, _: Path) -> UUID:
    first = nova.upload(FACE)
    with nova.scope() as scope:
        ratings.record_rating(scope, digest(nova, first), Rating.G, source="member:rob")
    clip = ask(nova, wanted(first))
    slideshows.make_slideshow(
        SlideshowDue(nova.tenant_id, clip),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        checks=checks,
    )
    return next(one.asset_id for one in nova.library() if one.asset_id != first)


def digest(nova: CreatorStudio, asset: UUID) -> str:
    with nova.scope() as scope:
        return assets.get_asset(scope, asset).sha256


def facts(nova: CreatorStudio, asset: UUID) -> Any:
    sha256 = digest(nova, asset)
    with nova.scope() as scope:
        return answer_facts.answer_facts(scope, [sha256], {sha256: Rating.G})[sha256]


WAYS: dict[str, Callable[[CreatorStudio, PictureChecks, Path], UUID]] = {
    "upload": by_upload,
    "video": by_video,
    "watch folder": by_watch_folder,
    "generation": by_generation,
    "copy": by_copy,
    "clip": by_clip,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_face_contradicts_an_answer_that_shows_nobody(
    nova: CreatorStudio, checks: PictureChecks, tmp_path: Path, way: Callable[..., UUID]
) -> None:
    asset = way(nova, checks, tmp_path)
    assert facts(nova, asset).answer == ""
    with nova.scope() as scope:
        depiction_answers.record_answer(
            scope, asset, DepictionAnswer.NO_PEOPLE, source="member:x", principal=None
        )
    assert [one.reason for one in facts(nova, asset).doubts] == ["DEPICTION_CONTRADICTED"]
    with nova.scope() as scope:
        assert ratings.effective_rating(scope, digest(nova, asset)) in (None, Rating.G)


def test_scenes_of_our_own_engine_show_nobody(nova: CreatorStudio, checks: PictureChecks) -> None:
    nova.work(nova.start(variants=1), PlaceholderEngine, checks=checks)
    assert facts(nova, nova.library()[0].asset_id) == answer_facts.AnswerFacts("no_people")


def test_picture_redrawn_by_a_model_is_asked_about_again(nova: CreatorStudio) -> None:
    first = nova.upload(encoded(a_picture(seed=8), "JPEG"))
    with nova.scope() as scope:
        depiction_answers.record_answer(
            scope, first, DepictionAnswer.NO_PEOPLE, source="member:x", principal=None
        )
    redrawn = pipeline.prepare_generated_picture(
        FaceEngine().draw(ImageJob("a portrait", 1)),
        key="redrawn",
        alt="",
        credential=CREDENTIAL,
        parent=first,
    )
    assert facts(nova, nova.bring(redrawn)).answer == ""
