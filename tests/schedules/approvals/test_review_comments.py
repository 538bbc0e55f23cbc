"""Review comments of a post: permissions, visibility, notices, and repeated requests."""

import threading
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from schedules.approvals import review_comments
from schedules.approvals.review_comments import CommentAnchor
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts.thread_parts import ThreadPart
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.queries import Member
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency


def member(
    at: SandboxAgency, role: Role, name: str = "", *, creators: tuple[str, ...] = ()
) -> Member:
    more: dict[str, Any] = {"role": role, "language": "fr", "zone": ZONE, "creators": creators}
    with at.scope() as scope:
        added = agencies.add_member(
            scope, name=name or str(role), email=f"{uuid7()}@example.test", **more
        )
        return tenant_reads.get_member(scope, added)


def known(at: SandboxAgency, member_id: UUID) -> Member:
    with at.scope() as scope:
        return tenant_reads.get_member(scope, member_id)


def say(at: SandboxAgency, who: UUID, post_id: UUID, words: str = "a word", **more: Any) -> UUID:
    with at.scope(f"member:{who}") as scope:
        return review_comments.add_comment(
            scope, post_id, words, key=more.pop("key", uuid7()), **more
        )


def answer(
    at: SandboxAgency, who: UUID, comment_id: UUID, words: str = "an answer", **more: Any
) -> UUID:
    with at.scope(f"member:{who}") as scope:
        return review_comments.reply_to_comment(
            scope, comment_id, words, key=more.pop("key", uuid7()), **more
        )


def seen(at: SandboxAgency, who: UUID, post_id: UUID) -> list[review_comments.ReviewComment]:
    with at.scope(f"member:{who}") as scope:
        return review_comments.list_comments(scope, post_id)


def told(at: SandboxAgency, who: Member) -> list[str]:
    with at.scope() as scope:
        return [one.message.code for one in list_open_notices(scope, to=who.principal_id)]


def test_comment_keeps_its_anchor(lea: SandboxAgency) -> None:
    shot = lea.photo()
    post_id = lea.write(media=(shot,), parts=(ThreadPart("second"),))
    say(lea, lea.author, post_id, "the picture is dark", spot=CommentAnchor(0, shot))
    say(lea, lea.manager, post_id, "shorter", spot=CommentAnchor(1))
    found = seen(lea, lea.manager, post_id)
    assert [(one.words, one.spot) for one in found] == [
        ("the picture is dark", CommentAnchor(0, shot)),
        ("shorter", CommentAnchor(1)),
    ]
    for nowhere in (
        CommentAnchor(2),
        CommentAnchor(-1),
        CommentAnchor(0, uuid7()),
        CommentAnchor(0, lea.photo(7)),
    ):
        with pytest.raises(NotFound):
            say(lea, lea.author, post_id, spot=nowhere)


@pytest.mark.parametrize(
    "words", ["", "  \n", "x" * (review_comments.MAX_REVIEW_COMMENT_LENGTH + 1), "a\x00b"]
)
def test_comment_length_is_validated(lea: SandboxAgency, words: str) -> None:
    post_id = lea.write()
    with pytest.raises(BadInput):
        say(lea, lea.author, post_id, words)
    assert seen(lea, lea.author, post_id) == []


def test_number_of_comments_per_post_is_limited(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first = say(lea, lea.author, post_id)
    with lea.scope() as scope:
        scope.run(
            "INSERT INTO comments (tenant_id, id, creator_id, post_id, part, digest, "
            "principal_id, words, named,"
            " internal) SELECT tenant_id, gen_random_uuid(), creator_id, post_id, 0, digest, "
            "principal_id, words,"
            " named, internal FROM comments, generate_series(2, :most) WHERE id = :first",
            first=first,
            most=review_comments.MAX_REVIEW_COMMENTS,
        )
    for act in (lambda: say(lea, lea.author, post_id), lambda: answer(lea, lea.author, first)):
        with pytest.raises(BadInput):
            act()


@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_role_without_access_cannot_read_or_write_comments(lea: SandboxAgency, role: Role) -> None:
    post_id, who = lea.write(), member(lea, role)
    with pytest.raises(Refused):
        say(lea, who.id, post_id)
    with pytest.raises(Refused):
        seen(lea, who.id, post_id)
    with pytest.raises(Refused), lea.scope("system:publishing") as scope:
        review_comments.add_comment(scope, post_id, "from nobody", key=uuid7())


def test_member_without_access_to_creator_cannot_use_comments(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first = say(lea, lea.author, post_id, internal=False)
    stranger = member(lea, Role.MANAGER, creators=("zoe",))
    acts = (
        lambda scope: review_comments.add_comment(scope, post_id, "mine too", key=uuid7()),
        lambda scope: review_comments.reply_to_comment(scope, first, "mine too", key=uuid7()),
        lambda scope: review_comments.resolve_comment(scope, first),
        lambda scope: review_comments.reopen_comment(scope, first),
        lambda scope: review_comments.list_comments(scope, post_id),
        lambda scope: review_comments.mark_comments_read(scope, post_id),
    )
    for act in acts:
        with pytest.raises(NotFound), lea.scope(f"member:{stranger.id}") as scope:
            act(scope)
    with pytest.raises(BadInput):  # nor can they be mentioned
        say(lea, lea.author, post_id, named=[stranger.principal_id])
    assert [(one.open, one.answers) for one in seen(lea, lea.author, post_id)] == [(True, ())]
    assert told(lea, stranger) == []


def test_comments_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first = say(lea, lea.author, post_id)
    other = create_sandbox_agency(lea.services, lea.network)
    for act in (say, seen):
        with pytest.raises(NotFound):
            act(other, other.manager, post_id)
    with pytest.raises(NotFound):
        answer(other, other.manager, first)
    theirs = other.write()
    with pytest.raises(BadInput):
        say(other, other.manager, theirs, named=[known(lea, lea.author).principal_id])
    assert (
        say(other, other.manager, theirs, key=first) == first
    )  # the same key in another agency is another comment
    assert [one.words for one in seen(lea, lea.author, post_id)] == ["a word"]


def test_internal_comment_is_hidden_from_creator(lea: SandboxAgency) -> None:
    post_id, creator = lea.write(), member(lea, Role.CREATOR)
    inside = say(lea, lea.author, post_id, "she will not like it")
    say(lea, lea.author, post_id, "your words?", internal=False, named=[creator.principal_id])
    assert [one.words for one in seen(lea, creator.id, post_id)] == ["your words?"]
    with lea.scope() as scope:
        assert [one.words for one in review_comments.list_client_comments(scope, post_id)] == [
            "your words?"
        ]
    for act in (review_comments.resolve_comment, review_comments.reopen_comment):
        with pytest.raises(NotFound), lea.scope(f"member:{creator.id}") as scope:
            act(scope, inside)
    with pytest.raises(NotFound):
        answer(lea, creator.id, inside)
    with pytest.raises(BadInput):
        say(lea, lea.author, post_id, named=[creator.principal_id])  # they could not read it
    hers = say(lea, creator.id, post_id, "mine", internal=True)
    assert [one.internal for one in seen(lea, lea.author, post_id) if one.id == hers] == [False]


def test_mentioned_or_answered_member_is_notified_once(lea: SandboxAgency) -> None:
    post_id = lea.write()
    author, manager, third = (
        known(lea, lea.author),
        known(lea, lea.manager),
        member(lea, Role.MANAGER, "Paul"),
    )
    first = say(lea, lea.author, post_id, named=[manager.principal_id, author.principal_id])
    say(lea, lea.author, post_id, named=[manager.principal_id])
    assert [told(lea, one) for one in (author, manager, third)] == [[], ["comment.named"], []]
    answer(lea, lea.manager, first)
    assert [told(lea, one) for one in (author, manager, third)] == [["comment.answered"], [], []]
    answer(lea, lea.author, first, named=[third.principal_id])
    assert [told(lea, one) for one in (author, manager, third)] == [
        [],
        ["comment.answered"],
        ["comment.named"],
    ]
    with lea.scope(f"member:{third.id}") as scope:
        assert review_comments.has_unread_mention(scope, post_id, third.principal_id)
        review_comments.mark_comments_read(scope, post_id)
        assert not review_comments.has_unread_mention(scope, post_id, third.principal_id)
    assert told(lea, third) == []


def test_departed_member_is_not_notified_and_comments_remain(lea: SandboxAgency) -> None:
    post_id, gone = lea.write(), member(lea, Role.MANAGER, "Gone")
    first = say(lea, gone.id, post_id, "before I go")
    with lea.scope() as scope:
        scope.run("UPDATE members SET active = false WHERE id = :m", m=gone.id)
    answer(lea, lea.author, first)
    assert told(lea, gone) == []
    assert [one.by for one in seen(lea, lea.author, post_id)] == [gone.principal_id]


def test_comment_can_be_resolved_and_reopened(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first = say(lea, lea.author, post_id)
    inner = answer(lea, lea.manager, first)
    with lea.scope(f"member:{lea.manager}") as scope:
        review_comments.resolve_comment(scope, inner)  # resolving a reply resolves the whole thread
        review_comments.resolve_comment(scope, first)
    found = seen(lea, lea.author, post_id)[0]
    assert (found.open, found.resolved_by) == (False, known(lea, lea.manager).principal_id)
    answer(lea, lea.author, first, "and yet")
    assert seen(lea, lea.author, post_id)[0].open
    with lea.scope(f"member:{lea.author}") as scope:
        review_comments.resolve_comment(scope, first)
        review_comments.reopen_comment(scope, first)
        assert review_comments.list_comments(scope, post_id)[0].open


def test_repeated_request_creates_one_comment_and_one_notice(lea: SandboxAgency) -> None:
    post_id, key = lea.write(), uuid7()
    manager = known(lea, lea.manager)
    pressing = [
        threading.Thread(
            target=say,
            args=(lea, lea.author, post_id),
            kwargs={"key": key, "named": [manager.principal_id]},
        )
        for _ in range(3)
    ]
    for each in pressing:
        each.start()
    for each in pressing:
        each.join(60)
    assert [one.id for one in seen(lea, lea.author, post_id)] == [key]
    assert told(lea, manager) == ["comment.named"]


def test_comment_on_earlier_version_is_marked(lea: SandboxAgency) -> None:
    post_id = lea.write(parts=(ThreadPart("second"),))
    lea.wish(post_id, after=600)
    say(lea, lea.manager, post_id, "drop the second", spot=CommentAnchor(1))
    assert [one.earlier for one in seen(lea, lea.author, post_id)] == [False]
    with lea.scope(f"member:{lea.author}") as scope:
        draft = Draft(lea.creator_id, "", "one alone", (), ())
        drafts.rewrite_post(scope, post_id, draft, author=f"member:{lea.author}")
    assert [(one.earlier, one.spot) for one in seen(lea, lea.author, post_id)] == [
        (True, CommentAnchor(1))
    ]


@settings(max_examples=30, deadline=None)
@given(words=st.text(max_size=60), size=st.integers(0, 25))
def test_comment_text_is_stored_verbatim_or_refused(
    lea_once: SandboxAgency, words: str, size: int
) -> None:
    post_id = lea_once.write()
    try:
        say(lea_once, lea_once.author, post_id, words, named=[uuid7() for _ in range(size)])
    except GreenroomError:
        kept = []
    else:
        kept = [words.strip()]
    assert [one.words for one in seen(lea_once, lea_once.author, post_id)] == kept
    assert bool(kept) == (size == 0 and bool(words.strip()) and "\x00" not in words)


@pytest.fixture(scope="module")
def lea_once(services: Any, running: Any) -> SandboxAgency:
    return create_sandbox_agency(services, running)
