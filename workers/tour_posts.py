"""Steps of the tour that post: by hand from a photo, against the rules, and through the death of a process."""

import json
import random
from urllib.parse import quote

from channels.reads import Channel
from channels.states import ChannelState
from dashboard.touring import BURST, WAYS
from foundation.http import HttpClient, Reply, Request
from generators.contract import ImageJob
from generators.engines.scenes import Scenes
from schedules.reads import Entry
from schedules.states import DeliveryState
from workers import report
from workers.home import Home
from workers.tour_browser import SECONDS
from workers.tour_judge import Judge

S = DeliveryState
LEAVES = 40.0
"""Seconds from the press to the network: fifteen as promised, and a busy machine."""

RECOVERS = 200.0
"""Seconds until all posts of a burst have their end: a lease of 45, a look every 10, and a busy machine."""

CONTENT = frozenset({"posts", "files"})
"""Kinds of requests that carry content to the sandbox."""


def photo(seed: str) -> bytes:
    """A photo nobody has handed in before, as JPEG."""
    number = random.Random(seed).randrange(2**31)  # noqa: S311  colours, no secrets
    return Scenes().draw(ImageJob("mountain lake in the morning, clear, summer", number, width=960, height=720)).data


def write(j: Judge) -> str:
    """Hand a photo in and plan it, as people do; what the post says."""
    words = f"Un lac, le matin : essai {j.mark}-{j.language}-{j.width}."
    accounts = _accounts(j)
    j.go("/calendar?new=1&creator=mia")
    j.window.fill(j.word("compose.body"), words)
    for account in accounts:
        j.window.choose(account.name)
    j.window.rest()
    j.window.hand_in(f"{j.mark}.jpg", photo(words))
    j.window.press(j.word("compose.rating.G"))
    for account in accounts:
        j.window.says(j.word("compose.may_leave", account=account.name))
    j.picture("compose")
    j.window.page.get_by_text(j.word("compose.when.soon"), exact=True).first.click()
    j.window.rest()
    j.window.press(j.word("compose.plan"))
    j.until("database", lambda: len(_written(j, words)) == 1, "the press wrote no post")
    return words


def published(j: Judge, words: str) -> None:
    """It left for all three, once each; then it is taken away again."""
    (post,) = _written(j, words)
    j.until("database", lambda: _stand(j.entries(post)), "it did not leave", LEAVES + SECONDS)
    j.go(f"/calendar?post={post}")
    j.window.says(j.word("state.delivery.published"))
    _once_in_public(j, "mia", words)
    for account in _accounts(j):
        if account.base_url.endswith(f":{j.s.settings.sandbox.port}"):
            found = [one for one in j.received(account.account) if words in one["text"]]
            j.agree("sandbox", len(found) == 1, f"{account.account} took it in {len(found)} times")
    j.go("/tour")
    j.window.says(j.begins("tour.stands"))
    j.window.press(j.word("tour.undo_publish"))
    j.window.says(j.word("tour.undone_publish"))
    j.until("database", lambda: all(one.state is S.REMOVED for one in j.entries(post)), "it was not taken away")


def _accounts(j: Judge) -> list[Channel]:
    """Her page, and two of her accounts on the sandbox."""
    able = [one for one in j.channels("mia") if not one.hand_over and one.state == ChannelState.ACTIVE]
    return sorted(able, key=lambda one: one.account != "mia")[:3]


def _written(j: Judge, words: str) -> list:  # type: ignore[type-arg]  # ids, as the database gives them
    return [row.id for row in j.rows("SELECT id FROM posts WHERE tenant_id = :tenant AND body = :words", words=words)]


def _stand(entries: list[Entry]) -> bool:
    return bool(entries) and all(one.state is S.PUBLISHED for one in entries)


def _once_in_public(j: Judge, slug: str, words: str) -> None:
    """The public page and its feed have the post once."""
    base = j.s.settings.web.public_url.rstrip("/")
    j.window.go(f"{base}/{quote(slug)}/", drawn=False)
    j.window.says(words)
    j.window.read()
    count = j.window.text().count(words)
    j.agree("text", count == 1, f"the public page says it {count} times")
    j.picture("page")
    feed = json.loads(fetch(f"{base}/{quote(slug)}/feed.json")[1] or b"{}")
    entries = [one for one in feed.get("items", []) if words in json.dumps(one, ensure_ascii=False)]
    j.agree("database", len(entries) == 1, f"the feed has it {len(entries)} times")


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of an address of ours; 0 when nobody answers."""
    client = HttpClient()
    try:
        answer = client.exchange(Request("GET", url, deadline=20.0))
    finally:
        client.close()
    return (answer.status, answer.body) if isinstance(answer, Reply) else (0, b"")


def cheat(j: Judge) -> None:
    """Three tries, three refusals with their rule and its day, and no content request at the sandbox."""
    account = next(one.account for one in j.channels("nova") if one.surface.endswith("as_instagram"))
    before = max((one["id"] for one in j.record(account)), default=0)
    j.stay("/tour")
    if j.window.page.locator("button:visible", has_text=j.word("tour.undo_cheat")).count():
        j.window.press(j.word("tour.undo_cheat"))
        j.window.says(j.word("tour.undone_cheat"))
    for way in WAYS:
        j.window.press(j.word(f"tour.cheat.{way}"))
        j.window.rest()
    for way in WAYS:
        j.window.says(j.word("tour.refused", what=j.word(f"tour.way.{way}"), why="").strip())
    rule = j.begins("compose.rule")
    j.until("text", lambda: j.window.text().count(rule) == len(WAYS), "not every refusal names its rule")
    j.window.page.locator("details:visible").first.click()
    j.window.read()
    j.picture("refused")
    refused = j.rows(
        "SELECT DISTINCT ON (d.subject_id) d.verdict FROM decisions d JOIN deliveries v ON v.tenant_id = d.tenant_id"
        " AND v.id = d.subject_id JOIN posts p ON p.tenant_id = v.tenant_id AND p.id = v.post_id"
        " WHERE d.tenant_id = :tenant AND p.origin = 'tour' AND p.origin_key LIKE 'cheat:%' AND v.state = 'held'"
        " ORDER BY d.subject_id, d.seq DESC"
    )
    verdicts = sorted(row.verdict for row in refused)
    j.agree("database", verdicts == ["B"] * len(WAYS), f"the decisions are {verdicts}")
    asked = [one for one in j.record(account, before) if one["kind"] in CONTENT]
    j.agree("sandbox", not asked, f"{account} received {len(asked)} requests with content")
    j.window.press(j.word("tour.undo_cheat"))
    j.window.says(j.word("tour.undone_cheat"))


def burst(j: Judge) -> tuple[str, frozenset[int]]:
    """Begin the burst; returns the run before it, and the processes of which one will be killed."""
    before = max((key.split(":")[1] for key in _bursts(j)), default="")
    pids = _senders(j)
    j.stay("/tour")
    j.window.press(j.word("tour.break_now"))
    j.window.says(j.word("tour.asked_break"))
    j.until("database", lambda: len(j.run_of("burst", before)) == BURST, "the burst was not written")
    return before, pids


def _bursts(j: Judge) -> list[str]:
    found = j.rows("SELECT origin_key FROM posts WHERE tenant_id = :tenant AND origin_key LIKE 'burst:%'")
    return [row.origin_key for row in found]


def _senders(j: Judge) -> frozenset[int]:
    """The processes that send and work, as the supervisor sees them."""
    found = report.read(Home(j.s.settings.home)).processes
    return frozenset(one.pid for one in found if one.name.partition("-")[0] == "send" and one.ready and one.pid)


def broken(j: Judge, begun: tuple[str, frozenset[int]]) -> None:
    """All thirty once, none lost, none twice; another process than before."""
    before, pids = begun
    j.until("database", lambda: bool(_senders(j) - pids), "no process that sends was killed", RECOVERS)
    posts = j.run_of("burst", before)
    j.until("database", lambda: set(j.states(posts)) == {S.PUBLISHED}, "not all of them were published", RECOVERS)
    bodies = {row.body for row in j.rows("SELECT body FROM posts WHERE tenant_id = :tenant AND id = ANY(:p)", p=posts)}
    seen = [
        post["text"]
        for one in j.channels("nova")
        if not one.hand_over
        for post in _posts(j, one.account)
        if post["text"] in bodies
    ]
    j.agree("sandbox", len(seen) == BURST, f"{len(seen)} posts were received")
    j.agree("sandbox", len(set(seen)) == BURST, f"{len(set(seen))} different posts were received")
    j.go("/tour")
    j.window.says(j.word("tour.counter", count=BURST, of=BURST))
    j.window.says(j.begins("tour.counted"), RECOVERS)
    j.window.centre(j.begins("tour.counted"))
    j.picture("broken")
    j.window.press(j.word("tour.undo_break"))
    j.window.says(j.word("tour.undone_break"))
    j.until("database", lambda: set(j.states(posts)) == {S.REMOVED}, "the burst was not taken away", RECOVERS)


def _posts(j: Judge, account: str) -> list[dict]:  # type: ignore[type-arg]  # as the sandbox tells them
    own = {one.account for one in j.channels("nova") if one.base_url.endswith(str(j.s.settings.sandbox.port))}
    return j.received(account) if account in own else []
