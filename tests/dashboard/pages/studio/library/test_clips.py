"""Slideshows as members create them: arranged, requested, followed, stopped; only of pictures of
permitted creators."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle
from dashboard.pages.studio.recipes.queries import RECENT_WINDOW
from foundation.db.database import OpenScope
from foundation.storage.object_store import bytes_digest
from gate.assets import asset_records
from gate.assets.derivations import ancestors_and_descendants
from gate.contract.units import Rating
from generators.video import video_files
from studio.runs.states import JobState
from studio.video import clips, slideshows
from studio.video.events import SlideshowDue
from studio.video.slideshows import SlideshowPicture, SlideshowRequest
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.studio.test_page import pick, store, word
from tests.dashboard.streamlit_client import stream
from tests.studio.builders import CREDENTIAL


def clips_of(who: Agency) -> list[clips.ClipView]:
    with who.scope() as scope:
        return clips.list_recent_clips(scope, who.creator_id, since=scope.now - RECENT_WINDOW)


def cut(door: Door, who: Agency, clip_id: UUID) -> None:
    slideshows.make_slideshow(
        SlideshowDue(who.tenant_id, clip_id),
        tenant=door.tenant,
        store=store(door),
        credential=lambda: CREDENTIAL,
    )


@pytest.mark.heavy
def test_slideshow_is_arranged_requested_and_in_the_library(door: Door, lumiere: Agency) -> None:
    first, second = (picture(door, lumiere, seed=seed, rating=Rating.G) for seed in (1, 2))
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page, 0)
        assert word("studio.clip.length", seconds=3, most=90) in page.again()
        text = pick(page, 1)  # newest first: second, first
        assert word("studio.clip.length", seconds=6, most=90) in text
        page.press(word("studio.clip.earlier"))
        page.choose(word("studio.clip.form"), word("studio.clip.form.square"))
        page.type(word("studio.clip.words", number=1), "L’été, à Nîmes")
        page.choose(word("studio.clip.motion", number=1), word("studio.clip.motion.in"))
        text = page.type(word("studio.clip.seconds", number=1), "1")
        assert word("studio.clip.length", seconds=4, most=90) in text
        page.type(word("studio.clip.seconds", number=2), "1")
        assert word("studio.clip.asked") in page.press_twice(word("studio.clip.ask"))
        (found,) = clips_of(lumiere)
        assert (found.state, found.total) == (JobState.QUEUED, 60)
        assert word("state.job.queued") in page.again()
        cut(door, lumiere, found.id)
        assert word("studio.clip.done", percent=100) in page.again()
    (found,) = clips_of(lumiere)
    assert found.asset_id is not None
    with lumiere.scope() as scope:
        made = asset_records.newest_rendition(scope, found.asset_id, "post")
        assert ancestors_and_descendants(scope, found.asset_id, most=1) == ([first, second], []), (
            "the sources are in display order"
        )
    assert made is not None
    data = store(door).get(lumiere.tenant_id, made.sha256)
    assert bytes_digest(data) == made.sha256
    assert video_files.reopen_video(data, name="clip").size == (1080, 1080)


def test_account_with_a_longer_minimum_is_named(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=lumiere.creator_id,
            platform="instagram",
            surface="instagram.post",
            account=f"lea-{lumiere.tenant_id}",
            name="Léa sur Instagram",
            base_url="http://127.0.0.1:9",
            token=None,
            zone="Europe/Paris",
        )
    picture(door, lumiere, rating=Rating.G)
    too_short = word("connectors.film_too_short", seconds=1, least=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert "Léa sur Instagram" not in pick(page)
        text = page.type(word("studio.clip.seconds", number=1), "1")
        assert "Léa sur Instagram" in text
        assert too_short in text
        assert too_short not in page.type(word("studio.clip.seconds", number=1), "4")


@pytest.mark.heavy
def test_unsupported_characters_are_reported_and_clip_is_stopped(
    door: Door, lumiere: Agency
) -> None:
    picture(door, lumiere, rating=Rating.G)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        pick(page)
        page.type(word("studio.clip.words", number=1), "海")
        assert word("clip.letters", letters="海") in page.press(word("studio.clip.ask"))
        assert clips_of(lumiere) == []
        page.type(word("studio.clip.words", number=1), "")
        page.press(word("studio.clip.ask"))
        assert word("studio.clip.stopped") in page.press(word("studio.clip.stop"))
        assert word("state.job.stopped") in page.again()
    (found,) = clips_of(lumiere)
    cut(door, lumiere, found.id)  # its job still runs
    assert (clips_of(lumiere)[0].state, clips_of(lumiere)[0].asset_id) == (JobState.STOPPED, None)


def test_clips_of_another_agency_are_hidden(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    nocturne = create_agency(tenant)
    asset = picture(door, lumiere, rating=Rating.G)
    with lumiere.scope() as scope:
        wanted = SlideshowRequest((SlideshowPicture(asset),))
        slideshows.request_slideshow(
            scope, creator_id=lumiere.creator_id, wanted=wanted, key="a", by="member:x"
        )
    assert clips_of(nocturne) == []
    with stream(door.url, door.cookie(nocturne)) as page:
        assert word("studio.clip.stop") not in page.open("/studio")
        assert word("studio.clip.stop") not in page.labels()
