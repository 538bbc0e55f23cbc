"""Two agencies in one installation, with the real packages: neither sees, guesses or logs data of
the other."""

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import create_engine, text

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.attempts.queries import list_attempts
from connectors.conformance.fake_servers import serve_app
from dashboard.pages.home import queries as home_reads
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.widgets import render_template
from foundation.db.database import Database, Scope
from foundation.errors import GreenroomError, NotFound, Unavailable
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import load_zone, to_wall_time
from foundation.outbox import outbox
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating, Subject
from gate.ratings import ratings
from gate.reviews import content_reviews as review_desk
from insights.rollups import queries as insight_reads
from schedules.approvals import decisions
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.posts import deliveries, live_posts
from schedules.posts import queries as schedule_reads
from schedules.posts.events import PublishDue
from schedules.publishing import post_removal
from studio.library import assets
from studio.packs import packs
from subscribers.catalog.prices import listed_price
from subscribers.checkout import order_payments
from subscribers.conversations import conversation_rows
from subscribers.conversations import queries as subscriber_reads
from subscribers.conversations.models import Conversation
from subscribers.inbox import saved_replies
from subscribers.intake import update_intake
from tenants.agencies import queries as tenant_reads
from tenants.auth import sessions
from tests.conftest import Cluster
from tests.fakes.sandbox import network
from tests.gate.answers import rate_and_answer
from tests.journeys.twin_agencies import (
    FAN,
    WORDS,
    ZONE,
    TwinAgency,
    create_twin_agency,
    process,
    readable_rows,
    table_names,
)
from tests.web.builders import PUBLIC
from web.app import create_web_app

FILLED = 40
"""Minimum number of tables that a simulated day fills: an empty table proves nothing."""


@dataclass(frozen=True)
class Pair:
    """Both agencies after a day each, a visitor of their pages, and the complete log."""

    alpha: TwinAgency
    bravo: TwinAgency
    visitor: httpx.Client
    pages: Database
    files: FileStore
    log: io.StringIO

    @property
    def sides(self) -> tuple[tuple[TwinAgency, TwinAgency], tuple[TwinAgency, TwinAgency]]:
        """Return each agency with the other."""
        return (self.alpha, self.bravo), (self.bravo, self.alpha)


@pytest.fixture(scope="module")
def pair(
    cluster: Cluster, pages: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder, log = tmp_path_factory.mktemp("twins"), io.StringIO()
    files = FileStore(folder / "pages")
    app = create_web_app(tenant=pages.scope, store=files, public_url=PUBLIC)
    with (
        network(folder / "sandbox.sqlite") as sandbox,
        process(cluster, folder / "home") as services,
        contextlib.redirect_stderr(log),
        contextlib.redirect_stdout(log),
        serve_app(app) as url,
        httpx.Client(base_url=url, timeout=30) as visitor,
    ):
        both = [create_twin_agency(services, sandbox, word, page_url=url) for word in WORDS]
        for one in both:
            one.live()
        yield Pair(*both, visitor, pages, files, log)


def test_twin_day_fills_the_tables(pair: Pair) -> None:
    """Both agencies published on both accounts, chatted, sold and delivered."""
    for one, _ in pair.sides:
        rows = one.rows()
        assert len([name for name in rows if rows[name]]) >= FILLED, sorted(
            name for name in rows if not rows[name]
        )
        assert len([name for name in rows if any(one.word in row for row in rows[name])]) > 15
        with one.scope() as scope:
            states = set(scope.run("SELECT state FROM deliveries").scalars())
            (order,) = scope.run("SELECT state FROM orders").scalars()
        assert states == {"published"}
        assert order == "fulfilled"
        assert len(one.items()) == 2


def test_no_table_shows_a_row_of_the_other_tenant(pair: Pair) -> None:
    for one, other in pair.sides:
        for login_pool in (one.desk.services.database, pair.pages):
            with login_pool.scope(one.tenant_id, "system:test") as scope:
                for table in table_names():
                    seen = readable_rows(scope, table)
                    assert not [row for row in seen if other.word in row], table
                    assert not [row for row in seen if str(other.tenant_id) in row], table


def test_no_row_of_the_other_tenant_is_found_by_id(pair: Pair) -> None:
    for one, other in pair.sides:
        theirs = other.ids()
        with one.scope() as scope:
            for table, ids in theirs.items():
                assert (
                    scope.run(
                        f"SELECT count(*) FROM {table} WHERE id = ANY(:ids)", ids=ids
                    ).scalar()
                    == 0
                ), table


Act = Callable[[Scope, UUID], Any]
SUBJECT = "delivery"
ACTS: dict[str, tuple[str, Act]] = {
    "creator": ("creators", tenant_reads.get_creator),
    "member": ("members", tenant_reads.get_member),
    "invite": ("members", sessions.revoke_sessions),
    "channel": ("channels", channel_reads.get_channel),
    "channels of": ("creators", channel_reads.list_creator_channels),
    "pause": (
        "channels",
        lambda scope, key: lifecycle.pause_account(scope, key, Message("gate.CONSENT_MISSING")),
    ),
    "attempts": ("deliveries", lambda scope, key: list_attempts(scope, Subject(SUBJECT, key))),
    "picture": ("assets", assets.get_asset),
    "picture for": ("assets", lambda scope, key: assets.get_rendition(scope, key, "sandbox")),
    "pack": ("packs", packs.get_pack),
    "packs of": ("creators", packs.list_active_packs),
    "price": ("packs", listed_price),
    "day": (
        "creators",
        lambda scope, key: schedule_reads.entries_of_day(scope, key, scope.now.date(), ZONE),
    ),
    "story": ("deliveries", schedule_reads.delivery_timeline),
    "published": ("deliveries", live_posts.find_live_post),
    "approve": (
        "posts",
        lambda scope, key: decisions.approve_post(scope, key, member_id=_manager(scope)),
    ),
    "plan": ("posts", deliveries.schedule_post),
    "cancel": ("deliveries", deliveries.cancel_delivery),
    "send now": ("deliveries", expedite_delivery),
    "move": (
        "deliveries",
        lambda s, key: reschedule_delivery(s, key, at=to_wall_time(s.now, ZONE)),
    ),
    "remove": ("deliveries", post_removal.request_post_removal),
    "thread": ("conversations", subscriber_reads.thread),
    "who said": (
        "channels",
        lambda scope, key: subscriber_reads.find_conversation(scope, key, FAN),
    ),
    "take over": (
        "conversations",
        lambda s, key: update_intake.assign_to_member(s, key, _manager(s)),
    ),
    "saved for": (
        "conversations",
        lambda scope, key: saved_replies.list_saved_replies(
            scope, conversation_rows.get_conversation(scope, key)
        ),
    ),
    "lay": (
        "saved_answers",
        lambda scope, key: saved_replies.insert_saved_reply(
            scope, _own(scope), _manager(scope), key, standing="", most=99
        ),
    ),
    "reword": (
        "saved_answers",
        lambda scope, key: saved_replies.update_saved_reply(
            scope, _own(scope), key, name="new", words="new"
        ),
    ),
    "forget": (
        "saved_answers",
        lambda scope, key: saved_replies.delete_saved_reply(scope, _own(scope), key),
    ),
    "order": ("orders", subscriber_reads.order),
    "expire": ("orders", order_payments.expire_order),
    "owned": ("fans", subscriber_reads.list_owned_packs),
    "refund": (
        "payments",
        lambda s, key: order_payments.request_order_refund(
            s, key, reason=Message("gate.CONSENT_MISSING")
        ),
    ),
    "sales": (
        "creators",
        lambda s, key: insight_reads.daily_sales(s, key, s.now.date(), s.now.date()),
    ),
}


def _own(scope: Scope) -> Conversation:
    """Return a conversation of the acting agency."""
    return conversation_rows.get_conversation(
        scope, scope.run("SELECT id FROM conversations ORDER BY id LIMIT 1").scalar_one()
    )


def _manager(scope: Scope) -> UUID:
    return next(member.id for member in tenant_reads.list_members(scope) if member.role == "owner")


def outcome(one: TwinAgency, act: Act, key: UUID) -> str:
    """Return the result or the error of an operation on an ID, with the ID masked."""
    try:
        with one.scope(f"member:{one.desk.manager}") as scope:
            said = repr(act(scope, key))
    except GreenroomError as error:
        said = f"{type(error).__name__} {error}"
    return said.replace(str(key), "ID").replace(repr(key), "ID")


@pytest.mark.parametrize("name", ACTS)
def test_foreign_id_behaves_like_an_unknown_id(pair: Pair, name: str) -> None:
    """Guessing IDs of the other agency reveals no more than guessing any IDs."""
    table, act = ACTS[name]
    for one, other in pair.sides:
        wrong, theirs = uuid7(), other.one(table)
        assert outcome(one, act, theirs) == outcome(one, act, wrong)
        before = other.rows()
        outcome(one, act, theirs)
        assert other.rows() == before


def test_foreign_digest_behaves_like_an_unknown_digest(pair: Pair) -> None:
    """Files are content-addressed: a digest that leaked, or was computed from a public picture,
    opens nothing."""
    for one, other in pair.sides:
        with other.scope() as scope:
            theirs = set(scope.run("SELECT sha256 FROM renditions").scalars())
        with one.scope() as scope:
            (alone,) = theirs - set(scope.run("SELECT sha256 FROM renditions").scalars())
            assert ratings.effective_rating(scope, alone) is None
            assert ratings.showable_ratings(scope, [alone]) == {}
        for sha256 in (alone, "0" * 64):
            with pytest.raises(NotFound), one.scope() as scope:
                rate_and_answer(scope, sha256, Rating.E, source="classifier@1")
            with pytest.raises(NotFound), one.scope(f"member:{one.desk.manager}") as scope:
                review_desk.review_bytes(scope, sha256, verdict="approve")
            for store in (one.desk.services.store, pair.files):
                assert not store.exists(one.tenant_id, sha256)
                with pytest.raises(NotFound) as missing:
                    store.get(one.tenant_id, sha256)
                assert str(other.tenant_id) not in str(missing.value)


def test_pages_and_feeds_show_one_tenant(pair: Pair) -> None:
    for one, other in pair.sides:
        (key, *_), (foreign, *_) = one.items(), other.items()
        for place in ("", "feed.xml", "feed.json", f"p/{key}"):
            told = pair.visitor.get(f"/{one.slug}/{place}")
            assert told.status_code == 200
            assert one.word in told.text
            assert other.word not in told.text
            assert str(other.tenant_id) not in told.text
        for place in (
            f"p/{foreign}",
            f"?before={foreign}",
            f"feed.xml?before={foreign}",
            f"feed.json?before={foreign}",
        ):
            guessed = pair.visitor.get(f"/{one.slug}/{place}")
            wrong = pair.visitor.get(
                f"/{one.slug}/{place.replace(foreign, 'gr0000000000000000000000')}"
            )
            assert (guessed.status_code, guessed.content) == (wrong.status_code, wrong.content)
            assert guessed.status_code == 404


def test_credential_is_invalid_for_the_other_tenant(pair: Pair) -> None:
    for one, other in pair.sides:
        mine = {"authorization": f"Bearer {one.token}"}
        wrong = {"authorization": "Bearer wrong"}
        (foreign, *_) = other.items()
        for method, path in (
            ("GET", f"items/{foreign}"),
            ("DELETE", f"items/{foreign}"),
            ("GET", f"items/{foreign}/metrics"),
            ("PUT", f"items/{foreign}"),
            ("PUT", f"files/{'0' * 64}"),
        ):
            told = [
                pair.visitor.request(method, f"/house/{other.slug}/{path}", headers=h)
                for h in (mine, wrong)
            ]
            assert [answer.status_code for answer in told] == [401, 401]
            assert told[0].content == told[1].content
        under_mine = pair.visitor.get(f"/house/{one.slug}/items/{foreign}", headers=mine)
        assert under_mine.status_code == 404
        assert pair.visitor.get(f"/{other.slug}/p/{foreign}").status_code == 200


def test_unpublished_files_have_no_address(pair: Pair) -> None:
    for one, _ in pair.sides:
        with one.scope() as scope:
            stored = set(scope.run("SELECT sha256 FROM renditions").scalars())
        for sha256 in stored - set(one.pictures()):
            assert pair.visitor.get(f"/files/{sha256}.jpg").status_code == 404
        for sha256 in one.pictures():
            assert pair.visitor.get(f"/files/{sha256}.jpg").status_code == 200


def test_dashboard_shows_one_tenant(pair: Pair) -> None:
    """The page is rendered for each agency in turn, in one process."""
    for one, other in (*pair.sides, *pair.sides):
        with pair.pages.scope(one.tenant_id, "system:test") as scope:
            member = tenant_reads.get_member(scope, one.desk.manager)
            page = home_reads.load_home(scope, member)
        voice = MemberLocalizer("fr", load_zone(ZONE))
        drawn = render_template(
            "pages/home/templates/day.html",
            page=page,
            who=member,
            voice=voice,
            word=voice.text,
            bars=list,
            opens=True,
            days=page.days,
        )
        assert one.word in drawn
        assert other.word not in drawn + repr(page)
        assert str(other.tenant_id) not in drawn + repr(page)


def test_secrets_do_not_decrypt_for_the_other_tenant(pair: Pair) -> None:
    for one, other in pair.sides:
        with other.scope() as scope:
            account = channel_reads.transport_account(
                channel_reads.get_channel(scope, other.desk.channels["main"])
            )
        assert account.token is not None
        reveal = one.desk.services.reveal
        assert (
            reveal(other.tenant_id, account.token)
            == other.desk.network.tokens[other.desk.accounts["main"]]
        )
        with pytest.raises(Unavailable):
            reveal(one.tenant_id, account.token)


def test_event_about_a_foreign_row_does_nothing(pair: Pair) -> None:
    """An event in one agency's queue names a row of the other: the handler finds no row."""
    for one, other in pair.sides:
        before, posts = other.rows(), len(other.desk.posts())
        with one.scope() as scope:
            outbox.put(scope, PublishDue(one.tenant_id, other.one("deliveries")))
        with contextlib.suppress(GreenroomError):
            one.desk.run()
        assert other.rows() == before
        assert len(other.desk.posts()) == posts
        with one.scope() as scope:
            scope.run("DELETE FROM outbox WHERE kind = 'delivery.publish'")


def test_queue_contains_ids_and_no_texts(pair: Pair) -> None:
    for one, other in pair.sides:
        for row in one.rows()["outbox"]:
            assert one.word not in row
            assert other.word not in row
            assert str(other.tenant_id) not in row


def test_removal_keeps_the_same_file_of_the_other_tenant(pair: Pair) -> None:
    """Both agencies publish the same bytes, each with separate rights and in a separate folder."""
    (shared,) = set(pair.alpha.pictures()) & set(pair.bravo.pictures())
    mine = {"authorization": f"Bearer {pair.alpha.token}"}
    with pair.alpha.scope() as scope:
        keys = list(
            scope.run(
                "SELECT i.content_id FROM items i JOIN item_media m ON m.item_id = i.id"
                " AND m.tenant_id = i.tenant_id WHERE m.sha256 = :s",
                s=shared,
            ).scalars()
        )
    for key in keys:
        assert (
            pair.visitor.delete(f"/house/{pair.alpha.slug}/items/{key}", headers=mine).status_code
            == 200
        )
    assert not pair.files.exists(pair.alpha.tenant_id, shared)
    assert pair.files.exists(pair.bravo.tenant_id, shared)
    assert pair.visitor.get(f"/files/{shared}.jpg").status_code == 200
    with pair.bravo.scope() as scope:
        rate_and_answer(scope, shared, Rating.E, source="classifier@2")
    assert pair.visitor.get(f"/files/{shared}.jpg").status_code == 404
    with pair.alpha.scope() as scope:
        assert ratings.effective_rating(scope, shared) is Rating.G


def test_logs_contain_no_texts_and_no_secrets(pair: Pair) -> None:
    """Covers the log of both days, and the error of a failed statement."""
    told = pair.log.getvalue()
    for one, _ in pair.sides:
        assert one.word not in told
        assert one.token not in told
    # the exception type is the driver's
    with pytest.raises(Exception) as failed, pair.alpha.scope() as scope:  # noqa: PT011  see above
        scope.run("SELECT 1 / (length(:word) - length(:word))", word=WORDS[0])
    assert WORDS[0] not in str(failed.value)


def test_superuser_sees_both_tenants(cluster: Cluster, pair: Pair) -> None:
    """The twin of the tests above: without policies the texts are found."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.connect() as connection:
        found = "".join(connection.execute(text("SELECT p::text FROM posts p")).scalars())
    engine.dispose()
    assert all(word in found for word in WORDS)
