"""The first minute on Home of the demo: the text on the page, the rows in the database and the
requests in the sandbox."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from demo import home_scene
from demo.agency.cast import LUMIERE
from foundation.ops.clock import monotonic, sleep
from schedules.posts import queries as schedule_reads
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.dashboard.streamlit_client import stream
from tests.journeys.day.installation import Installation

WATCHED = 82.0
"""Seconds for which the page stays open."""

LOOK = 1.0
NEAR = 5.0
"""Seconds of tolerance before and after the expected time of a line."""

ON_PAGE = 12.0
"""Seconds by which the page of a busy machine may show a line late."""


@dataclass(frozen=True)
class ExpectedLine:
    """A line of the minute: its time in seconds from the opening, and its pattern."""

    at: float
    reads: str


LINES: Mapping[str, ExpectedLine] = {
    "waits": ExpectedLine(5, r"\d+ tâches requièrent votre attention"),
    "next": ExpectedLine(5, r"Prochaine publication \(Mia Laurent, .*?\) : dans \d+ secondes"),
    "left": ExpectedLine(
        25,
        r"Publié · Mia Laurent · (?:Ma page|Sandbox) · \d+,\d s de retard [^«]*« La mer avant",
    ),
    "doubt": ExpectedLine(
        35, r"À confirmer : peut-être en ligne. Vérification… · Mia Laurent · X \(sandbox\)"
    ),
    "fan": ExpectedLine(45, r"Léo a écrit à Nova"),
    "truth": ExpectedLine(
        47, r"Je suis une intelligence artificielle \(IA\)\. Nova est un personnage virtuel"
    ),
    "sale": ExpectedLine(52, r"Léo a acheté « Nuit de néons » : \+500 \(test\), livré"),
    "split": ExpectedLine(52, r"créateur 300 \(test\) · agence 180 \(test\) · équipe 20 \(test\)"),
    "found": ExpectedLine(
        55, r"Retrouvé sur la plateforme : publié une seule fois · Mia Laurent · X \(sandbox\)"
    ),
    "held": ExpectedLine(55, r"En attente : la deuxième personne"),
    "run": ExpectedLine(60, r"« Terrasses et toits » : 3 images générées sur 8"),
    "scores": ExpectedLine(60, r"(?:note \d+ ){3}"),
}
"""The expected lines on the page, in French."""


@dataclass
class ObservedMinute:
    """The lines on the page with the time of their first appearance. `opened_at` is the database
    time of the opening."""

    opened_at: datetime
    seen: dict[str, float] = field(default_factory=dict)
    thumb: str = ""
    last: str = ""

    def after(self, at: datetime) -> float:
        """Return the seconds from the opening to `at`."""
        return (at - self.opened_at).total_seconds()


def owner_cookie(house: Installation) -> str:
    """Sign in the owner with a one-time link and return the session cookie."""
    with house.scope() as scope:
        owner = next(one for one in tenant_reads.list_members(scope) if one.role is Role.OWNER)
        secret = sessions.create_sign_in_link(scope, owner.id)
    with httpx.Client(base_url=house.settings.dashboard.public_url, timeout=60) as visitor:
        answer = visitor.post(f"/auth/link/{secret}")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["set-cookie"]).split(";")[0]


def watch_home(house: Installation) -> ObservedMinute:
    """Open Home and record its text for the whole scene."""
    seen: dict[str, float] = {}
    thumb = text = ""
    with stream(house.settings.dashboard.public_url, owner_cookie(house)) as page:
        began = monotonic()
        drawn = page.open("/")
        while monotonic() - began < WATCHED:
            text, spent = strip_markup(drawn), monotonic() - began
            for name, line in LINES.items():
                if name not in seen and re.search(line.reads, text):
                    seen[name] = spent
            found = re.search(
                r'class="gr-thumb" href="(/calendar\?post=[0-9a-f-]+)"[^>]*><img src="/files/',
                drawn,
            )
            thumb = thumb or (found[1] if found else "")
            sleep(LOOK)
            drawn = page.tick()
    return ObservedMinute(read_opening_time(house), seen, thumb, text)


def strip_markup(drawn: str) -> str:
    """Return the text of a page without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", drawn)))


def read_opening_time(house: Installation) -> datetime:
    """Return the time at which Home was last opened, as the scene recorded it."""
    with house.scope() as scope:
        keys = schedule_reads.post_ids_by_origin_key(
            scope, home_scene.HOME_SCENE_ORIGIN, f"{home_scene.PUBLISHED_POST}:"
        )
    return datetime.fromisoformat(max(keys).partition(":")[2])


def query_rows(house: Installation, statement: str, **params: Any) -> list[Any]:
    """Return rows of the demo's agency."""
    with house.scope() as scope:
        return list(scope.run(statement, tenant=LUMIERE.tenant_id, **params))


def list_transitions(
    house: Installation, watched: ObservedMinute, account: str
) -> dict[tuple[str, str], float]:
    """Return the transitions of the scene's posts on an account: seconds from the opening, by
    (before, after)."""
    found = query_rows(
        house,
        "SELECT m.before, m.after, m.created_at FROM delivery_moves m"
        " JOIN deliveries d ON d.tenant_id = m.tenant_id AND d.id = m.delivery_id"
        " JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id"
        " JOIN posts p ON p.tenant_id = d.tenant_id AND p.id = d.post_id"
        " WHERE m.tenant_id = :tenant AND c.account = :account AND p.origin = 'scene' AND "
        "m.created_at >= :since"
        " ORDER BY m.created_at",
        account=account,
        since=watched.opened_at,
    )
    return {(row.before, row.after): watched.after(row.created_at) for row in found}


def is_near(seconds: float, at: float) -> bool:
    """Return True if the time is within the tolerance of the expected one."""
    return abs(seconds - at) <= NEAR


def check_page(watched: ObservedMinute) -> None:
    """Check that the page showed every line, on time and in order."""
    missing = sorted(LINES.keys() - watched.seen.keys())
    assert not missing, f"{missing} never appeared on the page, which shows: {watched.last}"
    told = {name: round(seconds, 1) for name, seconds in watched.seen.items()}
    late = {name: told[name] for name, line in LINES.items() if told[name] > line.at + ON_PAGE}
    early = {name: told[name] for name, line in LINES.items() if told[name] < line.at - NEAR}
    assert not late, f"too late on the page: {late} of {told}"
    assert not {name for name in early if LINES[name].at > NEAR}, f"too early: {early} of {told}"
    order = ["next", "left", "doubt", "fan", "sale"]
    assert sorted(order, key=watched.seen.__getitem__) == order, told
    assert watched.thumb


def check_posts(house: Installation, watched: ObservedMinute) -> None:
    """Check the posts in the database and in the sandbox."""
    page, sandbox, silent, kept = (
        list_transitions(house, watched, one) for one in ("mia", "mia+key", "mia-x", "sacha+key")
    )
    for one in (page, sandbox):
        assert is_near(one["publishing", "published"], 25), one
    assert is_near(silent["publishing", "uncertain"], 35), silent
    assert is_near(silent["uncertain", "published"], 55), silent
    assert ("publishing", "published") not in silent
    assert is_near(kept["scheduled", "held"], 55), kept
    key = f"{home_scene.PUBLISHED_POST}:{watched.opened_at.isoformat()}"
    body = query_rows(
        house, "SELECT body FROM posts WHERE tenant_id = :tenant AND origin_key = :key", key=key
    )[0].body
    for account in ("mia+key", "mia-x"):
        assert house.texts(account)[body] == 1
    asked = [
        one for one in list_sandbox_requests(house, "mia-x") if one["kind"] in ("posts", "lookups")
    ]
    hung = [one for one in asked if one["kind"] == "posts" and one["fault"] == "accept_then_hang"]
    assert [one["accepted"] for one in hung] == [1]
    assert [one for one in asked if one["kind"] == "lookups"]
    assert not [
        one
        for one in list_sandbox_requests(house, "sacha+key")
        if one["kind"] in ("posts", "files")
    ]


def list_sandbox_requests(house: Installation, account: str) -> Sequence[dict[str, Any]]:
    """Return the requests of an account that the sandbox recorded."""
    found: list[dict[str, Any]] = house.ask(
        "GET", f"/control/record?{urlencode({'account': account})}"
    )["record"]
    return found


def check_sale(house: Installation, watched: ObservedMinute, till: int) -> None:
    """Check the fan's chat and sale: the balances of the sandbox and of our ledger change alike."""
    said = [one for one in house.truth("nova+key")["messages"] if one["fan"].startswith("leo-")]
    theirs = [one for one in said if one["author"] == "fan"]
    ours = [one for one in said if one["author"] == "creator"]
    assert len(theirs) <= 4
    assert "intelligence artificielle" in ours[0]["text"]
    sold = query_rows(
        house,
        "SELECT p.id, p.at, p.amount_minor, x.state FROM payments p JOIN fulfilments x ON "
        "x.tenant_id = p.tenant_id"
        " AND x.order_id = p.order_id WHERE p.tenant_id = :tenant AND p.at >= :since",
        since=watched.opened_at - timedelta(minutes=1),
    )
    assert [(row.amount_minor, row.state) for row in sold] == [(500, "delivered")]
    heard = query_rows(
        house,
        "SELECT min(created_at) AS at FROM messages WHERE tenant_id = :tenant AND direction = 'in'"
        " AND created_at >= :since",
        since=watched.opened_at,
    )
    assert is_near(watched.after(heard[0].at), 45), heard
    assert house.till("nova+key") - till == 500
    booked = query_rows(
        house,
        "SELECT e.account, -sum(e.amount_minor) AS minor FROM ledger_transactions t JOIN "
        "ledger_entries e"
        " ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id WHERE t.tenant_id = :tenant"
        " AND t.source_key = :key AND e.account LIKE '%\\_due' GROUP BY e.account",
        key=str(sold[0].id),
    )
    assert {row.account: int(row.minor) for row in booked} == {
        "creator_due": 300,
        "agency_due": 180,
        "chatter_due": 20,
    }


def check_run(house: Installation, watched: ObservedMinute) -> list[float]:
    """Check that three of the eight pictures exist after a minute, each with a score. Return the
    seconds at which each was created."""
    made = query_rows(
        house,
        "SELECT c.created_at, c.parameters->>'score' AS score FROM creations c JOIN jobs j ON "
        "j.tenant_id = c.tenant_id"
        " AND j.id = c.job_id WHERE c.tenant_id = :tenant AND c.created_at >= :since ORDER BY "
        "c.created_at",
        since=watched.opened_at,
    )
    came = [watched.after(row.created_at) for row in made]
    assert came[2] <= 60 + NEAR
    assert len(came) < 4 or came[3] >= 60 - NEAR
    assert all(0 <= int(row.score) <= 100 for row in made)
    return came
