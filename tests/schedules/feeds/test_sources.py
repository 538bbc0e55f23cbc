"""Followed feeds: existing entries are skipped, new ones become drafts once, up to a daily limit,
with bounded requests."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from channels.connections import disconnection
from foundation.errors import BadInput, NotFound
from foundation.http import address_policy
from foundation.http.address_policy import AddressPolicy, PublicAddressPolicy
from foundation.http.http_client import HttpClient
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from schedules.feeds import download, sources
from schedules.feeds.download import DownloadResult
from schedules.feeds.sources import MAX_DRAFTS_PER_DAY, FeedView
from tests.fakes.feed_site import FeedSite, site
from tests.schedules.builders import SandboxAgency


@pytest.fixture
def blog() -> Iterator[FeedSite]:
    with site() as running:
        running.say("old")
        yield running


def follow(lea: SandboxAgency, url: str) -> UUID:
    """Add a feed and let it be read once."""
    with lea.scope(f"member:{lea.author}") as scope:
        found = sources.add_feed(scope, lea.creator_id, url, [lea.channels["main"]])
    lea.run()
    return found


def shown(lea: SandboxAgency) -> FeedView:
    with lea.scope() as scope:
        return sources.list_feeds(scope, lea.creator_id)[0]


def drafts(lea: SandboxAgency) -> list[tuple[str, str]]:
    """Return the first line and the delivery state of each draft of the feed."""
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT p.body, d.state FROM posts p JOIN deliveries d ON d.tenant_id = p.tenant_id "
            "AND d.post_id = p.id"
            " WHERE p.tenant_id = :t AND p.origin = 'rss' ORDER BY p.created_at, p.id",
            t=lea.tenant_id,
        )
        return [(row.body.split("\n")[0], row.state) for row in rows]


def later(lea: SandboxAgency, minutes: float = 31) -> None:
    """Advance to the next reading and handle it."""
    lea.pass_time(minutes=minutes)
    lea.run()


def test_only_new_entries_become_drafts(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    assert drafts(lea) == []
    assert (shown(lea).title, shown(lea).reason) == ("Blog", None)
    blog.say("new")
    later(lea)
    assert drafts(lea) == [("Titre new", "draft")]
    assert shown(lea).total == 1


def test_entry_read_twice_becomes_one_draft(lea: SandboxAgency, blog: FeedSite) -> None:
    found = follow(lea, blog.feed)
    blog.say("new")
    for _ in range(3):
        with lea.scope() as scope:
            sources.resume_feed(scope, lea.creator_id, found)
        lea.run()
    assert drafts(lea) == [("Titre new", "draft")]


def test_entry_is_read_once_despite_crashes(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    expected = []
    for point in range(1, 40):
        blog.say(f"n{point}")
        lea.pass_time(hours=24.1)
        died = lea.crash(point)
        lea.run()
        expected.append(f"Titre n{point}")
        assert [body for body, _ in drafts(lea)] == expected
        if not died:
            break
    assert point > 3
    assert [row.kind for row in lea.rows("feed.read")] == ["feed.read"]


def test_feed_is_requested_conditionally(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    later(lea)
    assert "if-none-match" not in blog.asked[0]
    assert blog.asked[1]["if-none-match"] == '"1-old"'
    assert shown(lea).reason is None
    assert len(blog.asked) == 2


def test_drafts_per_day_are_limited(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    blog.say(*(f"n{number}" for number in range(MAX_DRAFTS_PER_DAY + 2)))
    for _ in range(4):
        later(lea)
    assert [body for body, _ in drafts(lea)] == [
        f"Titre n{number}" for number in range(MAX_DRAFTS_PER_DAY)
    ]
    for _ in range(2):
        later(lea, minutes=24 * 60)
    assert [body for body, _ in drafts(lea)] == [
        f"Titre n{number}" for number in range(MAX_DRAFTS_PER_DAY + 2)
    ]


def test_feed_draft_needs_approval(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    blog.say("new")
    later(lea)
    lea.live(days=2)
    assert lea.texts() == []
    assert [state for _, state in drafts(lea)] == ["held"]


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("broken", "feed.not_a_feed"),
        ("html", "feed.not_a_feed"),
        ("laughs", "feed.has_doctype"),
        ("files", "feed.has_doctype"),
        ("huge", "feed.too_large"),
        ("404", "feed.refused"),
        ("500", "feed.refused"),
    ],
)
def test_failing_feed_is_reported_and_recovers(
    lea: SandboxAgency, blog: FeedSite, mode: str, code: str
) -> None:
    found = follow(lea, blog.feed)
    blog.mode = mode
    for _ in range(sources.TOLD_AFTER + 1):
        later(lea, minutes=25 * 60)
    reason = shown(lea).reason
    assert reason is not None
    assert reason.code == code
    assert lea.notices() == {f"feed:{found}": "feed.fails"}
    blog.mode = ""
    blog.say("new")
    later(lea, minutes=25 * 60)
    assert drafts(lea) == [("Titre new", "draft")]
    assert lea.notices() == {}


def test_failing_feed_is_requested_less_often(lea: SandboxAgency, blog: FeedSite) -> None:
    blog.mode = "500"
    follow(lea, blog.feed)
    waits = []
    for _ in range(8):
        due = lea.next_due()
        assert due is not None
        waits.append(timedelta(seconds=round((due - lea.now()).total_seconds())))
        later(lea, minutes=waits[-1].total_seconds() / 60 + 0.1)
    assert waits == sorted(waits)
    assert waits[-1] <= timedelta(hours=24)
    assert len(blog.asked) == 9


def ask(
    blog: FeedSite, reach: AddressPolicy | None = None, *, seconds: float = 15
) -> DownloadResult:
    """Download the feed while only the address of its site is reachable, as a public one would be."""
    bounded = reach or PublicAddressPolicy([blog.url])
    may_reach = partial(address_policy.can_connect, reach=bounded)
    http = HttpClient(reach=bounded)
    return download.download_feed(
        blog.feed, "", "", http=http, may_reach=may_reach, seconds=seconds
    )


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1:1/feed",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "https://localhost/",
        "file:/etc",
    ],
)
def test_redirect_to_private_address_is_not_followed(blog: FeedSite, where: str) -> None:
    blog.mode, blog.where = "redirect", where
    answer = ask(blog)
    assert isinstance(answer, Message)
    assert answer.code == "feed.unreachable_place"
    assert len(blog.asked) == 1


def test_number_of_redirects_is_limited(blog: FeedSite) -> None:
    blog.mode, blog.where = "redirect", "/feed"
    answer = ask(blog)
    assert isinstance(answer, Message)
    assert answer.code == "feed.sent_round"
    assert len(blog.asked) == download.MAX_REDIRECTS + 1


def test_private_feed_is_not_requested(blog: FeedSite) -> None:
    answer = ask(blog, PublicAddressPolicy(()))
    assert isinstance(answer, Message)
    assert answer.code == "feed.unreachable_place"
    assert blog.asked == []


def test_hanging_download_times_out(blog: FeedSite) -> None:
    blog.mode, begun = "hang", monotonic()
    answer = ask(blog, seconds=0.3)
    assert isinstance(answer, Message)
    assert answer.code == "feed.no_answer"
    assert monotonic() - begun < 3


def test_paused_or_deleted_feed_is_not_requested(lea: SandboxAgency, blog: FeedSite) -> None:
    found = follow(lea, blog.feed)
    with lea.scope() as scope:
        sources.pause_feed(scope, lea.creator_id, found)
    later(lea, minutes=600)
    assert len(blog.asked) == 1
    with lea.scope() as scope:
        sources.resume_feed(scope, lea.creator_id, found)
    lea.run()
    assert len(blog.asked) == 2
    with lea.scope() as scope:
        sources.delete_feed(scope, lea.creator_id, found)
    later(lea, minutes=600)
    assert len(blog.asked) == 2
    with lea.scope() as scope:
        assert sources.list_feeds(scope, lea.creator_id) == []


def test_feed_without_accounts_reports_it_and_loses_no_entry(
    lea: SandboxAgency, blog: FeedSite
) -> None:
    follow(lea, blog.feed)
    with lea.scope() as scope:
        scope.run(
            "UPDATE feeds SET channels = CAST(:none AS jsonb) WHERE tenant_id = :t",
            none="[]",
            t=lea.tenant_id,
        )
    blog.say("new")
    later(lea)
    reason = shown(lea).reason
    assert reason is not None
    assert reason.code == "feed.accounts_gone"
    with lea.scope() as scope:
        back = f'["{lea.channels["main"]}"]'
        scope.run(
            "UPDATE feeds SET channels = CAST(:back AS jsonb) WHERE tenant_id = :t",
            back=back,
            t=lea.tenant_id,
        )
    later(lea)
    assert drafts(lea) == [("Titre new", "draft")]


def test_disconnected_account_gets_no_drafts(lea: SandboxAgency, blog: FeedSite) -> None:
    follow(lea, blog.feed)
    lea.act(disconnection.request_disconnection, lea.channels["main"], "Marc")
    blog.say("new")
    later(lea)
    assert (drafts(lea), getattr(shown(lea).reason, "code", "")) == ([], "feed.accounts_gone")


def test_repeated_address_is_one_feed(lea: SandboxAgency, blog: FeedSite) -> None:
    assert follow(lea, blog.feed) == follow(lea, f"  {blog.feed}#top ")


def test_adding_feed_for_another_account_extends_it(lea: SandboxAgency, blog: FeedSite) -> None:
    """Adding the account reported success, but it received no drafts."""
    found, other = follow(lea, blog.feed), lea.connect("other")
    with lea.scope() as scope:
        assert sources.add_feed(scope, lea.creator_id, blog.feed, [other]) == found
    assert shown(lea).channels == (lea.channels["main"], other)
    blog.say("new")
    later(lea)
    assert [state for _, state in drafts(lea)] == ["draft", "draft"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x/y",
        "https://",
        "https://u:p@x/",
        "javascript:alert(1)",
        "https://x/ y",
        "https://x:99999/",
    ],
)
def test_invalid_feed_address_is_refused(lea: SandboxAgency, url: str) -> None:
    with pytest.raises(BadInput), lea.scope() as scope:
        sources.add_feed(scope, lea.creator_id, url, [lea.channels["main"]])


def test_feed_or_account_of_others_is_not_found(lea: SandboxAgency, blog: FeedSite) -> None:
    found = follow(lea, blog.feed)
    with pytest.raises(NotFound), lea.scope() as scope:
        sources.add_feed(scope, lea.creator_id, "https://x/feed", [uuid7()])
    for act in (sources.pause_feed, sources.resume_feed, sources.delete_feed):
        with pytest.raises(NotFound), lea.scope() as scope:
            act(scope, uuid7(), found)
        with pytest.raises(NotFound), lea.services.tenant(uuid7(), "system:test") as scope:
            act(scope, lea.creator_id, found)
