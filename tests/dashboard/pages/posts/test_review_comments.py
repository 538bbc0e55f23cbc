"""Review comments and change requests: on the post page, in the calendar and in Approvals."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from gate.contract.units import Rating
from schedules.approvals import decisions, review_comments
from schedules.approvals.review_comments import CommentAnchor
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import asked, word
from tests.dashboard.streamlit_client import stream


def said(who: Agency, post_id: UUID) -> list[review_comments.ReviewComment]:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        return review_comments.list_comments(scope, post_id)


def say(who: Agency, role: Role, post_id: UUID, words: str, *, internal: bool = True) -> UUID:
    with who.scope(who.act_as(role)) as scope:
        return review_comments.add_comment(scope, post_id, words, key=uuid7(), internal=internal)


@pytest.mark.parametrize("language", LANGUAGES)
def test_change_request_is_shown_to_the_author_until_answered(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    post_id, _ = asked(who, "Le phare")
    owner, author = who.members[Role.OWNER], who.act_as(Role.MANAGER)
    with who.scope(who.act_as(Role.OWNER)) as scope:
        decisions.request_changes(scope, post_id, member_id=owner, note="plus clair")
    told = word("approval.change_wanted", language, member="Owner", post="Le phare")
    bar = word("talk.wanted.change", language, who="Owner")
    with (
        stream(door.url, door.cookie(who)) as page,
        stream(door.url, door.cookie(who, Role.MANAGER)) as writer,
    ):
        assert told not in page.open("/")
        assert told in writer.open("/")
        writer.open("/calendar", post=post_id)
        written = writer.press(word("calendar.edit", language))
        assert bar in written, "the request is shown while editing"
        assert "plus clair" in written
        with who.scope(author) as scope:
            draft = Draft(who.creator_id, "", "Le phare, plus clair", (), ())
            drafts.rewrite_post(scope, post_id, draft, author=author)
        assert told not in writer.open("/")
        assert bar in writer.open("/calendar", post=post_id)
        page.open("/approvals")
        page.press(word("approvals.approve", language))
        assert bar not in writer.open("/calendar", post=post_id)


def test_rejected_post_awaits_nothing_and_its_author_is_notified(
    door: Door, tenant: OpenScope
) -> None:
    """Regression: the page awaited a new version under "Cancelled", without a notice."""
    who = create_agency(tenant)
    post_id, _ = asked(who, "Le phare")
    owner, wait = who.members[Role.OWNER], word("talk.waits_for_author")
    told = word("approval.turned_down", member="Owner", post="Le phare")
    with stream(door.url, door.cookie(who, Role.MANAGER)) as writer:
        with who.scope(who.act_as(Role.OWNER)) as scope:
            decisions.reject_post(scope, post_id, member_id=owner, note="trop sombre")
        assert wait in writer.open("/calendar", post=post_id)
        with who.scope(who.act_as(Role.OWNER)) as scope:
            decisions.decline_post(scope, post_id, member_id=owner, note="trop sombre")
        page = writer.open("/calendar", post=post_id)
        assert "trop sombre" in page
        assert wait not in page
        assert told in writer.open("/")
    with stream(door.url, door.cookie(who)) as page:
        assert told not in page.open("/")


@pytest.mark.parametrize("language", LANGUAGES)
def test_comment_is_written_answered_and_resolved(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    shot = picture(door, who, rating=Rating.G)
    post_id, _ = asked(who, "Le phare", media=(shot,))
    with stream(door.url, door.cookie(who)) as page:
        assert word("talk.none", language) in page.open("/calendar", post=post_id)
        page.choose(word("talk.about", language), word("talk.picture", language, number=1))
        page.type(word("talk.words", language), "Trop sombre <b>ici</b> *là*")
        page.choose(word("talk.named", language), word("talk.at", language, name="Manager"))
        text = page.press(word("talk.say", language))
        assert word("talk.said", language) in text
        assert "Trop sombre &lt;b&gt;ici&lt;/b&gt; *là*" in text
        assert "@Manager" in text
    (one,) = said(who, post_id)
    assert (one.spot, one.internal) == (CommentAnchor(0, shot), True)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        home = page.open("/")
        assert word("comment.named", language, member="Owner", post="Le phare") in home
        text = page.open("/calendar", post=post_id)
        assert "Trop sombre" in text
        page.type(word("talk.words", language), "Je reprends", nth=0)
        assert "Je reprends" in page.press(word("talk.answer_now", language))
        assert word("talk.resolved", language) in page.press(word("talk.resolve", language))
        assert word("comment.named", language, member="Owner", post="Le phare") not in page.open(
            "/"
        )
    (one,) = said(who, post_id)
    assert [each.words for each in one.answers] == ["Je reprends"]
    assert not one.open


def test_mention_notifies_only_the_named_member(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "Le phare")
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        manager = tenant_reads.get_member(scope, lumiere.members[Role.MANAGER])
        review_comments.add_comment(
            scope, post_id, "à toi", key=uuid7(), named=[manager.principal_id]
        )
    told = word("comment.named", member="Owner", post="Le phare")
    for role, hears in ((Role.MANAGER, True), (Role.OWNER, False), (Role.CREATOR, False)):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert (told in page.open("/")) == hears, role
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/calendar", post=post_id)
        page.press(word("talk.read"))
        assert told not in page.open("/")


def test_creator_sees_only_comments_for_her(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "Le phare")
    say(lumiere, Role.OWNER, post_id, "entre nous")
    say(lumiere, Role.OWNER, post_id, "qu’en pensez-vous", internal=False)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        for path in ({"path": "/calendar", "post": post_id}, {"path": "/approvals"}):
            text = page.open(**path)
            assert "qu’en pensez-vous" in text
            assert "entre nous" not in text
        assert word("talk.outside") not in page.labels("checkbox")


def test_comments_of_another_creator_are_hidden(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "Le phare")
    say(lumiere, Role.OWNER, post_id, "entre nous")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"zoe\"]' WHERE id = :m",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        for path in ({"path": "/calendar", "post": post_id}, {"path": "/approvals"}):
            assert "entre nous" not in page.open(**path)


def test_removed_member_is_named_as_former_member(door: Door, lumiere: Agency) -> None:
    post_id, _ = asked(lumiere, "Le phare")
    say(lumiere, Role.MANAGER, post_id, "avant publication")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET active = false WHERE id = :m", m=lumiere.members[Role.MANAGER]
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post_id)
        assert "avant publication" in text
        assert word("talk.left") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_change_request_and_later_changes_are_shown(
    door: Door, tenant: OpenScope, language: str
) -> None:
    who = create_agency(tenant, language=language)
    post_id, _ = asked(who, "Le vieux phare")
    with who.scope(who.act_as(Role.OWNER)) as scope:
        decisions.request_changes(
            scope, post_id, member_id=who.members[Role.OWNER], why="words", note="pas <vieux>"
        )
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        text = page.open("/calendar", post=post_id)
        assert word("talk.wanted.change", language, who="Owner") in text
        assert "pas &lt;vieux&gt;" in text
        assert word("talk.waits_for_author", language) in text
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        draft = Draft(who.creator_id, "", "Le grand phare", (), ())
        drafts.rewrite_post(scope, post_id, draft, author=who.act_as(Role.MANAGER))
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/approvals")
        assert word("talk.answered", language) in text
        assert "<del>vieux</del><ins>grand</ins>" in text
