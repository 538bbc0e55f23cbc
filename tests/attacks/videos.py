"""Attacks by videos and sound: re-encoded, sampled frame by frame, transcribed, and sent as far as
possible."""

from typing import Any

from gate.contract.units import Medium, Rating
from generators.engines.vision.http_classifier import HttpClassifier as Client
from studio.ingest import pipeline
from studio.library import assets
from tests.attacks.harness import CLEAN, Result, Tokens
from tests.attacks.pictures import AUTHOR, AccountFiles, code, hand_in, send_and_count
from tests.attacks.pictures import post_unit as posted
from tests.attacks.transport import MEANS, WIRED, register_wire_attack
from tests.channels.builders import World
from tests.fakes.generators.classifier import serving
from tests.gate.answers import rate_and_answer
from tests.generators import video_builders

__all__ = ["WIRED"]


def ingest_rated_video(lea: World, data: bytes, *, rated: Rating = Rating.G) -> Medium:
    """Ingest a video into the library with the classifier, then rate it as a member."""
    with serving() as eyes:
        asset = pipeline.ingest_asset(
            lea.tenant,
            AccountFiles(lea),
            tenant_id=lea.tenant_id,
            creator_id=lea.creator_id,
            prepared=pipeline.prepare_upload(data, name="a.mp4"),
            classifier=Client(eyes.url, frozenset({eyes.who})),
        )
        assert eyes.asked
    with lea.scope() as scope:
        medium = assets.get_rendition(scope, asset, "sandbox")
        rate_and_answer(scope, medium.sha256, rated, source=AUTHOR)
    return medium


def reel_unit(lea: World, data: bytes, **rules: Any) -> Result:
    return send_and_count(lea, posted(lea, ingest_rated_video(lea, data), "as_instagram"), **rules)


@register_wire_attack("M-01")
def explicit_deep_in_a_film(lea: World, harm: bool) -> Result:
    """Hide six tenths of a second in the 48th second, neither in the first frame nor in the last."""
    frames = video_builders.build_frames(("G", 47.0), ("E" if harm else "G", 0.6), ("G", 12.4))
    return reel_unit(lea, video_builders.encode_video(frames))


@register_wire_attack("M-09")
def explicit_words_under_a_neutral_picture(lea: World, harm: bool) -> Result:
    tokens = Tokens()
    word, rules = tokens["EXPLICIT-MARKER-A"] if harm else CLEAN, tokens.bundle()
    return reel_unit(
        lea,
        video_builders.encode_video(video_builders.build_frames(("G", 4.0)), words=word),
        bundle=rules,
    )


@register_wire_attack("M-05")
def second_video_track(lea: World, harm: bool) -> Result:
    """Upload a file with two video tracks. It is refused and not recorded, whatever its name."""
    if not harm:
        return reel_unit(lea, video_builders.encode_video(video_builders.build_frames(("G", 1.0))))
    data = two_pictures()
    refused = [
        code(lambda: pipeline.prepare_upload(data, name="a.jpg")),
        code(lambda: hand_in(lea, data)),
    ]
    with lea.scope() as scope:
        for name in ("renditions", "assets", "uploads"):
            assert (
                scope.run(
                    f"SELECT count(*) FROM {name} WHERE tenant_id = :t", t=lea.tenant_id
                ).scalar()
                == 0
            )
    result = send_unknown_file(lea, data)
    return Result(result.verdict, result.reasons | {MEANS[one] for one in refused}, result.sent)


def two_pictures() -> bytes:
    """Return a video with a General track and an explicit track."""
    second = video_builders.encode_video(video_builders.build_frames(("E", 1.0)))
    both = ("-i", "second.mp4", "-map", "0:v", "-map", "1:v")
    return video_builders.encode_video(
        video_builders.build_frames(("G", 1.0)), more=both, beside={"second.mp4": second}
    )


def send_unknown_file(lea: World, data: bytes) -> Result:
    """Send the file anyway, as bytes without a rendition."""
    medium = Medium(AccountFiles(lea).put(lea.tenant_id, data), "video/mp4", len(data))
    return send_and_count(lea, posted(lea, medium, "post"))
