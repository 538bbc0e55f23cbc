"""Overrides of a post for a platform or channel: publishing, approval and preview."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.accounts import queries as channel_reads
from foundation.errors import BadInput, NotFound
from schedules.drafts import drafts, previews
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries, queries
from schedules.posts.asset_usage import assets_used_in_posts
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.models import Post
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from tests.schedules.builders import SandboxAgency
from tests.schedules.thread_builders import list_reply_chain


def everywhere(
    lea: SandboxAgency, *others: ChannelOverride, body: str = "hello", **more: object
) -> UUID:
    """Create an approved post on both accounts, due now, and return its ID."""
    post_id = lea.write(body, others=others, **more)
    for name in lea.channels:
        lea.wish(post_id, name)
    lea.approve(post_id)
    return post_id


def test_override_is_published_on_its_channel(lea: SandboxAgency) -> None:
    lea.connect("second")
    everywhere(lea, ChannelOverride(str(lea.channels["second"]), body="hello, second"))
    lea.run()
    assert lea.texts("main") == ["hello"]
    assert lea.texts("second") == ["hello, second"]


def test_channel_override_wins_over_platform_override(lea: SandboxAgency) -> None:
    second = lea.connect("second")
    with lea.scope() as scope:
        platform = channel_reads.get_channel(scope, second).platform
    everywhere(
        lea,
        ChannelOverride(platform, body="everybody there"),
        ChannelOverride(str(second), body="here"),
    )
    lea.run()
    assert lea.texts("main") == ["everybody there"]
    assert lea.texts("second") == ["here"]


def test_thread_of_override_is_published_part_by_part(lea: SandboxAgency) -> None:
    second = str(lea.connect("second"))
    everywhere(
        lea,
        ChannelOverride(
            second, parts=(ThreadPart("and more"), ThreadPart("the last", comment=True))
        ),
    )
    lea.run()
    assert list_reply_chain(lea, "main") == [("hello", "")]
    assert list_reply_chain(lea, "second") == [
        ("hello", ""),
        ("and more", "hello"),
        ("the last", "hello"),
    ]


def test_photos_of_override_are_published_there_only(lea: SandboxAgency) -> None:
    second, picture = str(lea.connect("second")), lea.photo(3)
    everywhere(lea, ChannelOverride(second, media=(picture,)))
    lea.run()
    assert [len(one["media"]) for one in lea.posts("main")] == [0]
    assert [len(one["media"]) for one in lea.posts("second")] == [1]
    with lea.scope() as scope:
        assert picture in assets_used_in_posts(scope, lea.creator_id)


def test_changed_override_needs_new_approval(lea: SandboxAgency) -> None:
    """One approval covers all overrides: a change of one requires a new approval for every channel."""
    second = lea.connect("second")
    post_id = lea.write(others=[ChannelOverride(str(second), body="one")])
    for name in lea.channels:
        lea.wish(post_id, name, after=3600)
    lea.approve(post_id)
    lea.plan(post_id)
    changed = Draft(
        lea.creator_id, "", "hello", (), (), others=(ChannelOverride(str(second), body="two"),)
    )
    with lea.scope(f"member:{lea.author}") as scope:
        assert not drafts.rewrite_post(scope, post_id, changed, author=f"member:{lea.author}")
        assert {one.state for one in deliveries.deliveries_of_post(scope, post_id)} == {
            DeliveryState.DRAFT
        }


def test_override_changed_without_approval_is_held(lea: SandboxAgency) -> None:
    """The stored row was changed directly, so the approval covers another text."""
    second = lea.connect("second")
    post_id = everywhere(lea, ChannelOverride(str(second), body="one"))
    with lea.scope() as scope:
        row = deliveries.get_post(scope, post_id)
        row.overrides = channel_overrides.dump_overrides([ChannelOverride(str(second), body="two")])
        scope.add(row)
    lea.run()
    assert lea.texts("main") == lea.texts("second") == []
    with lea.scope() as scope:
        entries = queries.entries_of_post(scope, post_id, names={})
    assert [one.reason.code for one in entries if one.reason] == ["delivery.changed"] * 2


def test_preview_applies_overrides(lea: SandboxAgency) -> None:
    second, picture = lea.connect("second"), lea.photo(4)
    channels = (lea.channels["main"], second)
    draft = Draft(
        lea.creator_id,
        "",
        "hello",
        (picture,),
        channels,
        others=(ChannelOverride(str(second), body="x", media=()),),
    )
    with lea.scope(f"member:{lea.author}") as scope:
        found = previews.preview_draft(
            scope, draft, author=f"member:{lea.author}", connectors=lea.services.connectors
        )
    assert [(one.body, one.said.all_assets) for one in found] == [("hello", [picture]), ("x", [])]


@pytest.mark.parametrize(
    ("others", "error"),
    [
        ([ChannelOverride("a", body="x"), ChannelOverride("a", title="y")], BadInput),
        (
            [
                ChannelOverride(str(number), body="x")
                for number in range(channel_overrides.MAX_OVERRIDES + 1)
            ],
            BadInput,
        ),
        ([ChannelOverride("", body="x")], BadInput),
        ([ChannelOverride("a" * 61, body="x")], BadInput),
        ([ChannelOverride("a\x00", body="x")], BadInput),
        ([ChannelOverride("a", body="x\x00")], BadInput),
        ([ChannelOverride("a", body="x" * (channel_overrides.MAX_BODY_LENGTH + 1))], BadInput),
        ([ChannelOverride("a", parts=(ThreadPart(""),))], BadInput),
        ([ChannelOverride("a", media=(uuid4(),))], NotFound),
    ],
)
def test_invalid_override_is_refused(
    lea: SandboxAgency, others: list[ChannelOverride], error: type[Exception]
) -> None:
    with pytest.raises(error):
        lea.write(others=others)


PIECES = st.lists(st.builds(ThreadPart, st.text("ab", min_size=1, max_size=3)), max_size=2).map(
    tuple
)
OVERRIDES = st.builds(
    ChannelOverride,
    st.sampled_from(["sandbox", "feed", "x"]),
    title=st.none() | st.text("ab", max_size=3),
    body=st.none() | st.text("ab", max_size=3),
    media=st.none() | st.lists(st.uuids(version=4), max_size=2).map(tuple),
    parts=st.none() | PIECES,
)


@given(st.lists(OVERRIDES, max_size=3, unique_by=lambda one: one.place))
def test_overrides_round_trip_through_storage(others: list[ChannelOverride]) -> None:
    # the other columns are not read here
    row = Post(overrides=channel_overrides.dump_overrides(others))  # type: ignore[call-arg]  # see above
    assert channel_overrides.overrides_of_post(row) == tuple(
        sorted((one for one in others if not one.is_idle), key=lambda one: one.place)
    )


@given(OVERRIDES)
def test_override_keeps_other_fields(one: ChannelOverride) -> None:
    said = PostContent("t", "b", (), (ThreadPart("p"),))
    there = channel_overrides.apply_override(said, one)
    for field in ("title", "body", "media", "parts"):
        wanted = getattr(one, field)
        assert getattr(there, field) == (getattr(said, field) if wanted is None else wanted)


def test_missing_photo_of_override_holds_all_channels(lea: SandboxAgency) -> None:
    """The approval covers the photo: nothing is published on any channel, no retry follows, and the
    hold names the reason."""
    second, picture = lea.connect("second"), lea.photo(5)
    post_id = everywhere(lea, ChannelOverride(str(second), media=(picture,)))
    with lea.scope() as scope:
        scope.run("DELETE FROM creations WHERE tenant_id = :tenant", tenant=lea.tenant_id)
    lea.run()
    assert lea.texts("main") == lea.texts("second") == []
    with lea.scope() as scope:
        entries = queries.entries_of_post(scope, post_id, names={})
    assert [one.reason.code for one in entries if one.reason] == ["delivery.media_missing"] * 2
