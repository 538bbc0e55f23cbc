"""Slideshows of a creator's pictures: in the library once after any crash; no foreign or withheld
pictures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from gate.assets.derivations import parts_of_asset
from gate.contract.units import Rating
from gate.ratings import ratings
from generators.contract.engines import ImageJob, OriginLabel
from generators.engines.images.placeholder import PlaceholderEngine
from generators.provenance import content_credentials
from generators.video import encoder, video_files
from generators.video.slideshow import ClipForm, StillMotion
from studio.ingest import pipeline
from studio.runs import lineage
from studio.runs.states import JobState
from studio.video import clips, slideshows
from studio.video.clips import ClipView
from studio.video.events import SlideshowDue
from studio.video.slideshows import SlideshowPicture, SlideshowRequest
from studio.voice.models import SpeechRow
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.generators.video_builders import encode_speech
from tests.studio.builders import CREDENTIAL, CreatorStudio, create_studio
from tests.studio.recipes.test_prompt_rating import EXPLICIT, OF_AGE
from workers.event_routes import registry
from workers.wiring import Services

pytestmark = pytest.mark.heavy


def still(nova: CreatorStudio, seed: int = 1, rating: Rating | None = Rating.G) -> UUID:
    asset = nova.upload(encoded(a_picture(seed=seed), "JPEG"), f"{seed}.jpg")
    if rating is not None:
        with nova.scope() as scope:
            rate_and_answer(scope, digest(nova, asset), rating, source="member:rob")
    return asset


def digest(nova: CreatorStudio, asset: UUID) -> str:
    with nova.scope() as scope:
        found = asset_records.newest_rendition(scope, asset, "post")
    assert found is not None
    return found.sha256


def wanted(*assets: UUID, **changes: Any) -> SlideshowRequest:
    shots = tuple(SlideshowPicture(one, 1.0, StillMotion.IN) for one in assets)
    return replace(SlideshowRequest(shots, ClipForm.SQUARE, fades=False), **changes)


def ask(nova: CreatorStudio, want: SlideshowRequest, key: str = "one") -> UUID:
    with nova.scope() as scope:
        return slideshows.request_slideshow(
            scope, creator_id=nova.creator_id, wanted=want, key=key, by="member:x"
        )


def work(nova: CreatorStudio, clip_id: UUID, *, store: Any = None) -> ClipView:
    slideshows.make_slideshow(
        SlideshowDue(nova.tenant_id, clip_id),
        tenant=nova.services.tenant,
        store=store or nova.services.store,
        credential=lambda: CREDENTIAL,
        told_every=0.0,
    )
    return how(nova, clip_id)


def how(nova: CreatorStudio, clip_id: UUID) -> ClipView:
    with nova.scope() as scope:
        return clips.get_clip(scope, clip_id)


class Watched:
    """The real store, but with an event before its n-th call of a kind."""

    def __init__(
        self, store: ObjectStore, kind: str, number: int, happens: Callable[[], None]
    ) -> None:
        self._store, self._kind, self._left, self._happens = store, kind, number, happens

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name != self._kind:
            return found

        def called(*given: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._happens()
            return found(*given)

        return called


def die() -> None:
    raise KeyboardInterrupt


def test_slideshow_is_ingested_with_all_its_pictures_as_sources(nova: CreatorStudio) -> None:
    one, two = still(nova, 1), still(nova, 2, Rating.N)
    clip_id = ask(
        nova,
        wanted(
            one,
            two,
            shots=(SlideshowPicture(one, 1.0, caption="Bonjour l’été"), SlideshowPicture(two, 1.0)),
        ),
    )
    assert ask(nova, wanted(one)) == clip_id  # # the same request again
    assert how(nova, clip_id).state is JobState.QUEUED
    done = work(nova, clip_id)
    assert (done.state, done.done, done.total) == (JobState.DONE, 60, 60)
    assert done.asset_id is not None
    assert work(nova, clip_id) == done  # # the same row twice
    sha256 = digest(nova, done.asset_id)
    film = video_files.reopen_video(nova.services.store.get(nova.tenant_id, sha256), name="clip")
    assert (film.size, round(film.seconds)) == ((1080, 1080), 2)
    with nova.scope() as scope:
        assert parts_of_asset(scope, done.asset_id) == [one, two]
        assert [card.asset_id for card in lineage.get_lineage(scope, done.asset_id).sources] == [
            one,
            two,
        ]
        for still_of in (one, two):
            assert [card.asset_id for card in lineage.get_lineage(scope, still_of).children] == [
                done.asset_id
            ]
        assert ratings.effective_rating(scope, sha256) is Rating.N
        words = scope.run(
            "SELECT words FROM inspections WHERE sha256 = :s AND source = 'house'", s=sha256
        ).scalar_one()
    assert words == ["Bonjour l’été"]
    item = next(item for item in nova.library() if item.asset_id == done.asset_id)
    assert (item.engine, item.alt) == ("clips", "Bonjour l’été")
    assert nova.count("asset_parts") == 2


def test_unrated_pictures_make_an_unrated_slideshow(nova: CreatorStudio) -> None:
    done = work(nova, ask(nova, wanted(still(nova, 1), still(nova, 2, None))))
    assert done.asset_id is not None
    with nova.scope() as scope:
        assert ratings.effective_rating(scope, digest(nova, done.asset_id)) is None


@pytest.mark.parametrize(("kind", "number"), [("get", 1), ("put", 1), ("put", 2), ("put", 3)])
def test_crash_at_any_store_call_makes_one_slideshow(
    nova: CreatorStudio, kind: str, number: int
) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    before = len(nova.library())
    with pytest.raises(KeyboardInterrupt):
        work(nova, clip_id, store=Watched(nova.services.store, kind, number, die))
    assert how(nova, clip_id).state is JobState.RUNNING
    assert work(nova, clip_id).state is JobState.DONE
    assert len(nova.library()) == before + 1


def test_crash_after_storing_a_slideshow_repeats_the_same_asset(nova: CreatorStudio) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    first = work(nova, clip_id).asset_id
    with nova.scope() as scope:  # # as after a crash between the library and the row
        scope.run("UPDATE clips SET state = 'running', asset_id = NULL WHERE id = :id", id=clip_id)
    assert work(nova, clip_id).asset_id == first
    assert nova.count("asset_parts") == 1


def test_stop_ends_the_slideshow_during_drawing(nova: CreatorStudio) -> None:
    clip_id = ask(nova, wanted(still(nova, 1), still(nova, 2)))

    def stop() -> None:
        with nova.scope() as scope:
            clips.stop_clip(scope, clip_id)

    before = len(nova.library())
    done = work(nova, clip_id, store=Watched(nova.services.store, "get", 2, stop))
    assert (done.state, done.asset_id) == (JobState.STOPPED, None)
    assert len(nova.library()) == before
    with pytest.raises(Conflict):
        stop()


def test_picture_frozen_during_a_slideshow_is_not_used(nova: CreatorStudio) -> None:
    one, two = still(nova, 1), still(nova, 2)
    clip_id = ask(nova, wanted(one, two))

    def freeze() -> None:
        with nova.scope() as scope:
            ratings.freeze_bytes(scope, digest(nova, two))

    done = work(nova, clip_id, store=Watched(nova.services.store, "get", 2, freeze))
    assert done.state is JobState.FAILED
    assert done.reason is not None
    assert done.reason.code == "clip.withheld"
    with pytest.raises(Refused):
        ask(nova, wanted(one, two), "again")


def test_sound_is_a_source_and_generated_parts_are_marked(
    nova: CreatorStudio,
) -> None:
    sound = nova.bring(pipeline.prepare_upload(encode_speech("come to the beach"), name="sea.m4a"))
    drawn = replace(
        PlaceholderEngine().draw(ImageJob(prompt="a beach", seed=1, width=128, height=128)),
        label=OriginLabel.NONE,
        engine="comfyui",
    )
    made = nova.bring(
        pipeline.prepare_generated_picture(drawn, key="made", alt="", credential=CREDENTIAL)
    )
    done = work(nova, ask(nova, wanted(made, sound=sound)))
    assert done.asset_id is not None
    data = nova.services.store.get(nova.tenant_id, digest(nova, done.asset_id))
    assert video_files.reopen_video(data, name="clip").heard is not None
    mark = content_credentials.verify_media(data, "video/mp4")
    assert (mark.engine, mark.source) == ("clips", "compositeWithTrainedAlgorithmicMedia")
    with nova.scope() as scope:
        assert set(parts_of_asset(scope, done.asset_id)) == {made, sound}
        found = asset_records.newest_rendition(scope, done.asset_id, "post")
    assert found is not None
    assert found.ai == "generated"


def test_generated_speech_is_played_once_to_its_end(nova: CreatorStudio) -> None:
    sound = nova.bring(pipeline.prepare_upload(encode_speech("come to the beach"), name="sea.m4a"))
    with nova.scope() as scope:
        given = {
            "key": "said",
            "words": "x",
            "language": "en",
            "engine": "piper",
            "voice": "v",
            "by": "member:x",
        }
        said = {"state": "made", "characters": 0, "asset_id": sound, "licence": {}}
        scope.add(SpeechRow(tenant_id=scope.tenant_id, creator_id=nova.creator_id, **given, **said))
        stored = asset_records.newest_rendition(scope, sound, "post")
    assert stored is not None
    asked = wanted(still(nova), sound=sound)
    shortest = replace(asked, shots=(replace(asked.shots[0], seconds=1.0),))
    done = work(nova, ask(nova, shortest))
    assert done.asset_id is not None
    spoken = video_files.inspect_video(
        nova.services.store.get(nova.tenant_id, stored.sha256), name="x"
    ).seconds
    made = video_files.inspect_video(
        nova.services.store.get(nova.tenant_id, digest(nova, done.asset_id)), name="x"
    ).seconds
    assert made == pytest.approx(spoken + encoder.FADE_OUT_SECONDS, abs=0.15)


def test_foreign_pictures_and_prohibited_captions_are_refused(
    nova: CreatorStudio, services: Services
) -> None:
    one = still(nova)
    other = create_studio(services)
    foreign = still(other)
    sound = nova.bring(pipeline.prepare_upload(encode_speech("come to the beach"), name="sea.m4a"))
    for want, error in (
        (wanted(one, foreign), NotFound),
        (wanted(uuid7()), NotFound),
        (wanted(one, sound), BadInput),
        (wanted(one, sound=one), BadInput),
        (wanted(), BadInput),
        (wanted(one, shots=(SlideshowPicture(one, 99.0),)), BadInput),
        (
            wanted(one, shots=(SlideshowPicture(one, 1.0, caption=f"{OF_AGE}, {EXPLICIT}"),)),
            Refused,
        ),
    ):
        with pytest.raises(error):
            ask(nova, want, str(uuid7()))
    assert nova.count("clips") == 0
    clip_id = ask(nova, wanted(one))
    with other.scope() as scope, pytest.raises(NotFound):
        clips.get_clip(scope, clip_id)


def test_missing_picture_and_given_up_slideshow_are_reported(nova: CreatorStudio) -> None:
    asset = still(nova)
    clip_id, other = ask(nova, wanted(asset)), ask(nova, wanted(asset), "other")
    nova.services.store.delete(nova.tenant_id, digest(nova, asset))
    assert work(nova, clip_id).state is JobState.FAILED
    clips.fail_clip_after_retries(SlideshowDue(nova.tenant_id, other), tenant=nova.services.tenant)
    done = how(nova, other)
    assert done.reason is not None
    assert (done.state, done.reason.code) == (JobState.FAILED, "clip.gave_up")
    with nova.scope() as scope:
        said = scope.run(
            "SELECT count(*) FROM notices WHERE cause = ANY(:c)",
            c=[f"clip:{clip_id}", f"clip:{other}"],
        )
        assert said.scalar_one() == 2
        assert [
            one.id for one in clips.list_recent_clips(scope, nova.creator_id, since=scope.now)
        ] in (
            [],
            [other, clip_id],
        )


def test_progress_is_reported(nova: CreatorStudio) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    seen: list[int] = []

    def look() -> None:
        seen.append(how(nova, clip_id).done)

    work(nova, clip_id, store=Watched(nova.services.store, "put", 1, look))
    assert seen == [29]


def test_slideshow_has_a_route_and_a_queue(nova: CreatorStudio) -> None:
    clip_id = ask(nova, wanted(still(nova)))
    route = registry.build_routes(nova.services).by_kind[SlideshowDue.kind]
    with nova.scope() as scope:
        said = scope.run(
            "SELECT queue FROM outbox WHERE subject_id = :id AND kind = :kind",
            id=clip_id,
            kind="clip.cut",
        )
        assert said.scalars().all() == ["make"]
    route.handler(SlideshowDue(nova.tenant_id, clip_id))
    assert how(nova, clip_id).state is JobState.DONE
