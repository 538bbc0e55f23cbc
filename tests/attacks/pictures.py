"""Attacks by files: uploaded as by a member, checked by a classifier, and sent as far as possible.

Tiles represent content that must not be drawn. The classifier is a separate server; its finding
raises the rating of a member.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from foundation.errors import BadInput
from foundation.storage.object_store import bytes_digest
from gate.contract.units import Medium, Rating, Unit
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from generators.contract.engines import ImageJob
from generators.engines.images.placeholder import PlaceholderEngine
from generators.engines.vision.http_classifier import HttpClassifier as Client
from generators.media import pictures
from generators.provenance import content_credentials
from studio.ingest import pipeline, uploads
from studio.ingest.events import UploadDue
from studio.library import assets
from tests.attacks.harness import CLEAN, Result, Tokens
from tests.attacks.transport import (
    WIRED,
    count_taken_posts,
    register_wire_attack,
    run_send,
    send_outcome,
)
from tests.channels.builders import KEY, World
from tests.fakes.generators.classifier import draw_tile, draw_two_faced_tile, serving
from tests.gate.answers import rate_and_answer
from tests.generators.builders import encoded
from tests.studio.builders import CREDENTIAL
from tests.studio.ingest.test_pipeline import with_preview

__all__ = ["WIRED"]

AUTHOR = "member:7"


class AccountFiles:
    """The files of the account as a store."""

    def __init__(self, lea: World) -> None:
        self._files = lea.files

    def put(self, _tenant_id: UUID, data: bytes) -> str:
        self._files[bytes_digest(data)] = data
        return bytes_digest(data)

    def get(self, _tenant_id: UUID, sha256: str) -> bytes:
        return self._files[sha256]

    def delete(self, _tenant_id: UUID, sha256: str) -> None:
        self._files.pop(sha256, None)

    def exists(self, _tenant_id: UUID, sha256: str) -> bool:
        return sha256 in self._files

    def delete_all(self, _tenant_id: UUID) -> int:
        raise NotImplementedError


def ingest_rated_picture(lea: World, prepared: pipeline.PreparedAsset) -> Medium:
    """Ingest a picture into the library with the classifier, then rate it as a member."""
    with serving() as eyes:
        asset = pipeline.ingest_asset(
            lea.tenant,
            AccountFiles(lea),
            tenant_id=lea.tenant_id,
            creator_id=lea.creator_id,
            prepared=prepared,
            classifier=Client(eyes.url, frozenset({eyes.who})),
        )
        assert eyes.asked == 1
    with lea.scope() as scope:
        medium = assets.get_rendition(scope, asset, "sandbox")
        rate_and_answer(scope, medium.sha256, Rating.G, source=AUTHOR)
    return medium


def post_unit(lea: World, medium: Medium, surface: str, *, body: str = "Good morning") -> Unit:
    """Return a post of the picture with the flags that its surface requires."""
    unit = replace(lea.unit(body), surface=f"sandbox.{surface}", media=(medium,))
    with lea.scope() as scope:
        return replace(unit, flags=issuance.required_flags_of_unit(scope, unit))


def send_and_count(lea: World, unit: Unit, **rules: Any) -> Result:
    """Return the decision, and the number of posts that the platform accepted after an attempt to
    send anyway."""
    with lea.scope() as scope:
        decided = issuance.preview_decision(scope, unit, author=AUTHOR, **rules)

    mint = partial(issuance.mint_permit, key=KEY, **rules)
    with suppress(PermitDenied):
        turn = lea.arm(unit, mint=mint, author=AUTHOR)
        lea.close(unit, run_send(lea, turn))
    return Result(
        str(decided.verdict), frozenset(map(str, decided.reasons)), count_taken_posts(lea)
    )


@register_wire_attack("M-02")
def another_picture_in_the_preview(lea: World, harm: bool) -> Result:
    prepared = pipeline.prepare_upload(with_preview(9 if harm else 1), name="a.jpg")
    return send_and_count(lea, post_unit(lea, ingest_rated_picture(lea, prepared), "as_telegram"))


@register_wire_attack("M-04")
def another_picture_on_black(lea: World, harm: bool) -> Result:
    data = encoded(draw_two_faced_tile("G", "E" if harm else "G"), "PNG")
    return send_and_count(
        lea,
        post_unit(
            lea,
            ingest_rated_picture(lea, pipeline.prepare_upload(data, name="a.png")),
            "as_instagram",
        ),
    )


@register_wire_attack("T-09")
def word_written_in_the_picture(lea: World, harm: bool) -> Result:
    tokens = Tokens()
    word, rules = tokens["EXPLICIT-MARKER-A"] if harm else CLEAN, tokens.bundle()
    data = encoded(draw_tile("G", text=word), "PNG")
    medium = ingest_rated_picture(lea, pipeline.prepare_upload(data, name="a.png"))
    return send_and_count(lea, post_unit(lea, medium, "as_instagram"), bundle=rules)


@register_wire_attack("M-11")
def mark_of_origin_taken_off(lea: World, harm: bool) -> Result:
    drawn = PlaceholderEngine().draw(
        ImageJob(prompt="beach at sunset", seed=11, width=160, height=120, steps=1)
    )
    medium = ingest_rated_picture(
        lea,
        pipeline.prepare_generated_picture(drawn, key="a", alt="a beach", credential=CREDENTIAL),
    )
    armed = lea.arm(post_unit(lea, medium, "as_telegram"))
    if harm:
        photo = pictures.decode_photo(lea.files[medium.sha256], name="x")
        bare = pictures.render_photo(photo, pictures.POST_PROFILE).data
        assert content_credentials.verify_media(bare, medium.mime).engine == ""
        lea.files[medium.sha256] = bare
    return send_outcome(lea, lambda: run_send(lea, armed))


def code(bring: Callable[[], object]) -> str:
    try:
        bring()
    except BadInput as refused:
        return refused.message.code
    raise AssertionError("a film was taken in")


def hand_in(lea: World, data: bytes) -> None:
    with lea.scope() as scope:
        upload = uploads.receive_upload(
            scope,
            creator_id=lea.creator_id,
            name="a.mp4",
            data=data,
            by=AUTHOR,
            store=AccountFiles(lea),
        )
    uploads.ingest_upload(
        UploadDue(lea.tenant_id, upload), tenant=lea.tenant, store=AccountFiles(lea)
    )
