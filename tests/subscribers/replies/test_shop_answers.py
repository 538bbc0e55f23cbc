"""Questions that code answers: the packs with their prices, delivery, discounts and support; who
answers after a hand-off; and languages that the persona does not list."""

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from foundation.errors import BadInput, Refused
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.money import Money
from gate.contract.units import Rating
from gate.text.service_texts import is_pinned_sentence
from studio.packs import packs
from subscribers.catalog.prices import set_price
from subscribers.conversations import conversation_rows
from subscribers.conversations.states import OwnerState
from subscribers.intake.fan_questions import classify_question
from subscribers.replies import handoff_notices, persona, shop_answers, team_answers
from subscribers.replies.opening_hours import OpeningHours
from subscribers.replies.reply_checks import normalize_reply
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.subscribers.builders import NOVA, Studio, build_model_reply, picture


@pytest.mark.parametrize(
    ("said", "about"),
    [
        ("What do you sell?", "catalog"),
        ("tu vends quoi ?", "catalog"),
        ("Qu’est-ce que tu vends ?", "catalog"),
        ("quels sont tes prix ?", "catalog"),
        ("how much is a pack?", "catalog"),
        ("c'est combien ?", "catalog"),
        ("price list", "catalog"),
        ("do you have any discount?", "discounts"),
        ("tu fais des réductions ?", "discounts"),
        ("how do I get my pictures after I pay?", "delivery"),
        ("comment je reçois les photos ?", "delivery"),
        ("how can I contact support?", "support"),
        ("J'ai un problème avec ma commande, comment vous contacter ?", "support"),
        ("I got a promotion at work today, so happy", None),
        ("do you have a pack for me?", None),
        ("tu as d'autres photos de la mer ?", None),
        ("hello", None),
        ("your smile is worth any price, it made my whole day and the one after " * 3, None),
    ],
)
def test_question_is_recognized(said: str, about: str | None) -> None:
    assert classify_question(normalize_reply(said)) == about


@pytest.mark.parametrize("said", ["what do you sell?", "tu vends quoi ?"])
def test_list_of_packs_has_prices_as_buttons_and_sells(studio: Studio, said: str) -> None:
    for _ in range(2):
        studio.say("leo", said)
    assert studio.writer.asked == []
    listed = studio.seen("leo")[-1]
    assert listed["service"] == "service.catalog.list"
    (button,) = listed["buttons"]
    assert button["label"] == "Matin calme · 500 (test)"
    offers = studio.rows("SELECT requested FROM offers WHERE tenant_id = :tenant")
    assert [row.requested for row in offers] == [True], "the second list repeats the offer"
    studio.fan("leo", "button", ref=f"{button['action']}:{button['ref']}")
    studio.go()
    assert studio.seen("leo")[-1]["invoice"]["amount"] == 500


def test_long_list_has_a_button_for_the_rest(studio: Studio) -> None:
    with studio.scope() as scope:
        for number in range(7):
            made = packs.create_pack(
                scope,
                creator_id=studio.world.creator_id,
                slug=f"pack-{number}",
                title=f"Pack {number}",
                description="",
                assets=[picture(studio.world, scope, 10 + number, Rating.G)],
            )
            price = Money(600 + number, "XTS")
            set_price(scope, studio.world.creator_id, made, "sandbox", price)
    studio.say("leo", "what do you sell?")
    buttons = studio.seen("leo")[-1]["buttons"]
    assert [one["action"] for one in buttons] == ["buy"] * 6 + ["catalog"]
    studio.fan("leo", "button", ref=f"catalog:{buttons[-1]['ref']}")
    studio.go()
    assert [one["label"] for one in studio.seen("leo")[-1]["buttons"]] == [
        "Pack 5 · 605 (test)",
        "Pack 6 · 606 (test)",
    ]


@pytest.mark.parametrize("about", ["catalog", "delivery", "discounts", "support"])
def test_nothing_about_sales_is_claimed_on_a_platform_without_a_rail(
    studio: Studio, about: shop_answers.Question
) -> None:
    studio.say("leo", "bonjour")
    with studio.scope() as scope:
        talk = conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        assert not shop_answers.answer_question(scope, talk, about, None)


def test_requested_list_does_not_use_up_the_offers_of_the_day(studio: Studio) -> None:
    studio.say("leo", "what do you sell?")
    studio.say("leo", "tu as d'autres photos de la mer ?")
    assert [line.id for line in studio.writer.asked[-1].brief.offers] == ["o1"]  # type: ignore[union-attr]  # a chat brief
    assert "what do you sell" not in studio.writer.asked[-1].turns[-1].text


def test_fan_without_offers_learns_how_to_get_them_again(studio: Studio) -> None:
    studio.say("leo", "/stop")
    studio.say("leo", "what do you sell?")
    assert studio.seen("leo")[-1]["service"] == "service.catalog.opted_out"


def test_nothing_on_sale_is_said_as_such(studio: Studio) -> None:
    with studio.scope() as scope:
        scope.run("DELETE FROM prices WHERE tenant_id = :tenant", tenant=scope.tenant_id)
    studio.say("leo", "what do you sell?")
    assert studio.seen("leo")[-1]["service"] == "service.catalog.none"


def test_members_answer_replaces_the_default_in_its_language(studio: Studio) -> None:
    studio.say("leo", "tu fais des réductions ?")
    assert studio.seen("leo")[-1]["service"] == "service.answer.discounts"
    with studio.scope() as scope:
        team_answers.set_team_answer(
            scope, studio.world.creator_id, "discounts", "fr", "Jamais de remise, désolée."
        )
    studio.say("leo", "tu fais des réductions ?")
    assert studio.texts("leo")[-1] == "Jamais de remise, désolée."
    studio.say("leo", "so do you have any discount for me?")
    assert studio.seen("leo")[-1]["service"] == "service.answer.discounts"
    assert studio.writer.asked == []
    studio.say("leo", "et sinon, raconte-moi un peu ta journée")
    assert "Jamais de remise" in studio.writer.asked[-1].system


def test_answer_that_the_checks_refuse_is_passed_to_the_team(studio: Studio) -> None:
    with studio.scope() as scope:
        team_answers.set_team_answer(
            scope, studio.world.creator_id, "delivery", "fr", "EXPLICIT-MARKER-A"
        )
    studio.say("leo", "comment je reçois les photos ?")
    assert "EXPLICIT" not in str(studio.texts("leo"))
    assert studio.thread("leo").owner is OwnerState.PENDING_HUMAN


def test_answer_may_not_pose_as_the_creator(studio: Studio) -> None:
    with studio.scope() as scope, pytest.raises(Refused):
        team_answers.set_team_answer(
            scope, studio.world.creator_id, "support", "fr", "je suis vraiment une vraie femme"
        )
    with studio.scope() as scope, pytest.raises(BadInput):
        team_answers.set_team_answer(scope, studio.world.creator_id, "support", "fr", "x" * 700)


PARIS = ZoneInfo("Europe/Paris")
WORKDAYS = tuple(OpeningHours(day, time(9), time(22)) for day in range(5))


@pytest.mark.parametrize(
    ("now", "language", "text"),
    [
        (datetime(2026, 3, 2, 10, tzinfo=UTC), "en", "replies here today until 22:00 (Paris time)"),
        (datetime(2026, 3, 2, 6, tzinfo=UTC), "en", "replies here today at 09:00 (Paris time)"),
        (datetime(2026, 3, 2, 22, tzinfo=UTC), "fr", "vous répondra ici demain à 09:00"),
        (datetime(2026, 3, 6, 22, tzinfo=UTC), "fr", "vous répondra ici lundi à 09:00"),
        # The clocks change in the night to 29 March.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), "en", "replies here on Monday at 09:00"),
    ],
)
def test_handoff_notice_says_who_answers_and_when(now: datetime, language: str, text: str) -> None:
    notice = handoff_notices.build_handoff_notice(
        who="Léa", name="Mia", hours=WORKDAYS, now=now, zone=PARIS, language=language
    )
    said = render_message(notice, language)
    assert text in said
    assert "Léa" in said
    assert is_pinned_sentence(notice.code, said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_handoff_notice_without_hours_promises_no_time(language: str) -> None:
    notice = handoff_notices.build_handoff_notice(
        who="Someone",
        name="Mia",
        hours=(),
        now=datetime(2026, 3, 2, 10, tzinfo=UTC),
        zone=PARIS,
        language=language,
    )
    assert notice == Message("service.handoff", {"who": "Someone", "name": "Mia"})


def open_hours(studio: Studio, *hours: OpeningHours) -> None:
    with studio.scope() as scope:
        speaker = replace(NOVA, opening_hours=hours)
        persona.activate_persona(
            scope, persona.create_persona_version(scope, studio.world.creator_id, speaker)
        )


def test_fan_is_told_once_when_the_team_comes_back(studio: Studio) -> None:
    with studio.scope() as scope:
        tomorrow = (scope.now.astimezone(PARIS).weekday() + 2) % 7
    open_hours(studio, OpeningHours(tomorrow, time(9), time(10)))
    studio.say("leo", "/human")
    studio.say("leo", "vous êtes là ?")
    notices = [one["service"] for one in studio.seen("leo") if "handoff" in str(one["service"])]
    assert notices == ["service.handoff.from"]


def test_only_member_is_named_if_the_agency_chose_so_but_never_as_the_creator(
    studio: Studio,
) -> None:
    with studio.scope() as scope:
        agencies.add_member(
            scope,
            name="Camille Martin",
            email="camille@example.test",
            role=Role.CHATTER,
            language="fr",
            zone="Europe/Paris",
        )
    studio.say("leo", "/human")
    assert "Quelqu’un de l’équipe de Nova" in studio.texts("leo")[-1]
    with studio.scope() as scope:
        team_answers.set_first_names(scope, studio.world.creator_id, by_first_name=True)
    studio.say("ana", "/human")
    assert "Camille de l’équipe de Nova" in studio.texts("ana")[-1]
    with studio.scope() as scope:
        scope.run(
            "UPDATE members SET name = 'Nova Martin' WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
        )
    studio.say("eva", "/human")
    assert "Quelqu’un de l’équipe de Nova" in studio.texts("eva")[-1]


def test_reply_in_a_language_that_the_persona_does_not_list_waits_for_approval(
    studio: Studio,
) -> None:
    with studio.scope() as scope:
        scope.run(
            "UPDATE personas SET languages = '[\"fr\"]' WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
        )
    studio.writer.says = [build_model_reply(text, language="en") for text in ("Sure", "Yes")]
    studio.say("leo", "do you have more pictures of the sea?")
    studio.say("leo", "and some more of the mountains, please?")
    told = [one["service"] for one in studio.seen("leo")]
    assert told.count("service.language.reviewed") == 1
    assert "Sure" not in studio.texts("leo")
    waiting = studio.rows(
        "SELECT text FROM drafts WHERE tenant_id = :tenant AND state = 'draft' AND origin = 'bot'"
    )
    assert [row.text for row in waiting] == ["Yes"]
    studio.writer.says = [build_model_reply("Bien sûr !")]
    studio.say("leo", "et en français, tu me réponds tout de suite ?")
    assert studio.texts("leo")[-1] == "Bien sûr !"
