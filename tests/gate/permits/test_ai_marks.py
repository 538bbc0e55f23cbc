"""AI texts of bots are marked: with a visible label and a machine-readable mark."""

from dataclasses import replace

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.text_marks import has_text_mark, remove_text_mark
from gate.contract.units import (
    COMMENT_REFERENCE,
    Button,
    PlatformOption,
    Reference,
    Text,
    Unit,
    UnitPart,
)
from gate.decision.decide import Decision
from gate.permits import issuance
from gate.policy.bundle import shipped_bundle
from gate.text.normalization import is_obfuscated
from tests.gate.builders import World, message, picture, unit, world

LABEL = "— made with AI"
CHATS = sorted(
    (row.platform, name)
    for name, row in shipped_bundle().rows.items()
    if row.ai is not None and "bot disclosure" in (row.ai.text or "") and row.platform != "sandbox"
)


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def mark(house: World, whole: Unit) -> Unit:
    with house.scope() as scope:
        return issuance.with_required_marks(scope, whole, line=lambda: LABEL)


def body(house: World, text: str, place: tuple[str, str] = ("telegram", "telegram.bot_dm")) -> str:
    platform, surface = place
    whole = message(
        house, "leo", text=text, platform=platform, surface=surface, text_ai="generated"
    )
    marked = mark(house, whole)
    assert mark(house, marked) == marked, "the mark is added once"
    return marked.text_of("body")


@pytest.mark.parametrize("place", CHATS, ids=[name for _, name in CHATS])
def test_ai_text_in_chat_without_flag_has_label_and_mark(
    house: World, place: tuple[str, str]
) -> None:
    text = body(house, "Bonjour à toi !", place)
    assert remove_text_mark(text) == f"Bonjour à toi !\n\n{LABEL}"
    assert has_text_mark(text)
    assert not is_obfuscated(text)


@pytest.mark.parametrize(
    "talk",
    ["I read a book about AI art.", "Made by my friend, no AI at all!", "c ki ?", "#AIrport"],
)
def test_text_about_ai_is_no_label(house: World, talk: str) -> None:
    assert remove_text_mark(body(house, talk)) == f"{talk}\n\n{LABEL}"


def test_human_and_automated_texts_are_unchanged(house: World) -> None:
    place = {"platform": "telegram", "surface": "telegram.bot_dm"}
    for whole in (
        message(house, "leo", text="Hi", **place),
        message(house, "leo", text="Hi", text_ai="generated", service="service.handoff", **place),
        message(house, "leo", text="Hi", text_ai="generated"),  # the surface has a flag
        unit(house, text="Hi", text_ai="generated", platform="x", surface="x.post"),
    ):
        assert mark(house, whole).text_of("body") == "Hi"


def test_template_is_not_disclosed_as_ai(house: World) -> None:
    answer = unit(
        house,
        text="At the lake",
        text_ai="template",
        references=(Reference(COMMENT_REFERENCE, "r1"),),
    )
    assert mark(house, answer) == answer
    with house.scope() as scope:
        bare = issuance.preview_decision(scope, answer, author=f"member:{house.ann}")
    assert Reason.AI_MARK_MISSING not in bare.reasons


def test_ai_comment_has_label_instead_of_flag(house: World) -> None:
    answer = unit(
        house,
        text="At the lake",
        text_ai="generated",
        references=(Reference(COMMENT_REFERENCE, "r1"),),
    )
    marked = mark(house, answer)
    assert marked.flags == ()
    assert marked.text_of("body") == f"At the lake\n\n{LABEL}"
    with house.scope() as scope:
        bare = issuance.preview_decision(scope, answer, author=f"member:{house.ann}")
        said = issuance.preview_decision(scope, marked, author=f"member:{house.ann}")
    assert Reason.AI_MARK_MISSING in bare.reasons
    assert Reason.AI_MARK_MISSING not in said.reasons


TELEGRAM = {"platform": "telegram", "surface": "telegram.public_channel"}
"""A surface without a flag for AI."""
MARK = "Made with AI"


def preview(house: World, whole: Unit) -> Decision:
    with house.scope() as scope:
        return issuance.preview_decision(scope, whole, author=f"member:{house.ann}")


def generated(house: World, text: str = "At the lake") -> Unit:
    def build(scope: Scope) -> Unit:
        medium = picture(scope, house, ai="generated")
        return unit(house, media=(medium,), text=text, **TELEGRAM)

    with house.scope() as scope:
        return build(scope)


def in_every_field(whole: Unit, mark: str) -> dict[str, Unit]:
    """Return the unit with a mark in each of its fields."""
    [medium] = whole.media
    part = UnitPart((Text("body", mark),))
    silent = UnitPart((Text("body", "Hello"),))
    return {
        "body": replace(whole, texts=(Text("body", f"At the lake. {mark}"),)),
        "title": replace(whole, texts=(Text("title", mark), *whole.texts)),
        "first part": replace(whole, before=(part, silent), parts=3),
        "later part": replace(whole, before=(silent, part), parts=3),
        "other field": replace(whole, texts=(*whole.texts, Text("comment", mark))),
        "alt text": replace(whole, media=(replace(medium, alt=mark),)),
        "file name": replace(whole, media=(replace(medium, name=f"{mark}.jpg"),)),
        "button": replace(whole, buttons=(Button(mark, "buy", "1"),)),
        "option": replace(whole, options=(PlatformOption("tags", (mark,), read=True),)),
    }


READ_FIRST = {"body", "title", "first part"}
FIELDS = sorted(
    (
        "body",
        "title",
        "first part",
        "later part",
        "other field",
        "alt text",
        "file name",
        "button",
        "option",
    )
)


@pytest.mark.parametrize("field", FIELDS)
def test_mark_counts_only_where_readers_see_it(house: World, field: str) -> None:
    whole = in_every_field(generated(house), MARK)[field]
    is_missing = Reason.AI_MARK_MISSING in preview(house, whole).reasons
    assert is_missing is (field not in READ_FIRST)
    marked = mark(house, whole)
    assert (marked.text_of("body") == whole.text_of("body")) is (field in READ_FIRST)
    assert Reason.AI_MARK_MISSING not in preview(house, marked).reasons
    assert mark(house, marked) == marked, "the mark is added once"


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"first part", "later part"}))
def test_denial_is_blocked_in_any_field(house: World, field: str) -> None:
    whole = mark(house, in_every_field(generated(house), "Made without AI")[field])
    decision = preview(house, whole)
    assert Reason.AI_MARK_MISSING in decision.reasons
    assert decision.verdict == "B"


def test_denial_is_blocked_where_a_flag_discloses_ai(house: World) -> None:
    whole = generated(house, "No AI here")
    flagged = mark(house, replace(whole, platform="sandbox", surface="sandbox.post"))
    decision = preview(house, flagged)
    assert (decision.verdict, Reason.AI_MARK_MISSING in decision.reasons) == ("B", True)


def test_photograph_may_deny_ai(house: World) -> None:
    whole = unit(house, text="No AI here", **TELEGRAM)
    assert Reason.AI_MARK_MISSING not in preview(house, whole).reasons
