"""Steps of the tour with posts: from a photo, against the rules, and while a process is killed."""

import json
import random
from typing import Any
from urllib.parse import quote

from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from dashboard.pages.tour.events import BURST_SIZE, CHEAT_WAYS
from demo.tour.browser import WAIT_SECONDS
from demo.tour.judge import TourJudge
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from generators.contract.engines import ImageJob
from generators.engines.images.demo_scenes import DemoSceneEngine
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from workers.installation import state_file
from workers.installation.folder import InstallationFolder

PUBLISH_SECONDS = 40.0
"""Maximum seconds from the button to the test network: fifteen as documented, and a margin for a
busy machine."""

RECOVERY_SECONDS = 200.0
"""Maximum seconds until all posts of a burst are settled: a lease of 45 s, a check every 10 s, and
a margin for a busy machine."""

CONTENT_REQUESTS = frozenset({"posts", "files"})
"""Kinds of requests that carry content to the test network."""


def make_photo(seed: str) -> bytes:
    """Return a new photo as JPEG."""
    number = random.Random(seed).randrange(2**31)  # noqa: S311  colours, no secrets
    return (
        DemoSceneEngine()
        .draw(
            ImageJob("mountain lake in the morning, clear, summer", number, width=960, height=720)
        )
        .data
    )


def upload_and_schedule(j: TourJudge) -> str:
    """Upload a photo and schedule it in the dashboard; returns the text of the post."""
    words = f"Un lac, le matin : essai {j.mark}-{j.language}-{j.width}."
    accounts = _choose_channels(j)
    j.open_page("/calendar?new=1&creator=mia")
    j.window.fill_field(j.catalogue_text("compose.body"), words)
    for account in accounts:
        j.window.choose_option(account.name)
    j.window.wait_until_drawn()
    j.window.upload_photo(f"{j.mark}.jpg", make_photo(words))
    no_people = j.catalogue_text("rating.shown.no_people")
    j.window.page.get_by_text(no_people, exact=True).first.click()
    j.window.wait_until_drawn()
    j.window.press_button(j.catalogue_text("compose.rating.G"))
    for account in accounts:
        j.window.wait_for_text(j.catalogue_text("compose.may_leave", account=account.name))
    j.save_screenshot("compose")
    j.window.page.get_by_text(j.catalogue_text("compose.when.soon"), exact=True).first.click()
    j.window.wait_until_drawn()
    j.window.press_button(j.catalogue_text("compose.plan"))
    j.wait_for_witness(
        "database", lambda: len(_list_post_ids(j, words)) == 1, "the press wrote no post"
    )
    return words


def check_published(j: TourJudge, words: str) -> None:
    """Check that the post was published on all three channels, once each; then delete it."""
    (post,) = _list_post_ids(j, words)
    j.wait_for_witness(
        "database",
        lambda: _is_published(j.deliveries_of(post)),
        "it did not leave",
        PUBLISH_SECONDS + WAIT_SECONDS,
    )
    j.open_page(f"/calendar?post={post}")
    j.window.wait_for_text(j.catalogue_text("state.delivery.published"))
    _once_in_public(j, "mia", words)
    for account in _choose_channels(j):
        if account.base_url.endswith(f":{j.services.settings.sandbox.port}"):
            found = [one for one in j.sandbox_posts(account.account) if words in one["text"]]
            j.check_witness(
                "sandbox", len(found) == 1, f"{account.account} took it in {len(found)} times"
            )
    j.open_page("/tour")
    j.window.wait_for_text(j.catalogue_text_start("tour.stands"))
    j.window.press_button(j.catalogue_text("tour.undo_publish"))
    j.window.wait_for_text(j.catalogue_text("tour.undone_publish"))
    j.wait_for_witness(
        "database",
        lambda: all(one.state is DeliveryState.REMOVED for one in j.deliveries_of(post)),
        "it was not taken away",
    )


def _choose_channels(j: TourJudge) -> list[Channel]:
    """Return Mia's page and two of her accounts on the test network."""
    able = [
        one
        for one in j.channels_of_creator("mia")
        if not one.is_manual and one.state == ChannelState.ACTIVE
    ]
    return sorted(able, key=lambda one: one.account != "mia")[:3]


# rows of the database, without types
def _list_post_ids(j: TourJudge, words: str) -> list:  # type: ignore[type-arg]  # see above
    return [
        row.id
        for row in j.query_rows(
            "SELECT id FROM posts WHERE tenant_id = :tenant AND body = :words", words=words
        )
    ]


def _is_published(entries: list[DeliveryEntry]) -> bool:
    return bool(entries) and all(one.state is DeliveryState.PUBLISHED for one in entries)


def _once_in_public(j: TourJudge, slug: str, words: str) -> None:
    """Check that the public page and its feed contain the post exactly once."""
    base = j.services.settings.web.public_url.rstrip("/")
    j.window.open(f"{base}/{quote(slug)}/", drawn=False)
    j.window.wait_for_text(words)
    j.window.note_internal_words()
    count = j.window.page_text().count(words)
    j.check_witness("text", count == 1, f"the public page says it {count} times")
    j.save_screenshot("page")
    feed = json.loads(fetch_url(f"{base}/{quote(slug)}/feed.json")[1] or b"{}")
    entries = [one for one in feed.get("items", []) if words in json.dumps(one, ensure_ascii=False)]
    j.check_witness("database", len(entries) == 1, f"the feed has it {len(entries)} times")


def fetch_url(url: str) -> tuple[int, bytes]:
    """Return status and body of a URL of this installation; status 0 if it does not respond."""
    client = HttpClient()
    try:
        answer = client.send(HttpRequest("GET", url, deadline=20.0))
    finally:
        client.close()
    return (answer.status, answer.body) if isinstance(answer, HttpResponse) else (0, b"")


def check_refusals(j: TourJudge) -> None:
    """Check that three attempts are blocked with their rule and its date, without a content request
    to the test network."""
    account = next(
        one.account for one in j.channels_of_creator("nova") if one.surface.endswith("as_instagram")
    )
    before = max((one["id"] for one in j.sandbox_requests(account)), default=0)
    j.ensure_page_open("/tour")
    if j.window.page.locator(
        "button:visible", has_text=j.catalogue_text("tour.undo_cheat")
    ).count():
        j.window.press_button(j.catalogue_text("tour.undo_cheat"))
        j.window.wait_for_text(j.catalogue_text("tour.undone_cheat"))
    for way in CHEAT_WAYS:
        j.window.press_button(j.catalogue_text(f"tour.cheat.{way}"))
        j.window.wait_until_drawn()
    for way in CHEAT_WAYS:
        j.window.wait_for_text(
            j.catalogue_text(
                "tour.refused", what=j.catalogue_text(f"tour.way.{way}"), why=""
            ).strip()
        )
    rule = j.catalogue_text_start("compose.rule")
    j.wait_for_witness(
        "text",
        lambda: j.window.page_text().count(rule) == len(CHEAT_WAYS),
        "not every refusal names its rule",
    )
    j.window.page.locator("details:visible").first.click()
    j.window.note_internal_words()
    j.save_screenshot("refused")
    refused = j.query_rows(
        "SELECT DISTINCT ON (d.subject_id) d.verdict FROM decisions d JOIN deliveries v ON "
        "v.tenant_id = d.tenant_id"
        " AND v.id = d.subject_id JOIN posts p ON p.tenant_id = v.tenant_id AND p.id = v.post_id"
        " WHERE d.tenant_id = :tenant AND p.origin = 'tour' AND p.origin_key LIKE 'cheat:%' AND "
        "v.state = 'held'"
        " ORDER BY d.subject_id, d.seq DESC"
    )
    verdicts = sorted(row.verdict for row in refused)
    j.check_witness(
        "database", verdicts == ["B"] * len(CHEAT_WAYS), f"the decisions are {verdicts}"
    )
    asked = [one for one in j.sandbox_requests(account, before) if one["kind"] in CONTENT_REQUESTS]
    j.check_witness("sandbox", not asked, f"{account} received {len(asked)} requests with content")
    j.window.press_button(j.catalogue_text("tour.undo_cheat"))
    j.window.wait_for_text(j.catalogue_text("tour.undone_cheat"))


def start_burst(j: TourJudge) -> tuple[str, frozenset[int]]:
    """Start the burst; returns the run before it, and the processes of which one will be killed."""
    before = max((key.split(":")[1] for key in _list_burst_keys(j)), default="")
    pids = _list_sender_pids(j)
    j.ensure_page_open("/tour")
    j.window.press_button(j.catalogue_text("tour.break_now"))
    j.window.wait_for_text(j.catalogue_text("tour.asked_break"))
    j.wait_for_witness(
        "database",
        lambda: len(j.latest_step_run("burst", before)) == BURST_SIZE,
        "the burst was not written",
    )
    return before, pids


def _list_burst_keys(j: TourJudge) -> list[str]:
    found = j.query_rows(
        "SELECT origin_key FROM posts WHERE tenant_id = :tenant AND origin_key LIKE 'burst:%'"
    )
    return [row.origin_key for row in found]


def _list_sender_pids(j: TourJudge) -> frozenset[int]:
    """Return the process IDs of senders and workers, as the supervisor sees them."""
    found = state_file.read_status(InstallationFolder(j.services.settings.home)).processes
    return frozenset(
        one.pid for one in found if one.name.partition("-")[0] == "send" and one.ready and one.pid
    )


def check_burst_after_kill(j: TourJudge, begun: tuple[str, frozenset[int]]) -> None:
    """Check that no post was sent twice and that the killed process was replaced.

    A post stays uncertain if the process was killed between the record of a request and the request
    itself: its absence is proven after ten minutes at the earliest.
    """
    before, pids = begun
    j.wait_for_witness(
        "database",
        lambda: bool(_list_sender_pids(j) - pids),
        "no process that sends was killed",
        RECOVERY_SECONDS,
    )
    posts = j.latest_step_run("burst", before)
    j.wait_for_witness(
        "database",
        lambda: set(j.delivery_states(posts)) <= {DeliveryState.PUBLISHED, DeliveryState.UNCERTAIN},
        "not all of them were published",
        RECOVERY_SECONDS,
    )
    j.open_page("/tour")
    j.window.wait_for_text(j.catalogue_text_start("tour.counted"), RECOVERY_SECONDS)
    published = j.delivery_states(posts).count(DeliveryState.PUBLISHED)
    bodies = {
        row.body
        for row in j.query_rows(
            "SELECT body FROM posts WHERE tenant_id = :tenant AND id = ANY(:p)", p=posts
        )
    }
    seen = [
        post["text"]
        for one in j.channels_of_creator("nova")
        if not one.is_manual
        for post in _list_sandbox_posts(j, one.account)
        if post["text"] in bodies
    ]
    j.check_witness("sandbox", len(seen) >= published, f"{len(seen)} posts were received")
    j.check_witness("sandbox", len(set(seen)) == len(seen), "a post was received twice")
    j.window.wait_for_text(j.catalogue_text("tour.counter", count=published, of=BURST_SIZE))
    j.window.scroll_to_text(j.catalogue_text_start("tour.counted"))
    j.save_screenshot("broken")
    j.window.press_button(j.catalogue_text("tour.undo_break"))
    j.window.wait_for_text(j.catalogue_text("tour.undone_break"))
    j.wait_for_witness(
        "database",
        lambda: j.delivery_states(posts).count(DeliveryState.REMOVED) >= published,
        "the burst was not taken away",
        RECOVERY_SECONDS,
    )


def _list_sandbox_posts(j: TourJudge, account: str) -> list[dict[str, Any]]:
    """Return the posts as the test network reports them."""
    own = {
        one.account
        for one in j.channels_of_creator("nova")
        if one.base_url.endswith(str(j.services.settings.sandbox.port))
    }
    return j.sandbox_posts(account) if account in own else []
