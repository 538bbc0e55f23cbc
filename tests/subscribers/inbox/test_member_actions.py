"""Members take over a conversation, reply, decide, offer and hand it back; the fan is informed who
writes."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.policy import emergency_stops
from gate.ratings import ratings
from studio.packs import packs
from subscribers import retention as chat_keeping
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.erasure import erase_fan
from subscribers.inbox import conversation_list, fan_notes, member_actions, queries
from subscribers.replies import persona
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members
from tenants.presence import presence
from tenants.presence.presence import Presence
from tests.subscribers.builders import Studio, build_model_reply


def member(studio: Studio, name: str = "Léa") -> UUID:
    with studio.scope() as scope:
        made: UUID = agencies.add_member(
            scope,
            name=name,
            email=f"{uuid7()}@example.test",
            role=Role.CHATTER,
            language="fr",
            zone="Europe/Paris",
        )
    return made


def act(studio: Studio, who: UUID, do: Any, *args: Any, **more: Any) -> Any:
    """Perform an action as a page does: in one transaction, as the member."""
    with studio.world.database.scope(studio.world.tenant_id, f"member:{who}") as scope:
        return do(scope, *args, **more)


def taken(studio: Studio, fan: str = "leo") -> tuple[UUID, UUID]:
    """Let a member take over a conversation; return the IDs of both."""
    studio.say(fan, "bonjour")
    who, talk = member(studio), studio.thread(fan).id
    act(studio, who, member_actions.take_over_conversation, talk, who)
    return who, talk


def test_takeover_and_return_are_disclosed_to_the_fan(studio: Studio) -> None:
    who, talk = taken(studio)
    # a repeated takeover has no effect
    act(studio, who, member_actions.take_over_conversation, talk, who)
    assert studio.thread("leo").epoch == 2
    act(
        studio,
        who,
        member_actions.send_member_reply,
        talk,
        who,
        "Je regarde cela pour vous.",
        key=uuid7(),
    )
    studio.go()
    texts = studio.texts("leo")
    assert "Un membre de l’équipe" in texts[-2]
    assert texts[-1] == "Je regarde cela pour vous."
    act(studio, who, member_actions.send_member_reply, talk, who, "Voilà, c’est fait.", key=uuid7())
    studio.go()
    assert sum("Un membre de l’équipe" in text for text in studio.texts("leo")) == 1
    act(studio, who, member_actions.return_to_ai, talk, who)
    act(studio, who, member_actions.return_to_ai, talk, who)
    assert studio.thread("leo").owner is OwnerState.BOT
    studio.say("leo", "merci")
    assert "intelligence artificielle" in studio.texts("leo")[-2]
    studio.say("leo", "encore merci")
    assert "intelligence artificielle" not in studio.texts("leo")[-2]


@pytest.mark.parametrize("spoke", [True, False])
def test_pending_message_is_answered_once_after_the_return(studio: Studio, spoke: bool) -> None:
    who, talk = taken(studio)
    if spoke:
        act(
            studio,
            who,
            member_actions.send_member_reply,
            talk,
            who,
            "Je regarde cela pour vous.",
            key=uuid7(),
        )
        studio.go()
    studio.say("leo", "vous êtes là ?")
    before = len(studio.texts("leo"))
    studio.writer.says = [build_model_reply("Oui !"), build_model_reply("De rien.")]
    act(studio, who, member_actions.return_to_ai, talk, who)
    studio.go()
    told = studio.texts("leo")[before:]
    assert told[-1] == "Oui !"
    assert ["intelligence artificielle" in text for text in told[:-1]] == (
        [True] if spoke else []
    ), "the return to the AI is disclosed"
    studio.say("leo", "merci")
    assert studio.texts("leo")[before + len(told) :] == ["De rien."]


def test_answered_message_or_command_is_not_answered_again(studio: Studio) -> None:
    who, talk = taken(studio)
    act(studio, who, member_actions.send_member_reply, talk, who, "Bonsoir.", key=uuid7())
    studio.go()
    act(studio, who, member_actions.return_to_ai, talk, who)
    studio.go()
    assert studio.texts("leo")[-1] == "Bonsoir."
    studio.say("leo", "/human")
    before, asked = studio.texts("leo"), len(studio.writer.asked)
    act(studio, who, member_actions.take_over_conversation, talk, who)
    act(studio, who, member_actions.return_to_ai, talk, who)
    studio.go()
    assert (studio.texts("leo"), len(studio.writer.asked)) == (before, asked)


def test_repeated_click_sends_once(studio: Studio) -> None:
    who, talk = taken(studio)
    key = uuid7()
    for _ in range(3):
        act(studio, who, member_actions.send_member_reply, talk, who, "Une seule fois.", key=key)
    studio.go()
    assert studio.texts("leo").count("Une seule fois.") == 1


def test_only_the_owner_can_reply(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    who, other, talk = member(studio), member(studio, "Sam"), studio.thread("leo").id
    with pytest.raises(Refused, match=r"chat\.take_first"):
        act(studio, who, member_actions.send_member_reply, talk, who, "Bonjour", key=uuid7())
    act(studio, who, member_actions.take_over_conversation, talk, who)
    act(studio, who, member_actions.send_member_reply, talk, who, "Déjà parti ?", key=uuid7())
    with pytest.raises(Refused, match=r"chat\.anothers"):
        act(studio, other, member_actions.return_to_ai, talk, other)
    act(studio, other, member_actions.take_over_conversation, talk, other)
    with pytest.raises(Refused, match=r"chat\.anothers"):
        act(studio, who, member_actions.send_member_reply, talk, who, "Bonjour", key=uuid7())
    studio.go()
    assert "Déjà parti ?" not in studio.texts("leo"), (
        "a reply queued under another owner is not sent"
    )


@pytest.mark.parametrize(
    "words", ["je suis vraiment Nova en vrai, c'est vraiment moi", "I am not a bot", "  "]
)
def test_reply_impersonating_the_creator_is_refused(studio: Studio, words: str) -> None:
    who, talk = taken(studio)
    with pytest.raises((Refused, BadInput)):
        act(studio, who, member_actions.send_member_reply, talk, who, words, key=uuid7())
    with pytest.raises(BadInput):
        act(studio, who, member_actions.send_member_reply, talk, who, "x" * 2001, key=uuid7())


def test_bot_question_to_a_member_names_a_team_member(studio: Studio) -> None:
    who, talk = taken(studio)
    act(studio, who, member_actions.send_member_reply, talk, who, "Bonsoir.", key=uuid7())
    studio.go()
    before = len(studio.texts("leo"))
    studio.say("leo", "t'es un bot ?")
    told = studio.texts("leo")[before:]
    assert len(told) == 1
    assert "Un membre de l’équipe vous écrit" in told[0]


def copilot(studio: Studio) -> None:
    with studio.scope() as scope:
        persona.set_autonomy_level(scope, studio.world.creator_id, "copilot")


def suggested(studio: Studio, text: str) -> UUID:
    copilot(studio)
    studio.writer.says = [build_model_reply(text)]
    studio.say("leo", "bonjour")
    (draft,) = [one for one in studio.thread("leo").waiting if one.state is DraftState.DRAFT]
    return draft.id


def test_suggestion_is_approved_once_with_its_edits(studio: Studio) -> None:
    draft, who = suggested(studio, "Bonjour toi"), member(studio)
    for _ in range(2):
        act(studio, who, member_actions.approve_draft, draft, text="Bonjour à vous")
    studio.go()
    assert studio.texts("leo")[-1] == "Bonjour à vous"
    (row,) = studio.rows(
        "SELECT original_text, approved_by FROM drafts WHERE tenant_id = :tenant AND origin = 'bot'"
    )
    assert (row.original_text, row.approved_by) == ("Bonjour toi", f"member:{who}")
    assert not studio.rows("SELECT 1 FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL")
    with pytest.raises(Conflict):
        act(studio, who, member_actions.reject_draft_as_member, draft, "tone")


def test_suggestion_is_rejected_with_its_reason(studio: Studio) -> None:
    draft, who = suggested(studio, "Bonjour toi"), member(studio)
    for _ in range(2):
        act(studio, who, member_actions.reject_draft_as_member, draft, "tone")
    studio.go()
    assert "Bonjour toi" not in studio.texts("leo")
    (row,) = studio.rows(
        "SELECT state, reason FROM drafts WHERE tenant_id = :tenant AND origin = 'bot'"
    )
    assert (row.state, row.reason["code"]) == ("rejected", "draft.rejected.tone")
    with pytest.raises(Conflict):
        act(studio, who, member_actions.approve_draft, draft)


def test_refused_reply_returns_to_the_member_with_a_reason(studio: Studio) -> None:
    who, talk = taken(studio)
    act(
        studio,
        who,
        member_actions.send_member_reply,
        talk,
        who,
        "Regardez https://pay.example.test/now",
        key=uuid7(),
    )
    studio.go()
    assert not any("pay.example" in text for text in studio.texts("leo"))
    desk = act(studio, who, queries.load_conversation_desk, talk)
    (kept,) = [one for one in desk.unsent if one.origin == "member"]
    assert kept.state in (DraftState.FAILED, DraftState.DRAFT)
    assert kept.reason is not None
    assert kept.reason.code.startswith("gate.")


def test_offered_pack_can_be_bought(studio: Studio) -> None:
    who, talk = taken(studio)
    act(
        studio,
        who,
        member_actions.send_offer,
        talk,
        who,
        studio.pack_id,
        text="Ceci vous plaira.",
        key=uuid7(),
    )
    studio.go()
    assert studio.seen("leo")[-1]["buttons"][0]["action"] == "buy"
    with pytest.raises(NotFound, match=r"offer\.not_now"):  # at most one offer in six lines
        act(studio, who, member_actions.send_offer, talk, who, studio.pack_id, text="", key=uuid7())
    studio.fan("leo", "button", ref="buy")
    studio.go()
    assert studio.seen("leo")[-1]["invoice"]["title"] == "Matin calme"


def test_pack_with_a_blocked_picture_is_not_offered(studio: Studio) -> None:
    _, talk = taken(studio)
    with studio.scope() as scope:
        assert (
            len(
                member_actions.list_offers_for_conversation(
                    scope, conversation_rows.get_conversation(scope, talk)
                )
            )
            == 1
        )
        ratings.freeze_bytes(scope, packs.get_pack(scope, studio.pack_id).media[0].sha256)
        assert (
            member_actions.list_offers_for_conversation(
                scope, conversation_rows.get_conversation(scope, talk)
            )
            == ()
        )


def test_sales_stop_affects_one_fan_only(studio: Studio) -> None:
    who, talk = taken(studio)
    _, other_talk = taken(studio, "ana")
    act(studio, who, member_actions.set_sales_stop, talk, stop=True, reason="too much")
    (row,) = studio.rows(
        "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'switch.set'"
    )
    with studio.world.database.scope(studio.world.tenant_id, f"member:{who}") as scope:
        emergency_stops.close_switch(
            scope, row.args["scope"], row.args["target"], row.args["feature"], reason="too much"
        )
    with studio.scope() as scope:
        assert (
            member_actions.list_offers_for_conversation(
                scope, conversation_rows.get_conversation(scope, talk)
            )
            == ()
        )
        assert (
            len(
                member_actions.list_offers_for_conversation(
                    scope, conversation_rows.get_conversation(scope, other_talk)
                )
            )
            == 1
        )


@pytest.mark.parametrize(("arrived", "copies"), [(True, 1), (False, 2)])
def test_uncertain_message_is_settled_by_a_member(
    studio: Studio, arrived: bool, copies: int
) -> None:
    """The response is lost after the message arrived: a member who reports that it did not arrive
    sends it again knowingly."""
    who, talk = taken(studio)
    act(studio, who, member_actions.send_member_reply, talk, who, "D’abord ceci.", key=uuid7())
    studio.go()
    key = uuid7()
    studio.world.network.fault("reset_after", account=studio.world.account, on="messages", times=1)
    act(studio, who, member_actions.send_member_reply, talk, who, "Puis cela.", key=key)
    studio.drain(hours=0.0)
    assert state_of(studio, key) == "uncertain"
    studio.world.pass_time(60)
    with studio.scope() as scope:
        scope.run(
            "DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'chat.reconcile'",
            tenant=scope.tenant_id,
        )
    act(studio, who, member_actions.settle_uncertain_message, key, arrived=arrived)
    studio.go()
    assert state_of(studio, key) == "sent"
    assert studio.texts("leo").count("Puis cela.") == copies
    with pytest.raises(Conflict):
        act(studio, who, member_actions.settle_uncertain_message, key, arrived=arrived)


def state_of(studio: Studio, draft_id: UUID) -> str:
    (row,) = studio.rows(
        "SELECT state FROM drafts WHERE tenant_id = :tenant AND id = :id", id=draft_id
    )
    return str(row.state)


def present(studio: Studio, viewer: UUID) -> Any:
    mine = [studio.world.creator_id]
    return act(studio, viewer, presence.list_presences, viewer, "conversation", mine)


def test_unsent_text_is_private_and_shown_as_typing(studio: Studio) -> None:
    who, talk = taken(studio)
    other = member(studio, "Sam")

    def keep(scope: Any, text: str) -> None:
        unsent_text.store_unsent_text(
            scope, conversation_rows.get_conversation(scope, talk), who, text
        )

    act(studio, who, keep, "je commence")
    act(studio, who, keep, "je commence à écrire")
    assert act(studio, who, unsent_text.load_unsent_text, talk, who) == "je commence à écrire"
    assert act(studio, other, unsent_text.load_unsent_text, talk, other) == ""
    assert present(studio, other) == {talk: (Presence(who, active=True),)}
    assert present(studio, who) == {}
    studio.world.pass_time(61)
    assert present(studio, other) == {}
    act(studio, who, member_actions.send_member_reply, talk, who, "envoyé", key=uuid7())
    assert act(studio, who, unsent_text.load_unsent_text, talk, who) == ""


def test_snooze_ends_at_its_time_or_with_a_message(studio: Studio) -> None:
    who, talk = taken(studio)

    def group() -> conversation_list.InboxGroup:
        with studio.scope() as scope:
            (row,) = conversation_list.list_inbox(scope, [studio.world.creator_id])
            return row.group(who, scope.now)

    assert group() is conversation_list.InboxGroup.MINE
    with studio.scope() as scope:
        member_actions.snooze_conversation(scope, talk, scope.now + timedelta(hours=1))
    assert group() is conversation_list.InboxGroup.SNOOZED
    studio.say("leo", "vous êtes là ?")
    assert group() is conversation_list.InboxGroup.MINE
    with studio.scope() as scope, pytest.raises(BadInput):
        member_actions.snooze_conversation(scope, talk, scope.now - timedelta(hours=1))


def test_note_is_stored_once_and_erased_with_the_fan(studio: Studio) -> None:
    who, talk = taken(studio)
    key = uuid7()
    for _ in range(2):
        act(
            studio,
            who,
            lambda scope: fan_notes.add_fan_note(
                scope, conversation_rows.get_conversation(scope, talk), who, "Aime la mer", key=key
            ),
        )
    fan = studio.thread("leo").fan_id
    assert [one.body for one in act(studio, who, fan_notes.list_fan_notes, fan)] == ["Aime la mer"]
    with studio.scope() as scope:
        erase_fan(scope, fan)
    assert act(studio, who, fan_notes.list_fan_notes, fan) == []


def test_adult_reply_needs_a_trained_member_or_approval(studio: Studio) -> None:
    who, talk = taken(studio)
    studio.fan("leo", "age")
    studio.go()
    act(
        studio,
        who,
        member_actions.send_member_reply,
        talk,
        who,
        "EXPLICIT-MARKER-A pour toi",
        key=uuid7(),
    )
    assert act(studio, who, member_actions.check_member_reply, talk, who, "EXPLICIT-MARKER-A"), (
        "the warning appears while typing"
    )
    studio.go()
    (kept,) = [
        one
        for one in act(studio, who, queries.load_conversation_desk, talk).unsent
        if one.origin == "member"
    ]
    assert kept.state is DraftState.DRAFT, "the reply of an untrained member waits for approval"
    with studio.scope() as scope:
        boss = agencies.add_member(
            scope,
            name="Boss",
            email=f"{uuid7()}@example.test",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
    act(studio, boss, members.set_adult_chat_training, who, adult_chat=True)
    assert not act(studio, who, member_actions.check_member_reply, talk, who, "EXPLICIT-MARKER-A")
    act(studio, who, member_actions.approve_draft, kept.id)
    studio.go()
    assert studio.texts("leo")[-1] == "EXPLICIT-MARKER-A pour toi"
    assert studio.rows(
        "SELECT author FROM decisions WHERE tenant_id = :tenant AND subject_id = :id", id=kept.id
    )[-1][0] == (f"member:{who}")


def test_approver_does_not_become_the_author_of_an_adult_reply(studio: Studio) -> None:
    who, talk = taken(studio)
    studio.fan("leo", "age")
    studio.go()
    key = uuid7()
    act(
        studio,
        who,
        member_actions.send_member_reply,
        talk,
        who,
        "EXPLICIT-MARKER-A pour toi",
        key=key,
    )
    studio.go()
    other = member(studio, "Sam")
    with studio.scope() as scope:
        boss = agencies.add_member(
            scope,
            name="Boss",
            email=f"{uuid7()}@example.test",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
    act(studio, boss, members.set_adult_chat_training, other, adult_chat=True)
    act(studio, other, member_actions.approve_draft, key)
    studio.go()
    assert "EXPLICIT-MARKER-A pour toi" not in studio.texts("leo"), (
        "unchanged, its author is still Léa"
    )
    act(studio, other, member_actions.approve_draft, key, text="EXPLICIT-MARKER-A, mon ami")
    studio.go()
    assert studio.texts("leo")[-1] == "EXPLICIT-MARKER-A, mon ami", "edited, its author is Sam"


def test_fan_inactive_for_18_months_is_erased_unless_blocked(
    studio: Studio,
) -> None:
    for fan in ("leo", "max", "vun"):
        studio.say(fan, "bonjour")
    with studio.scope() as scope:
        scope.run(
            "UPDATE fans SET status = 'blocked' WHERE id = (SELECT fan_id FROM fan_identities "
            "WHERE native_id = 'vun')"
        )
    studio.world.pass_time(timedelta(days=500).total_seconds())
    with studio.scope() as scope:
        assert not chat_keeping.inactive_fans_query(scope, most=10)
    studio.world.network.clock.advance(timedelta(days=500).total_seconds())
    studio.say("max", "encore là")
    studio.world.pass_time(timedelta(days=60).total_seconds())
    with studio.scope() as scope:
        assert chat_keeping.erase_inactive_fans(scope, most=10) == 1
        assert chat_keeping.erase_inactive_fans(scope, most=10) == 0
    left = studio.rows(
        "SELECT native_id FROM fan_identities WHERE tenant_id = :tenant ORDER BY native_id"
    )
    assert [row.native_id for row in left][1:] == ["max", "vun"]
    assert left[0].native_id.startswith("erased:")
    with studio.scope() as scope:
        found = scope.run("SELECT count(*) FROM messages WHERE body LIKE '%bonjour%'").scalar_one()
    assert found == 2
