"""Writing styles: the style of a network, then that of all networks, then the network's habits."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors.registry import loader
from foundation.errors import BadInput
from foundation.ids import uuid7
from generators.contract.engines import TextLength
from generators.engines.text.templates import TemplateEngine
from schedules.suggestions.captions import prompts, proposals, styles
from schedules.suggestions.captions.brief import CaptionSetBrief
from schedules.suggestions.captions.kind import CaptionKind
from schedules.suggestions.captions.networks import TEXT_LENGTHS, NetworkStyle
from schedules.suggestions.captions.prompts import CaptionTarget
from schedules.suggestions.captions.styles import ALL_NETWORKS, WritingStyle
from schedules.suggestions.events import CaptionSetDue
from schedules.suggestions.shared import text_rules
from schedules.suggestions.shared.engine import generate_suggestions
from tests.schedules.builders import SandboxAgency

CARDS = some.builds(
    WritingStyle,
    tone=some.sampled_from(["", "warm", "calme"]),
    length=some.sampled_from([None, *TEXT_LENGTHS]),
    hashtags=some.sampled_from([None, *range(9)]),
)


@given(
    general=CARDS,
    own=CARDS,
    habit=some.builds(NetworkStyle, some.sampled_from(TEXT_LENGTHS), some.integers(0, 8)),
)
def test_network_wins_over_all_networks_and_habit(
    general: WritingStyle, own: WritingStyle, habit: NetworkStyle
) -> None:
    found = styles.apply_styles({ALL_NETWORKS: general, "x": own}, "x", habit)
    assert found.tone == (own.tone or general.tone)
    assert found.length == (own.length or general.length or habit.length)
    known = [one for one in (own.hashtags, general.hashtags) if one is not None]
    assert found.hashtags == [*known, habit.hashtags][0]
    assert styles.apply_styles({}, "x", habit) == habit


def save(lea: SandboxAgency, network: str, style: WritingStyle) -> None:
    lea.act(styles.save_style, lea.creator_id, network, style)


def stored(lea: SandboxAgency) -> dict[str, WritingStyle]:
    return cast(dict[str, WritingStyle], lea.act(styles.list_styles, lea.creator_id))


def test_style_is_saved_once_and_deleted_with_the_usual_one(lea: SandboxAgency) -> None:
    card = WritingStyle("chaleureux", "short", 0)
    save(lea, "sandbox", card)
    save(lea, "sandbox", card)
    assert stored(lea) == {"sandbox": card}
    save(lea, "sandbox", WritingStyle())
    assert stored(lea) == {}
    with lea.scope() as scope:
        acts = (
            scope.run(
                "SELECT details FROM audit_entries WHERE tenant_id = :t AND act = 'style.save'"
                " ORDER BY id",
                t=lea.tenant_id,
            )
            .scalars()
            .all()
        )
    assert [(one["before"], one["after"]) for one in acts] == [
        ("-, -, -", "chaleureux, short, 0"),
        ("chaleureux, short, 0", "-, -, -"),
    ]


@pytest.mark.parametrize(
    ("network", "style", "code"),
    [
        ("myspace", WritingStyle("warm"), "style.network_unknown"),
        ("x", WritingStyle("a" * 121), "style.tone_long"),
        ("x", WritingStyle("une lycéenne de 15 ans"), "kit.never_written"),
        ("x", WritingStyle(length=cast(TextLength, "huge")), "style.length_unknown"),
        ("x", WritingStyle(hashtags=9), "style.too_many_hashtags"),
        ("x", WritingStyle(hashtags=-1), "style.too_many_hashtags"),
    ],
)
def test_invalid_style_is_refused(
    lea: SandboxAgency, network: str, style: WritingStyle, code: str
) -> None:
    with pytest.raises(BadInput) as raised:
        save(lea, network, style)
    assert raised.value.message.code == code
    assert stored(lea) == {}


def test_tone_is_stored_on_one_line_without_control_characters(lea: SandboxAgency) -> None:
    save(lea, "x", WritingStyle("warm\n\x00\u202echeeky"))
    assert stored(lea)["x"].tone == "warm cheeky"


def test_templates_follow_the_style_of_the_network(lea: SandboxAgency) -> None:
    def version() -> str:
        wish = CaptionSetBrief(
            lea.creator_id,
            "Crêpes du dimanche aux myrtilles",
            "fr",
            places=(lea.channels["main"],),
            kit=False,
        )
        kit: Any = lea.act(proposals.request_captions, wish, draft=uuid7(), key=uuid7())
        kind = CaptionKind(loader.load_connectors())
        event = CaptionSetDue(lea.tenant_id, kit)
        generate_suggestions(event, kind=kind, tenant=lea.tenant, open_engine=TemplateEngine)
        found: Any = lea.act(proposals.get_captions, [lea.creator_id], kit)
        return str(found.offers[0].text)

    assert "#" not in version()
    save(lea, "sandbox", WritingStyle("espiègle", "short", 2))
    said = version()
    assert said.count("#") == 2
    assert "Oui, c'était mon idée." in said or "Devinez qui sourit." in said


def test_prompt_names_length_hashtags_and_links_within_the_limit() -> None:
    place = CaptionTarget("1", "x", lambda text: (len(text), 280), 280)
    long = NetworkStyle("long", 2, links=False)
    told = prompts._describe_style(
        CaptionTarget(place.id, place.platform, place.count, place.most, long), 280
    )
    assert "one short striking sentence" in told, "the limit of the network wins"
    assert "End with at most 2 hashtags. No links." in told
    assert "No hashtags." in prompts._describe_style(place, 280)
    assert text_rules.limit_hashtags("Hello #a\n#b #c, end", 1) == "Hello #a, end"
