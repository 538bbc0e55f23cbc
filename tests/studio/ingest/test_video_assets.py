"""Ingest of videos and sounds: records, and required reviews where the classifier fails."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from foundation.errors import Unavailable
from foundation.storage.object_store import bytes_digest
from gate.contract.units import Rating
from gate.ratings import inspections, ratings
from gate.removal import recall
from generators.contract.engines import EngineError
from generators.engines.vision.http_classifier import HttpClassifier as Client
from studio.ingest import pipeline, uploads
from studio.ingest.events import UploadDue
from studio.ingest.states import UploadState
from studio.library import assets
from tests.fakes.generators.classifier import FakeClassifier, serving
from tests.gate.answers import rate_and_answer
from tests.generators import video_builders
from tests.generators.builders import a_picture, encoded
from tests.generators.video_builders import build_frames, encode_speech, encode_video
from tests.studio.builders import CreatorStudio
from tests.studio.ingest.test_classification import Dies, again, bring, client, digest, due, said
from tests.studio.ingest.test_uploads import hand_in, work

pytestmark = pytest.mark.heavy

TABLES = ("assets", "renditions", "inspections", "creations")


@pytest.fixture
def eyes() -> Iterator[FakeClassifier]:
    with serving() as state:
        yield state


def moving(*seeds: int, seconds: float = 1.0) -> bytes:
    """Encode a video of smooth pictures, each shown for so many seconds."""
    return encode_video(
        build_frames(
            *(
                (a_picture(video_builders.WIDE, video_builders.HIGH, seed=seed), seconds)
                for seed in seeds
            )
        )
    )


def kept(nova: CreatorStudio, asset: UUID) -> list[tuple[str, str]]:
    """Return profile and kind of each rendition of an asset."""
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT profile, mime FROM renditions WHERE asset_id = :asset ORDER BY id", asset=asset
        )
        return [(row.profile, row.mime) for row in rows]


def stored(nova: CreatorStudio, sha256: str) -> bytes:
    return nova.services.store.get(nova.tenant_id, sha256)


def returned(nova: CreatorStudio, sha256: str) -> str:
    with nova.scope() as scope:
        found = scope.run(
            "SELECT returned FROM inspections WHERE sha256 = :s AND source = 'house'", s=sha256
        )
        return str(found.scalar_one())


def test_video_is_ingested_with_a_poster_and_every_frame_on_sheets(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    asset = bring(nova, encode_video(build_frames(("G", 8.0)), words="HELLO"), client(eyes))
    assert kept(nova, asset) == [
        ("post", "video/mp4"),
        ("poster", "image/jpeg"),
        *[("sheet", "image/jpeg")] * 2,
    ]
    with nova.scope() as scope:
        medium = assets.get_rendition(scope, asset, "sandbox")
        assert (medium.mime, medium.width, medium.height, medium.seconds) == (
            "video/mp4",
            video_builders.WIDE,
            video_builders.HIGH,
            8,
        )
        assert ratings.effective_rating(scope, medium.sha256) is None, (
            "people decide; a classifier only raises"
        )
        found = scope.run("SELECT words FROM inspections WHERE source = 'classifier:tiles@1'").one()
    assert found.words == ["HELLO"]
    assert stored(nova, medium.sha256)[4:8] == b"ftyp"
    assert any(name.startswith("mean.7000") for name in eyes.every)
    assert due(nova) == []


def test_sound_is_ingested_with_a_poster(nova: CreatorStudio, eyes: FakeClassifier) -> None:
    asset = bring(nova, encode_speech("HELLO", suffix="ogg"), client(eyes))
    assert kept(nova, asset) == [("post", "audio/mp4"), ("poster", "image/jpeg")]
    assert eyes.heard == ["HELLO"]
    assert eyes.every == []


def test_poster_takes_the_rating_of_its_video(nova: CreatorStudio) -> None:
    sha256 = digest(nova, bring(nova, moving(1), None))
    with nova.scope() as scope:
        rate_and_answer(scope, sha256, Rating.E, source="member:a")
        poster = scope.run("SELECT sha256 FROM renditions WHERE profile = 'poster'").scalar_one()
        rate_and_answer(scope, poster, Rating.G, source="rule:still")
        assert ratings.effective_rating(scope, poster) is Rating.E


def test_picture_taken_from_an_explicit_video_keeps_a_lowest_rating(nova: CreatorStudio) -> None:
    """The same holds for a video made from an explicit picture."""
    for first, second in (
        (moving(1), encoded(a_picture(seed=9))),
        (encoded(a_picture(seed=8)), moving(2)),
    ):
        parent = bring(nova, first, None)
        prepared = pipeline.prepare_upload(second, name="b")
        child = nova.bring(replace(prepared, source=replace(prepared.source, parent=parent)))
        with nova.scope() as scope:
            rate_and_answer(scope, digest(nova, parent), Rating.E, source="member:a")
            rate_and_answer(scope, digest(nova, child), Rating.G, source="member:a")
            assert ratings.effective_rating(scope, digest(nova, child)) is Rating.S


def test_video_waits_for_people_without_a_classifier(nova: CreatorStudio) -> None:
    sha256 = digest(nova, bring(nova, moving(1), None))
    with nova.scope() as scope:
        assert ratings.effective_rating(scope, sha256) is None
        assert not inspections.needs_inspection(scope, sha256)


def test_video_needs_a_review_when_the_classifier_has_no_audio(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    eyes.deaf = True
    sha256 = digest(
        nova, bring(nova, encode_video(build_frames(("N", 1.0)), words="HELLO"), client(eyes))
    )
    assert said(nova, sha256) == [("classifier:tiles@1", "N")], "the visual result counts"
    with nova.scope() as scope:
        assert inspections.needs_inspection(scope, sha256)
    assert due(nova) == []
    silent = digest(nova, bring(nova, encode_video(build_frames(("G", 1.0))), client(eyes)))
    with nova.scope() as scope:
        assert not inspections.needs_inspection(scope, silent), (
            "a silent video needs no audio check"
        )


def test_partial_classification_counts_and_the_rest_is_repeated_later(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    eyes.patience = 1
    sha256 = digest(
        nova, bring(nova, encode_video(build_frames(("E", 4.0), ("G", 8.0))), client(eyes))
    )
    assert said(nova, sha256) == [("classifier:tiles@1", "E")]
    (waiting,) = due(nova)
    with pytest.raises(EngineError):
        again(nova, waiting, client(eyes))
    with nova.scope() as scope:
        assert inspections.needs_inspection(scope, sha256)
    eyes.patience = 10**9
    again(nova, waiting, client(eyes))
    with nova.scope() as scope:
        assert not inspections.needs_inspection(scope, sha256)


def test_unclassified_video_is_classified_later(nova: CreatorStudio, eyes: FakeClassifier) -> None:
    eyes.status = 503
    sha256 = digest(nova, bring(nova, encode_video(build_frames(("E", 1.0))), client(eyes)))
    assert said(nova, sha256) == []
    (waiting,) = due(nova)
    eyes.status = 200
    again(nova, waiting, client(eyes))
    assert said(nova, sha256) == [("classifier:tiles@1", "E")]


def test_deviating_cover_is_recorded(nova: CreatorStudio) -> None:
    data = video_builders.add_cover(
        encode_video(build_frames(("G", 1.0))), encoded(a_picture(256, 192))
    )
    bring(nova, data, None)
    with nova.scope() as scope:
        assert scope.run("SELECT hidden FROM inspections WHERE source = 'house'").scalar_one()


def test_subtitles_are_judged_with_the_video(nova: CreatorStudio) -> None:
    bring(nova, video_builders.add_subtitles(build_frames(("G", 2.0)), "EXPLICIT-MARKER-A"), None)
    with nova.scope() as scope:
        assert scope.run("SELECT words FROM inspections WHERE source = 'house'").scalar_one() == [
            "EXPLICIT-MARKER-A"
        ]


def blocked(nova: CreatorStudio, sha256: str) -> None:
    with nova.scope() as scope:
        recall.block_bytes(scope, sha256, category="shown", phash=None)


AGAIN: dict[str, tuple[str, Callable[[], bytes]]] = {
    "the video saved again and smaller": (
        "near",
        lambda: video_builders.shrink_video(moving(1, 2, 3)),
    ),
    "a fifth of it": ("near", lambda: moving(2)),
    "most of it with a beginning": ("near", lambda: moving(7, 1, 2, 3)),
    "one scene of it among many": ("close", lambda: moving(4, 5, 6, 7, 8, 9, 10, 11, 12, 3)),
    "a still of it": (
        "near",
        lambda: encoded(a_picture(video_builders.WIDE, video_builders.HIGH, seed=3)),
    ),
    "another film": ("", lambda: moving(4, 5, 6)),
    "a black film": ("", lambda: encode_video([Image.new("RGB", (64, 48))] * 10)),
}


@pytest.mark.parametrize("first", [True, False], ids=["blocked before", "blocked after"])
@pytest.mark.parametrize("how", AGAIN)
def test_blocked_video_is_recognised_when_it_returns(
    nova: CreatorStudio, how: str, first: bool
) -> None:
    gone = digest(nova, bring(nova, moving(1, 2, 3, 13, 14), None))
    if first:
        blocked(nova, gone)
    answer, made = AGAIN[how]
    back = digest(nova, bring(nova, made(), None))
    if not first:
        blocked(nova, gone)
    assert returned(nova, back) == answer


@pytest.mark.parametrize("first", [True, False], ids=["blocked before", "blocked after"])
def test_video_that_shows_a_blocked_picture_is_recognised(nova: CreatorStudio, first: bool) -> None:
    picture = digest(nova, bring(nova, encoded(a_picture(512, 384, seed=2)), None))
    with nova.scope() as scope:
        look = scope.run("SELECT phash FROM renditions WHERE sha256 = :s", s=picture).scalar_one()

    def block() -> None:
        with nova.scope() as scope:
            recall.block_bytes(scope, picture, category="shown", phash=look)

    if first:
        block()
    with_it, without = (
        digest(nova, bring(nova, moving(*seeds), None)) for seeds in ((1, 2, 3), (4, 5, 6))
    )
    if not first:
        block()
    assert (returned(nova, with_it), returned(nova, without)) == ("near", "")


def test_broken_video_is_refused_with_a_reason_and_not_recorded(nova: CreatorStudio) -> None:
    done = work(
        nova,
        hand_in(nova, video_builders.add_noise(encode_video(build_frames(("G", 1.0)))), "clip.mp4"),
    )
    assert done.state is UploadState.REFUSED
    assert done.reason is not None
    assert done.reason.code == "film.corrupt"
    assert [nova.count(name) for name in TABLES] == [0] * 4


def test_uploaded_video_becomes_an_asset_and_its_upload_is_erased(nova: CreatorStudio) -> None:
    data = moving(1)
    done = work(nova, hand_in(nova, data, "clip.mp4"))
    assert done.state is UploadState.READY
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(data))


def test_crash_during_video_ingest_records_nothing_and_a_retry_completes(
    nova: CreatorStudio, eyes: FakeClassifier
) -> None:
    upload = hand_in(nova, encode_video(build_frames(("S", 1.0)), words="HI"), "clip.mp4")

    class Dying(Client):
        def classify_audio(self, *args: Any, **more: Any) -> Any:
            super().classify_audio(*args, **more)
            raise Dies

    event, services = UploadDue(nova.tenant_id, upload), nova.services
    dying = Dying(eyes.url, frozenset({eyes.who}))
    with pytest.raises(Dies):
        uploads.ingest_upload(event, tenant=services.tenant, store=services.store, classifier=dying)
    assert [nova.count(name) for name in TABLES] == [0] * 4
    for _ in range(2):
        uploads.ingest_upload(
            event, tenant=services.tenant, store=services.store, classifier=client(eyes)
        )
    (item,) = nova.library()
    assert said(nova, item.sha256) == [("classifier:tiles@1", "S")]


def test_full_disk_is_retried(nova: CreatorStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = hand_in(nova, moving(1), "clip.mp4")
    monkeypatch.setattr("tempfile.tempdir", "/dev/full/none")
    with pytest.raises(Unavailable):
        work(nova, upload)
    monkeypatch.undo()
    assert work(nova, upload).state is UploadState.READY


def test_sheets_of_two_videos_are_never_the_same_bytes(nova: CreatorStudio) -> None:
    first, second = (
        encode_video(build_frames(("G", 1.0))),
        encode_video(build_frames(("G", 1.0)), words="OTHER"),
    )
    assets = [bring(nova, data, None) for data in (first, second)]
    assert [kept(nova, asset)[-1][0] for asset in assets] == ["sheet", "sheet"]
    with nova.scope() as scope:
        assert (
            scope.run("SELECT count(*) FROM assets WHERE parent_id IS NOT NULL").scalar_one() == 0
        )
