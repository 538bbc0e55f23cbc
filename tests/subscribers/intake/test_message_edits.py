"""Edited messages: checked for age and crisis, stored next to the original, and not answered."""

import hashlib
from functools import partial
from typing import Any

import pytest

from channels.listening import listener
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Database
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from subscribers.conversations.states import OwnerState
from subscribers.erasure import erase_fan, export_fan
from subscribers.fans import directory
from subscribers.inbox import conversation_list
from subscribers.intake import update_intake
from tests.channels.builders import CONNECTORS
from tests.fakes.sandbox import RunningSandbox
from tests.subscribers.builders import Studio, build_model_reply, create_nova

MINOR, CRY = "j'ai 15 ans", "je veux mourir"


@pytest.fixture
def studio(database: Database, sandbox: RunningSandbox) -> Studio:
    """Nova, whose chats with Tim and Leo have started on the platform but were not received."""
    return begun(create_nova(database, sandbox))


def begun(studio: Studio) -> Studio:
    for name in ("tim", "leo"):
        studio.fan(name, "message", text="…")
    world = studio.world
    passed = listener.poll_updates(
        world.channel(), "", transport=world.transport(), connectors=CONNECTORS
    )
    studio.heard = passed.cursor or ""
    return studio


def message(text: str, number: int = 1, *, fan: str = "tim", **more: Any) -> ChatUpdate:
    return ChatUpdate(
        f"k{number}", "message", fan, language="fr", native_id=f"m{number}", text=text, **more
    )


def edit(
    text: str, number: int = 1, *, fan: str = "tim", key: str = "", native_id: str = ""
) -> ChatUpdate:
    named = native_id or f"m{number}"
    return ChatUpdate(
        key or f"e{number}:{text[:20]}", "edited", fan, language="fr", native_id=named, text=text
    )


def say(studio: Studio, *updates: ChatUpdate) -> None:
    """Receive these updates and process each."""
    for update in updates:
        studio.receive(update)
        studio.go()


def lines(studio: Studio, fan: str = "tim") -> list[tuple[str, str]]:
    return [(line.kind, line.body) for line in studio.thread(fan).lines if line.author == "fan"]


def state(studio: Studio, fan: str = "tim") -> AssuranceState:
    with studio.scope() as scope:
        return age_assurance.get_assurance(scope, "sandbox", fan).state


def cleared(studio: Studio) -> None:
    """Delete all age assurances."""
    with studio.scope() as scope, scope.acting_as("gate"):
        scope.run("DELETE FROM age_assurances WHERE tenant_id = :tenant", tenant=scope.tenant_id)


def signals(studio: Studio) -> list[str]:
    return [
        row.kind
        for row in studio.rows(
            "SELECT kind FROM safety_events WHERE tenant_id = :tenant ORDER BY id"
        )
    ]


def told(studio: Studio) -> set[str]:
    """Return the codes of the members' urgent open notices."""
    sql = "SELECT message FROM notices WHERE tenant_id = :tenant AND urgent AND settled_at IS NULL"
    return {row.message["code"] for row in studio.rows(sql)}


def test_edited_in_age_is_detected_and_the_original_is_kept(studio: Studio) -> None:
    say(studio, message("salut"))
    said = len(studio.texts("tim"))
    say(studio, edit(MINOR))
    assert state(studio) is AssuranceState.BLOCKED
    assert ["réservée aux adultes" in text for text in studio.texts("tim")[said:]] == [True]
    assert lines(studio) == [("text", "salut"), ("edited", MINOR)]
    thread = studio.thread("tim")
    assert (thread.owner, thread.safety_hold) == (OwnerState.PENDING_HUMAN, True)
    assert (signals(studio), told(studio)) == (["minor"], {"chat.minor"})


def test_edited_in_crisis_sends_helplines_and_hands_over(studio: Studio) -> None:
    say(studio, message("salut"))
    offer_id = studio.offer("tim")
    say(studio, edit(CRY))
    assert "3114" in studio.texts("tim")[-1]
    assert (signals(studio), told(studio)) == (["crisis"], {"chat.crisis"})
    thread = studio.thread("tim")
    assert (thread.owner, thread.safety_hold) == (OwnerState.PENDING_HUMAN, True)
    with studio.scope() as scope:
        talk = update_intake.conversation_rows.lock_conversation(scope, thread.id)
        # the offer is refused before the rail is used
        assert update_intake.order_payments.accept_offer(scope, talk, offer_id, None) is None  # type: ignore[arg-type]  # see above
    assert lines(studio) == [("text", "salut"), ("edited", CRY)]


def test_minor_in_crisis_gets_helplines(studio: Studio) -> None:
    say(studio, message("salut"), edit(f"{MINOR} et {CRY}"))
    assert any("3114" in text for text in studio.texts("tim"))
    assert (sorted(signals(studio)), told(studio)) == (
        ["crisis", "minor"],
        {"chat.crisis", "chat.minor"},
    )


def test_harmless_edit_gets_no_answer(studio: Studio) -> None:
    say(studio, message("tu a des photos ?"))
    before, asked = studio.texts("tim"), len(studio.writer.asked)
    counted = studio.rows("SELECT messages_in, last_in_at FROM fan_facts WHERE tenant_id = :tenant")
    say(studio, edit("tu as des photos ?"), edit("tu as des photos de la mer ?"), edit("/human"))
    assert (studio.texts("tim"), len(studio.writer.asked)) == (before, asked)
    assert [kind for kind, _ in lines(studio)] == ["text", "edited", "edited", "edited"]
    assert studio.thread("tim").owner is OwnerState.BOT
    say(studio, message("et ?", 2))
    (job,) = studio.writer.asked[asked:]
    assert "de la mer" not in str(job.turns), "the model does not read edits without an answer"
    with studio.scope() as scope:
        directory.rebuild_facts(scope, studio.thread("tim").fan_id)
    now = studio.rows("SELECT messages_in, last_in_at FROM fan_facts WHERE tenant_id = :tenant")
    assert now[0].messages_in == counted[0].messages_in + 1


def test_edit_neither_stops_nor_repeats_a_reply(studio: Studio) -> None:
    say(studio, message("salut"))
    studio.writer.says = [build_model_reply("Une seule réponse"), build_model_reply("Une de trop")]
    studio.writer.meanwhile = partial(studio.receive, edit("ça va bien ?", 2))
    say(studio, message("ça va ?", 2))
    assert studio.texts("tim")[-1] == "Une seule réponse"
    assert lines(studio)[-2:] == [("text", "ça va ?"), ("edited", "ça va bien ?")]


@pytest.mark.parametrize("owner", ["human", "bot"])
def test_edit_does_not_change_the_waiting_time(studio: Studio, owner: str) -> None:
    """A correction neither makes an answered fan wait nor hides one who waits."""

    def row() -> conversation_list.InboxEntry:
        with studio.scope() as scope:
            return conversation_list.list_inbox(scope, [studio.world.creator_id])[0]

    say(studio, message("salut"))
    if owner == "human":
        with studio.scope() as scope:
            update_intake.assign_to_member(scope, studio.thread("tim").id, studio.pack_id)
        say(studio, message("vous etes la ?", 2))
    before = row()
    studio.world.pass_time(600)
    say(studio, edit("vous êtes là ?", 2 if owner == "human" else 1))
    assert (row().waits_since, row().last_in_at) == (before.waits_since, before.last_in_at)
    assert (row().waits_since is not None) == (owner == "human")
    assert row().said == "vous êtes là ?"


def test_edit_after_stop_gets_no_message_unless_a_minor(studio: Studio) -> None:
    say(studio, message("salut"), message("/stop all", 2))
    before = studio.texts("tim")
    say(studio, edit("salut à toi"))
    assert studio.thread("tim").owner is OwnerState.CLOSED
    say(studio, edit(MINOR))
    assert studio.thread("tim").owner is OwnerState.PENDING_HUMAN
    assert "réservée aux adultes" in "".join(studio.texts("tim")[len(before) :])


@pytest.mark.parametrize(
    "again", [edit(MINOR), edit(MINOR, key="another"), message("salut"), message(MINOR)]
)
def test_repeated_edit_changes_nothing(studio: Studio, again: ChatUpdate) -> None:
    """The same update, the same text with another cause (a link preview), and the original."""
    say(studio, message("salut"), edit(MINOR))
    before = studio.texts("tim"), lines(studio), signals(studio)
    cleared(studio)
    say(studio, again)
    assert (studio.texts("tim"), lines(studio), signals(studio)) == before
    assert state(studio) is AssuranceState.UNKNOWN


def test_message_listed_with_another_text_counts_as_edited(studio: Studio) -> None:
    """On platforms without edit updates, a repeated listing may reveal an edit."""
    say(studio, message("salut"))
    before = studio.texts("tim")
    say(studio, message("salut toi"))
    assert (studio.texts("tim"), lines(studio)) == (
        before,
        [("text", "salut"), ("edited", "salut toi")],
    )
    say(studio, message(MINOR))
    assert state(studio) is AssuranceState.BLOCKED


def test_edit_received_before_its_message_is_handled(studio: Studio) -> None:
    say(studio, message("salut"))
    before, asked = len(studio.texts("tim")), len(studio.writer.asked)
    say(studio, edit("ça va bien ?", 2), message("ça va ?", 2))
    assert len(studio.writer.asked) == asked + 1
    assert len(studio.texts("tim")) == before + 1
    assert lines(studio) == [("text", "salut"), ("edited", "ça va bien ?"), ("text", "ça va ?")]
    say(studio, edit(MINOR, 3))
    assert state(studio) is AssuranceState.BLOCKED


def test_edit_from_an_unknown_fan_is_stored_only_for_a_signal(studio: Studio) -> None:
    say(studio, edit("salut toi"))
    assert studio.rows("SELECT 1 FROM fans WHERE tenant_id = :tenant") == []
    say(studio, edit(MINOR))
    assert (state(studio), lines(studio)) == (AssuranceState.BLOCKED, [("edited", MINOR)])
    assert (signals(studio), told(studio)) == (["minor"], {"chat.minor"})
    say(studio, edit(CRY, fan="leo"))
    assert "3114" in studio.texts("leo")[-1]


def test_edit_from_an_erased_fan_is_stored_only_for_a_signal(studio: Studio) -> None:
    say(studio, message("salut"))
    with studio.scope() as scope:
        erase_fan(scope, studio.thread("tim").fan_id)
    say(studio, edit("une phrase plantée"))
    assert "plantée" not in str(studio.rows("SELECT * FROM messages WHERE tenant_id = :tenant"))
    assert [
        row.status for row in studio.rows("SELECT status FROM fans WHERE tenant_id = :tenant")
    ] == ["erased"]
    say(studio, edit(MINOR))
    assert (state(studio), signals(studio)) == (AssuranceState.BLOCKED, ["minor"])


def test_edited_text_is_exported_and_erased(studio: Studio) -> None:
    say(studio, message("salut"), edit("une phrase plantée"))
    fan_id = studio.thread("tim").fan_id
    with studio.scope() as scope:
        assert "phrase plantée" in str(export_fan(scope, fan_id))
        erase_fan(scope, fan_id)
    kept = str(studio.rows("SELECT * FROM messages WHERE tenant_id = :tenant"))
    assert "plantée" not in kept
    assert hashlib.sha256("une phrase plantée".encode()).hexdigest() not in kept


def test_edit_from_a_blocked_fan_is_checked_and_not_answered(studio: Studio) -> None:
    say(studio, message("salut"), message(MINOR, 2))
    before = studio.texts("tim")
    say(studio, edit("en fait non"), edit("j'ai 25 ans", 2), edit("j'ai 16 ans", 2))
    assert (studio.texts("tim"), state(studio)) == (before, AssuranceState.BLOCKED)
    assert ("edited", "j'ai 25 ans") in lines(studio)
    say(studio, edit(CRY))
    assert "3114" in studio.texts("tim")[-1]


@pytest.mark.parametrize("text", ["", "  \n ", "\x00"])
def test_edit_without_text_is_ignored(studio: Studio, text: str) -> None:
    """A moving location, a replaced picture, a removed file."""
    say(studio, message("salut"), edit(text))
    assert lines(studio) == [("text", "salut")]


def test_long_edit_or_invalid_characters_hide_no_age(studio: Studio) -> None:
    say(studio, message("salut"), edit("la mer est belle. " * 3000 + "j'ai 15\x00 ans\ud800"))
    assert state(studio) is AssuranceState.BLOCKED
    assert lines(studio)[-1][1].endswith("j'ai 15 ans?")


def test_edited_caption_is_checked(studio: Studio) -> None:
    picture = ChatUpdate(
        "p1", "unsupported", "tim", native_id="m1", language="fr", text="voilà", shows="picture"
    )
    say(studio, picture, edit("voilà"), edit(MINOR))
    assert lines(studio) == [("picture", "voilà"), ("edited", MINOR)]
    assert state(studio) is AssuranceState.BLOCKED


@pytest.mark.parametrize(
    ("said", "then"),
    [
        (["salut", "mineur"], [edit("je suis", 1)]),  # the next message completes it
        (["je suis", "salut"], [edit("mineur", 2)]),
        (
            ["salut", "toi", "oui"],
            [edit("mineur", 2), edit("je suis", 1)],
        ),  # two edits, the later line first
        (["salut", "toi"], [edit("je suis", 1), edit("mineur", 2)]),  # and the earlier one
        (["salut"], [edit("je suis", 1), message("mineur", 2)]),  # an edit, then a message
        (["je suis"], [edit("toi", 1), message("mineur", 2)]),  # the original text still counts
        (["je suis", "un chat"], [message("rien", 3), message("ici", 4), edit("mineur", 2)]),
        (
            ["salut", "je suis"],
            [edit("salut toi", 1), edit("salut à toi", 1), message("mineur", 3)],
        ),  # no other edit hides it
    ],
)
def test_age_is_detected_across_messages_as_edited(
    studio: Studio, said: list[str], then: list[ChatUpdate]
) -> None:
    studio.writer.says = [build_model_reply("raconte") for _ in range(8)]
    say(studio, *(message(text, number) for number, text in enumerate(said, start=1)))
    assert state(studio) is AssuranceState.UNKNOWN
    say(studio, *then)
    assert state(studio) is AssuranceState.BLOCKED


def test_number_is_an_age_only_after_a_question(studio: Studio) -> None:
    studio.writer.says = [
        build_model_reply("tu as quel âge ?"),
        build_model_reply("ah"),
        build_model_reply("et la mer ?"),
    ]
    say(studio, message("salut"), message("25", 2), message("j'aime la mer", 3), edit("15", 1))
    assert state(studio) is AssuranceState.UNKNOWN, "no one had asked for an age before"
    say(studio, edit("15", 2))
    assert state(studio) is AssuranceState.BLOCKED


@pytest.mark.parametrize("said", [message(MINOR, 2), edit(MINOR, 2)])
def test_settled_signal_is_not_raised_again_by_another_edit(
    studio: Studio, said: ChatUpdate
) -> None:
    say(studio, message("salut"), *([message("toi", 2)] if said.kind == "edited" else []), said)
    cleared(studio)
    say(studio, edit("salut à toi"))
    assert (state(studio), signals(studio)) == (AssuranceState.UNKNOWN, ["minor"])


def test_edit_affects_its_own_agency_only(
    studio: Studio, database: Database, sandbox: RunningSandbox
) -> None:
    """Two agencies whose platforms use the same message numbers."""
    other = begun(create_nova(database, sandbox))
    say(studio, message("salut"))
    say(other, message("bonsoir"))
    say(other, edit(MINOR))
    assert (state(other), lines(other)) == (
        AssuranceState.BLOCKED,
        [("text", "bonsoir"), ("edited", MINOR)],
    )
    assert (state(studio), lines(studio)) == (AssuranceState.UNKNOWN, [("text", "salut")])
