"""Content hidden in a video: each attempt is held or blocked, and the same video without it is
published."""

from collections.abc import Callable
from typing import Any

import pytest

from foundation.db.database import Database
from gate.contract.units import Medium, Rating
from gate.ratings import ratings
from generators.engines.vision.http_classifier import HttpClassifier as Client
from studio.ingest import pipeline
from studio.library import assets
from tests.attacks.harness import CLEAN, Result, Tokens
from tests.attacks.pictures import AUTHOR, AccountFiles, send_and_count
from tests.attacks.pictures import post_unit as posted
from tests.attacks.videos import ingest_rated_video, reel_unit
from tests.channels.builders import World, world
from tests.fakes.generators.classifier import FakeClassifier, serving
from tests.fakes.sandbox import RunningSandbox
from tests.gate.answers import rate_and_answer
from tests.generators import video_builders
from tests.generators.builders import a_picture, encoded

Attempt = Callable[[World, bool], Result]


def cover(lea: World, harm: bool) -> Result:
    """Hide another picture in the cover that players show before the video."""
    other = encoded(a_picture(256, 192)) if harm else video_builders.encode_tile("G")
    return reel_unit(
        lea,
        video_builders.add_cover(
            video_builders.encode_video(video_builders.build_frames(("G", 1.0))), other
        ),
    )


def explicit_cover(lea: World, harm: bool) -> Result:
    """Use an explicit cover close to the video. It is rated with the video."""
    return reel_unit(
        lea,
        video_builders.add_cover(
            video_builders.encode_video(video_builders.build_frames(("G", 1.0))),
            video_builders.encode_tile("E" if harm else "G"),
        ),
    )


def subtitle(lea: World, harm: bool) -> Result:
    """Hide a word in a subtitle track."""
    tokens = Tokens()
    word, rules = tokens["EXPLICIT-MARKER-A"] if harm else CLEAN, tokens.bundle()
    return reel_unit(
        lea,
        video_builders.add_subtitles(video_builders.build_frames(("G", 2.0)), word),
        bundle=rules,
    )


def one_frame(lea: World, harm: bool) -> Result:
    """Hide one frame between two samples, at a cut."""
    return reel_unit(
        lea,
        video_builders.encode_video(
            video_builders.build_frames(("G", 2.3), ("E" if harm else "G", 0.1), ("G", 2.0))
        ),
    )


def voice(lea: World, harm: bool) -> Result:
    """Hide words in an audio file."""
    tokens = Tokens()
    word, rules = tokens["EXPLICIT-MARKER-A"] if harm else CLEAN, tokens.bundle()
    return reel_unit(lea, video_builders.encode_speech(word, suffix="ogg"), bundle=rules)


def person_who_looks_too_little(lea: World, harm: bool) -> Result:
    """Send a briefly explicit video while the classifier is unavailable. Without a rating it is not
    published."""
    eyes = FakeClassifier(status=503 if harm else 200)
    data = video_builders.encode_video(
        video_builders.build_frames(("G", 1.0), ("E" if harm else "G", 0.3))
    )
    return posted_unrated(lea, data, eyes, rated=not harm)


def nobody_hears(lea: World, harm: bool) -> Result:
    """Rate the video General by a rule. A classifier without speech recognition requires a review
    of its sound."""
    medium = unrated(
        lea,
        video_builders.encode_video(video_builders.build_frames(("G", 1.0)), words=CLEAN),
        FakeClassifier(deaf=harm),
    )
    with lea.scope() as scope:
        rate_and_answer(scope, medium.sha256, Rating.G, source="rule:drawn")
    return send_and_count(lea, posted(lea, medium, "as_instagram"))


def posted_unrated(lea: World, data: bytes, eyes: FakeClassifier, *, rated: bool) -> Result:
    medium = unrated(lea, data, eyes)
    if rated:
        with lea.scope() as scope:
            rate_and_answer(scope, medium.sha256, Rating.G, source=AUTHOR)
    return send_and_count(lea, posted(lea, medium, "as_instagram"))


def unrated(lea: World, data: bytes, state: FakeClassifier) -> Medium:
    with serving(state) as eyes:
        client: Any = Client(eyes.url, frozenset({eyes.who}))
        asset = pipeline.ingest_asset(
            lea.tenant,
            AccountFiles(lea),
            tenant_id=lea.tenant_id,
            creator_id=lea.creator_id,
            prepared=pipeline.prepare_upload(data, name="a.mp4"),
            classifier=client,
        )
    with lea.scope() as scope:
        return assets.get_rendition(scope, asset, "sandbox")


ATTEMPTS: dict[Attempt, tuple[str, str]] = {
    cover: ("H", "CONTAINER_HIDDEN_CONTENT"),
    explicit_cover: ("B", "RATING_EXCEEDS_SURFACE"),
    subtitle: ("B", "RATING_EXCEEDS_SURFACE"),
    one_frame: ("B", "RATING_EXCEEDS_SURFACE"),
    voice: ("B", "RATING_EXCEEDS_SURFACE"),
    person_who_looks_too_little: ("H", "CLASSIFIER_UNAVAILABLE"),
    nobody_hears: ("H", "CLASSIFIER_UNAVAILABLE"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_hidden_content_in_a_video_is_held_or_blocked(
    attempt: Attempt, database: Database, sandbox: RunningSandbox
) -> None:
    passed = attempt(world(database, sandbox, "twin"), False)
    assert (passed.verdict, passed.sent) == ("A", 1), f"the harmless twin is refused: {passed}"
    verdict, reason = ATTEMPTS[attempt]
    got = attempt(world(database, sandbox, "harm"), True)
    assert (got.verdict, got.sent) == (verdict, 0), got
    assert reason in got.reasons


def test_author_cannot_lower_the_rating_of_the_classifier(
    database: Database, sandbox: RunningSandbox
) -> None:
    lea = world(database, sandbox, "harm")
    medium = ingest_rated_video(
        lea, video_builders.encode_video(video_builders.build_frames(("E", 1.0)))
    )
    with lea.scope() as scope:
        assert ratings.effective_rating(scope, medium.sha256) is Rating.E
