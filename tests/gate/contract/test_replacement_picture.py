"""The replacement picture of removed copies: only our pinned picture may accompany its service
text."""

import hashlib
import io
import zlib
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import derived_uuid, uuid7
from gate.contract import replacement_picture
from gate.contract.facts import StopFacts
from gate.contract.reasons import Reason
from gate.contract.units import Button, Medium, Rating, Reference, Subject, Text, Unit, UnitPart
from gate.copies import live_copies
from gate.decision.decide import decide_unit
from gate.log import subject_history
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import bundle
from gate.text import service_texts
from tests.gate import builders
from tests.gate.text.test_service_texts import BLOCKED, NOW, RECEIPT, facts, unit, verdict

CODE = "service.safety.removed.picture"
SUBJECT = Subject(replacement_picture.REPLACEMENT_STEP, derived_uuid("copy"))
TILE = replacement_picture.replacement_medium()


def instead(**changes: Any) -> Unit:
    return replace(unit(Message(CODE), "fr", subject=SUBJECT, media=(TILE,)), **changes)


def test_replacement_picture_matches_pinned_digest() -> None:
    """A changed file is a different picture and is refused. Review it, then pin it with `python -m
    gate.text.service_texts`."""
    assert service_texts.pinned_picture() == TILE
    assert (
        replacement_picture.replacement_bytes(TILE.sha256) == replacement_picture.replacement_png()
    )
    assert hashlib.sha256(replacement_picture.replacement_png()).hexdigest() == TILE.sha256
    assert replacement_picture.replacement_bytes("a" * 64) is None


def test_replacement_picture_contains_only_two_greys() -> None:
    data = replacement_picture.replacement_png()
    shown = Image.open(io.BytesIO(data))
    assert (shown.format, shown.size, shown.mode, shown.info) == (
        "PNG",
        (TILE.width, TILE.height),
        "L",
        {},
    )
    assert len(shown.getcolors() or ()) == 2
    kinds, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8])
        if kinds[-1] == b"IDAT":
            assert len(
                zlib.decompress(data[at + 8 : at + 8 + size])
            ) == replacement_picture.SIDE * (1 + replacement_picture.SIDE * data[24] // 8)
        at += 12 + size
    assert (kinds, at) == ([b"IHDR", b"IDAT", b"IEND"], len(data)), (
        "no text, no date, no trailing data"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_replacement_picture_is_allowed_instead_of_copy(language: str) -> None:
    told = (Text("body", render_message(Message(CODE), language)),)
    whole = instead(texts=told)
    decision = decide_unit(facts(), whole, bundle.shipped_bundle(), NOW)
    assert (str(decision.verdict), decision.rating, decision.flags) == ("A", Rating.G, ())
    assert verdict(replace(whole, audience="public", viewer="")) == "A"
    assert verdict(replace(whole, media=())) == "A", "text only"


@pytest.mark.parametrize(
    "media",
    [
        (Medium("a" * 64, TILE.mime, TILE.size, width=TILE.width, height=TILE.height),),
        (replace(TILE, size=TILE.size + 1),),
        (replace(TILE, width=TILE.width + 1),),
        (replace(TILE, mime="image/jpeg"),),
        (replace(TILE, alt="EXPLICIT-MARKER-A"),),
        (replace(TILE, name="look.png"),),
        (TILE, TILE),
        (TILE, Medium("b" * 64, "image/png", 9)),
    ],
)
def test_other_picture_or_text_is_refused(media: tuple[Medium, ...]) -> None:
    decision = decide_unit(facts(), instead(media=media), bundle.shipped_bundle(), NOW)
    assert decision.reasons == (Reason.INPUT_INVALID,)


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": Subject("draft", SUBJECT.id)},
        {"subject": Subject("draft", SUBJECT.id), "media": ()},
        {"service": RECEIPT.code, "texts": (Text("body", render_message(RECEIPT, "fr")),)},
        {
            "service": "service.safety.crisis",
            "texts": (Text("body", render_message(Message("service.safety.crisis"), "fr")),),
        },
        {"texts": (Text("body", render_message(Message(CODE), "fr") + " Come and see me."),)},
        {"texts": ()},
        {
            "buttons": (
                Button(render_message(Message("service.button.purchases"), "fr"), "purchases", "1"),
            )
        },
        {"references": (Reference("reuse", "AgAC1"),)},
    ],
)
def test_replacement_picture_is_refused_elsewhere(changes: dict[str, Any]) -> None:
    assert verdict(instead(**changes)) == "B"


@pytest.mark.parametrize("solo", [False, True], ids=["team", "alone"])
def test_no_other_picture_passes_as_replacement(tenant: OpenScope, solo: bool) -> None:
    """Agencies of any size: each permit covers these bytes, this destination and this viewer, once."""
    here = builders.world(tenant, uuid7(), solo=solo)
    told = (Text("body", render_message(Message(CODE), "en")),)
    whole = builders.unit(
        here,
        media=(TILE,),
        service=CODE,
        texts=told,
        subject=Subject(replacement_picture.REPLACEMENT_STEP, uuid7()),
    )
    with here.scope(f"member:{here.ann}") as scope:
        other = builders.picture(scope, here, Rating.E)
    for changed in (
        replace(whole, media=(other,)),
        replace(whole, subject=Subject("delivery", uuid7())),
    ):
        with pytest.raises(PermitDenied), here.scope() as scope:
            issuance.mint_permit(
                scope, changed, builders.Step(), key=builders.KEY, author=f"member:{here.ann}"
            )
    with here.scope() as scope:
        permit = issuance.mint_permit(
            scope, whole, builders.Step(), key=builders.KEY, author="system:channels"
        )
    assert (permit.unit_digest, permit.account, permit.viewer) == (
        whole.digest(),
        whole.account,
        whole.viewer,
    )
    with here.scope() as scope:
        (left,) = live_copies.list_consumed_permits(scope, whole.subject)
        assert (left.media, left.native_ids) == ((TILE.sha256,), ())
        assert subject_history.list_permits(scope, whole.subject)[0].replaced_at is None


def test_stop_does_not_block_replacement_or_removal() -> None:
    stops = (
        StopFacts("global", "sending"),
        StopFacts("tenant", "nudity"),
        StopFacts("chat", "bot"),
    )
    assert verdict(instead(), facts(viewer=BLOCKED, stops=stops)) == "A"
    assert verdict(instead(), facts(rules_fault="POLICY_SIGNATURE", skewed=True)) == "A"
    assert verdict(instead(), facts(creator_known=False)) == "B", (
        "content of another agency is refused"
    )


def test_replacement_picture_is_refused_in_threads() -> None:
    above = UnitPart((Text("body", "good morning"),), (Medium("c" * 64, "image/png", 1),))
    assert verdict(instead(before=(above,))) == "B"
