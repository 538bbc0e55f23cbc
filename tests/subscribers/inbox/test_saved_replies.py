"""Saved replies: stored per creator, listed by the fan's language, inserted into a message box, and
never sent automatically."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import Database, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from subscribers.comments import moderation
from subscribers.conversations import conversation_rows, unsent_text
from subscribers.conversations.models import Conversation
from subscribers.inbox import member_actions, saved_replies
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.fakes.sandbox import RunningSandbox
from tests.subscribers.builders import Studio, create_nova

HOSTILE = "Léo\u202e {name} <b>*@all* https://evil.example\n\n" + "x" * 300


def talk(studio: Studio, fan: str = "leo") -> UUID:
    studio.say(fan, "bonjour")
    return studio.thread(fan).id


def keep(studio: Studio, talk_id: UUID, name: str, words: str = "Merci !", **more: Any) -> UUID:
    with studio.scope() as scope:
        key: UUID = more.pop("key", None) or uuid7()
        told = {"language": "", "place": "both", **more}
        saved_replies.create_saved_reply(
            scope,
            conversation_rows.get_conversation(scope, talk_id),
            name=name,
            words=words,
            key=key,
            **told,
        )
    return key


def names(studio: Studio, talk_id: UUID) -> list[str]:
    with studio.scope() as scope:
        return [
            one.name
            for one in saved_replies.list_saved_replies(
                scope, conversation_rows.get_conversation(scope, talk_id)
            )
        ]


def lay(
    studio: Studio, talk_id: UUID, answer_id: UUID, standing: str = "", most: int = 2000
) -> str:
    with studio.scope() as scope:
        row, me = conversation_rows.get_conversation(scope, talk_id), member(scope)
        return saved_replies.insert_saved_reply(
            scope, row, me, answer_id, standing=standing, most=most
        )


def member(scope: Scope) -> UUID:
    """Return the member who writes, the same one each time."""
    known = tenant_reads.list_members(scope)
    if known:
        return known[0].id
    email = f"{uuid7()}@example.test"
    return agencies.add_member(
        scope, name="Chloé", email=email, role=Role.CHATTER, language="fr", zone="Europe/Paris"
    )


def uses(studio: Studio) -> list[int]:
    return [
        row.uses
        for row in studio.rows(
            "SELECT uses FROM saved_answers WHERE tenant_id = :tenant ORDER BY id"
        )
    ]


def test_replies_in_the_fans_language_come_first_then_the_most_used(studio: Studio) -> None:
    here = talk(studio)
    with studio.scope() as scope:
        assert conversation_rows.get_conversation(scope, here).language == "fr"
    keep(studio, here, "english", language="en")
    keep(studio, here, "anybody")
    keep(studio, here, "rare", language="fr")
    often = keep(studio, here, "often", "Souvent.", language="fr")
    keep(studio, here, "in public", place="public")
    assert names(studio, here) == ["often", "rare", "anybody", "english"]
    rare = keep(studio, here, "third", "Encore.", language="fr")
    for answer in (rare, rare, often):
        lay(studio, here, answer)
    assert names(studio, here) == ["third", "often", "rare", "anybody", "english"]


def test_saved_reply_is_appended_and_not_sent(studio: Studio) -> None:
    here = talk(studio)
    thanks = keep(studio, here, "thanks", "Merci {name}, à bientôt {name} !")
    studio.drain()
    before = studio.texts("leo")
    assert lay(studio, here, thanks, "Bonsoir. ") == "Bonsoir.\nMerci leo, à bientôt leo !"
    assert (
        lay(studio, here, thanks, "Bonsoir.\nMerci leo, à bientôt leo !")
        == "Bonsoir.\nMerci leo, à bientôt leo !"
    )
    assert uses(studio) == [1], "inserting twice counts once"
    with studio.scope() as scope:
        kept = unsent_text.load_unsent_text(scope, here, member(scope))
    assert kept == "Bonsoir.\nMerci leo, à bientôt leo !"
    studio.drain()
    assert studio.texts("leo") == before
    assert not studio.rows("SELECT 1 FROM drafts WHERE tenant_id = :tenant AND origin = 'member'")


def test_hostile_name_becomes_one_short_plain_line() -> None:
    said = saved_replies.fill_saved_reply("Merci {name} !", HOSTILE)
    assert "\n" not in said
    assert not set("<>{}@/\\\u202e") & set(said)
    assert len(said) <= len("Merci  !") + 64
    assert (
        saved_replies.fill_saved_reply("Merci {name.__class__} {0} !", "leo")
        == "Merci {name.__class__} {0} !"
    )


def test_overlong_reply_is_refused_and_not_counted(studio: Studio) -> None:
    here = talk(studio)
    long = keep(studio, here, "long", "a" * 300)
    with pytest.raises(BadInput, match=r"chat\.too_long"):
        lay(studio, here, long, most=299)
    with pytest.raises(BadInput, match=r"chat\.too_long"):
        lay(studio, here, long, "b" * 1700)
    assert uses(studio) == [0]
    assert len(lay(studio, here, long, most=300)) == 300


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"name": " \u200b "}, "saved.bad_name"),
        ({"name": "n" * (saved_replies.MAX_SAVED_REPLY_NAME_LENGTH + 1)}, "saved.bad_name"),
        ({"words": " \n"}, "saved.no_words"),
        (
            {"words": "a" * (member_actions.MAX_REPLY_LENGTH + 1), "place": "private"},
            "chat.too_long",
        ),
        (
            {"words": "a" * (moderation.MAX_COMMENT_ANSWER_LENGTH + 1), "place": "both"},
            "chat.too_long",
        ),
        ({"language": "xx"}, "saved.bad_place"),
        ({"place": "everywhere"}, "saved.bad_place"),
    ],
)
def test_invalid_saved_reply_is_refused(studio: Studio, told: dict[str, str], why: str) -> None:
    here = talk(studio)
    with pytest.raises(BadInput) as refused:
        keep(studio, here, **{"name": "thanks", **told})
    assert refused.value.message.code == why
    assert names(studio, here) == []


def test_saved_reply_is_stored_once_per_click_and_name(studio: Studio) -> None:
    here, key = talk(studio), uuid7()
    for _ in range(2):
        keep(studio, here, "thanks", key=key)
    with pytest.raises(Conflict):
        keep(studio, here, " thanks ")
    other = keep(studio, here, "hello", "Bonjour !")
    with pytest.raises(Conflict), studio.scope() as scope:
        saved_replies.update_saved_reply(
            scope,
            conversation_rows.get_conversation(scope, here),
            other,
            name="thanks",
            words="Bonjour !",
        )
    with studio.scope() as scope:
        saved_replies.update_saved_reply(
            scope,
            conversation_rows.get_conversation(scope, here),
            other,
            name="hello",
            words="Bonsoir !",
        )
    assert lay(studio, here, other) == "Bonsoir !"


def test_concurrent_saves_respect_the_limit(studio: Studio) -> None:
    here = talk(studio)
    keep(studio, here, "first")
    with studio.scope() as scope:
        scope.run(
            "INSERT INTO saved_answers (tenant_id, id, creator_id, name, words, language, place, "
            "uses)"
            " SELECT tenant_id, gen_random_uuid(), creator_id, 'answer ' || n, words, language, "
            "place, uses"
            " FROM saved_answers, generate_series(3, :most) n WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
            most=saved_replies.MAX_SAVED_REPLIES,
        )

    def one_more(number: int) -> str:
        try:
            keep(studio, here, f"more {number}")
        except Conflict as refused:
            return refused.message.code
        return "kept"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one_more, range(2))) == ["kept", "saved.enough"]
    assert len(names(studio, here)) == saved_replies.MAX_SAVED_REPLIES


def test_repeated_deletion_has_no_effect(studio: Studio) -> None:
    here = talk(studio)
    thanks = keep(studio, here, "thanks")
    for _ in range(2):
        with studio.scope() as scope:
            saved_replies.delete_saved_reply(
                scope, conversation_rows.get_conversation(scope, here), thanks
            )
    assert names(studio, here) == []
    with pytest.raises(NotFound):
        lay(studio, here, thanks)


def _acts(here: Conversation, answer_id: UUID, me: UUID) -> list[Any]:
    return [
        lambda scope: saved_replies.insert_saved_reply(
            scope, here, me, answer_id, standing="", most=2000
        ),
        lambda scope: saved_replies.update_saved_reply(
            scope, here, answer_id, name="mine", words="mine"
        ),
        lambda scope: saved_replies.delete_saved_reply(scope, here, answer_id),
    ]


@pytest.mark.parametrize("whose", ["creator", "tenant"])
@pytest.mark.parametrize("act", range(3))
def test_saved_replies_of_others_are_invisible_and_unchangeable(
    studio: Studio, database: Database, sandbox: RunningSandbox, whose: str, act: int
) -> None:
    here = talk(studio)
    thanks = keep(studio, here, "thanks")
    with studio.scope() as scope:
        stranger = conversation_rows.get_conversation(scope, here)
        scope.session.expunge(stranger)
        me = member(scope)
        if whose == "creator":  # another creator of the same agency
            stranger.creator_id = agencies.add_creator(
                scope,
                slug="mia",
                name="Mia",
                kind="virtual",
                zone="Europe/Paris",
                languages=("fr",),
            )
    agency = (
        studio if whose == "creator" else create_nova(database, sandbox)
    )  # another agency may guess each ID
    with agency.scope() as scope:
        assert saved_replies.list_saved_replies(scope, stranger) == []
        if act == 2:  # only deletion raises no error
            _acts(stranger, thanks, me)[act](scope)
    if act < 2:
        with pytest.raises(NotFound, match=r"saved\.unknown"), agency.scope() as scope:
            _acts(stranger, thanks, me)[act](scope)
    with studio.scope() as scope:
        (one,) = saved_replies.list_saved_replies(
            scope, conversation_rows.get_conversation(scope, here)
        )
        assert (one.name, one.words, one.uses) == ("thanks", "Merci !", 0)


def test_invalid_characters_are_removed_from_saved_replies(studio: Studio) -> None:
    here = talk(studio)
    answer = keep(studio, here, "nul", "Merci\x00 !")
    assert lay(studio, here, answer) == "Merci !"
    with pytest.raises(BadInput):
        keep(studio, here, "empty", "\x00")
