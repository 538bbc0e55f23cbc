"""Imports: checking writes nothing, confirming creates every post once, and an import can be
undone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.connections import disconnection
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, load_zone
from gate.contract.units import Rating
from gate.reviews import link_targets
from schedules.approvals.release import release_post
from schedules.calendar import exports
from schedules.imports import handlers, import_files
from schedules.imports.cell_formats import COLUMNS
from schedules.imports.csv_rows import ACCOUNT_BODY_PREFIX
from schedules.imports.events import ImportApply
from schedules.posts import deliveries
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants.agencies import agencies
from tests.schedules.csv_files import FileImporter, format_csv

TABLES = ("posts", "deliveries", "delivery_moves", "outbox")


def test_checking_import_creates_no_posts(clerk: FileImporter) -> None:
    clerk.desk.run()
    before = {name: clerk.count(name) for name in TABLES}
    found = clerk.bring(format_csv([clerk.row(1), clerk.row(2, creator="Lea")]))
    assert {name: clerk.count(name) for name in TABLES} == before
    shown = clerk.shown(found)
    assert (shown.state, shown.lines, shown.done, shown.problems) == ("ready", 2, 2, 0)


def test_imported_drafts_need_approval(clerk: FileImporter) -> None:
    found = clerk.write(
        format_csv([clerk.row(1, late_ok="2h", priority=3), clerk.row(2, time="12:00")]), plan=True
    )
    assert (clerk.shown(found).state, clerk.shown(found).posts) == ("written", 2)
    assert clerk.states() == ["draft", "draft"]
    first = clerk.rows("SELECT * FROM posts WHERE tenant_id = :tenant ORDER BY body")[0]
    assert (first.origin, first.late_ok, first.priority) == ("csv", timedelta(hours=2), 3)
    assert first.author == f"member:{clerk.desk.author}"
    clerk.desk.approve(first.id)
    clerk.desk.plan(first.id)
    clerk.desk.live(days=2)
    assert clerk.desk.texts() == ["bonjour 1"]


def written(clerk: FileImporter, post_id: UUID) -> list[list[dict[str, Any]]]:
    """Return the rows of a post, its deliveries, their transitions and outbox rows, without columns
    that are unique to each post."""
    own = {
        "id",
        "post_id",
        "delivery_id",
        "subject_id",
        "origin",
        "origin_key",
        "created_at",
        "updated_at",
        "trace_id",
    }
    asked = (
        "SELECT * FROM posts WHERE tenant_id = :tenant AND id = :id",
        "SELECT * FROM deliveries WHERE tenant_id = :tenant AND post_id = :id",
        "SELECT m.* FROM delivery_moves m JOIN deliveries d ON d.tenant_id = m.tenant_id AND d.id "
        "= m.delivery_id"
        " WHERE d.tenant_id = :tenant AND d.post_id = :id ORDER BY m.id",
        "SELECT o.* FROM outbox o JOIN deliveries d ON d.tenant_id = o.tenant_id AND d.id = "
        "o.subject_id"
        " WHERE d.tenant_id = :tenant AND d.post_id = :id ORDER BY o.kind",
    )
    with clerk.desk.scope() as scope:
        found = [
            scope.run(one, tenant=clerk.desk.tenant_id, id=post_id).mappings().all()
            for one in asked
        ]
    return [
        [{name: row[name] for name in row if name not in own} for row in rows] for rows in found
    ]


@pytest.mark.parametrize("plan", [False, True])
def test_imported_post_equals_post_created_directly(free: FileImporter, plan: bool) -> None:
    photo, day = free.desk.photo(1), free.day(3)
    said = {
        "media": f"{photo}",
        "first_comment": "premier",
        "late_ok": "2h",
        "body_sandbox": "autrement",
    }
    said |= {"title": "Titre", "text_ai": "Generated", "option_mastodon_visibility": "private"}
    free.write(format_csv([free.row(1, date=day, **said)]), plan=plan)
    ours = free.rows("SELECT id FROM posts WHERE tenant_id = :tenant")[0].id
    pieces = (ThreadPart("premier", comment=True),)
    others = (
        ChannelOverride("mastodon", options=(("visibility", "private"),)),
        ChannelOverride("sandbox", body="autrement"),
    )
    late = timedelta(hours=2)
    other = free.desk.write(
        "bonjour 1",
        media=(photo,),
        late_ok=late,
        parts=pieces,
        others=others,
        title="Titre",
        text_ai="generated",
    )
    with free.desk.scope(f"member:{free.desk.author}") as scope:
        at = WallTime(date.fromisoformat(day), time(10), "Europe/Paris")
        deliveries.create_delivery(scope, other, free.desk.channels["main"], at=at)
        if plan:
            release_post(scope, other)
    assert written(free, ours) == written(free, other)


def test_imported_platform_text_is_published(free: FileImporter) -> None:
    found = free.write(
        format_csv([free.row(1, body_sandbox="court", body_telegram="nulle part")]), plan=True
    )
    assert [
        (one.column, one.message.code)
        for one in free.shown(found).findings
        if one.column.startswith("body_")
    ] == [("body_telegram", "import.override_idle")]
    free.desk.live(days=2)
    assert free.desk.texts() == ["court"]


def test_concurrent_workers_write_import_once(clerk: FileImporter) -> None:
    found = clerk.bring(
        format_csv(
            [clerk.row(number, time=f"{number % 24}:00", date=clerk.day(2)) for number in range(40)]
        )
    )
    clerk.ask(found)
    event = ImportApply(clerk.desk.tenant_id, found, f"member:{clerk.desk.author}")
    services = clerk.desk.services

    def work(_: int) -> None:
        handlers.apply_import(event, tenant=services.tenant, connectors=services.connectors)

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, range(3)))
    assert (clerk.count("posts"), clerk.count("deliveries"), clerk.shown(found).posts) == (
        40,
        40,
        40,
    )


def test_concurrent_uploads_of_same_file_create_one_import(clerk: FileImporter) -> None:
    data = format_csv([clerk.row(1)])
    with ThreadPoolExecutor(3) as people:
        found = set(people.map(lambda _: clerk.bring(data, look=False), range(3)))
    clerk.desk.run()
    assert len(found) == clerk.count("imports") == 1
    assert clerk.shown(found.pop()).state == "ready"


def test_import_without_approval_policy_is_scheduled_and_published_once(
    free: FileImporter,
) -> None:
    free.write(format_csv([free.row(1), free.row(2, time="11:00")]), plan=True)
    assert free.states() == ["scheduled", "scheduled"]
    moves = free.rows(
        "SELECT before, after, by FROM delivery_moves WHERE tenant_id = :tenant ORDER BY id"
    )
    assert [(one.before, one.after) for one in moves] == [
        ("draft", "approved"),
        ("approved", "scheduled"),
    ] * 2
    assert {one.by for one in moves} == {f"member:{free.desk.author}"}
    free.desk.live(days=2)
    assert free.desk.texts() == ["bonjour 1", "bonjour 2"]


def test_imported_drafts_are_scheduled_only_on_request(free: FileImporter) -> None:
    free.write(format_csv([free.row(1)]))
    assert free.states() == ["draft"]


@pytest.mark.parametrize("plan", [False, True])
def test_confirming_import_in_another_mode_is_refused(free: FileImporter, plan: bool) -> None:
    """Two windows confirmed one import, one as drafts and one as scheduled posts: the second saw a
    success message although its choice was ignored."""
    found = free.write(format_csv([free.row(1)]), plan=plan)
    free.ask(found, plan=plan)
    with pytest.raises(Conflict) as told:
        free.ask(found, plan=not plan)
    assert (told.value.message.code, free.states()) == (
        f"import.written_{'plan' if plan else 'draft'}",
        ["scheduled" if plan else "draft"],
    )


@pytest.mark.parametrize("repeat", ["bring", "ask", "apply"])
def test_repeated_import_step_has_no_effect(clerk: FileImporter, repeat: str) -> None:
    data = format_csv([clerk.row(number, time=f"{10 + number}:00") for number in range(3)])
    found = clerk.write(data)
    if repeat == "bring":
        assert clerk.bring(data) == found
    elif repeat == "ask":
        clerk.ask(found)
    else:
        with clerk.desk.scope() as scope:
            scope.run(
                "UPDATE imports SET state = 'writing', content = :data WHERE id = :id",
                data=data,
                id=found,
            )
            scope.run(
                "INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, "
                "holds_lane, priority,"
                " available_at, state, tries, trace_id) VALUES (:t, :id, 'import.apply', 1, "
                ":import, CAST(:args AS"
                " jsonb), 'make', false, 5, house_now(), 'waiting', 0, 't')",
                t=clerk.desk.tenant_id,
                id=uuid7(),
                args=f'{{"by": "member:{clerk.desk.author}"}}',
                **{"import": found},
            )
    clerk.desk.run()
    assert (clerk.count("posts"), clerk.count("deliveries"), clerk.count("imports")) == (3, 3, 1)
    assert clerk.shown(found).state == "written"


def test_import_is_written_once_despite_crashes(clerk: FileImporter) -> None:
    for point in range(1, 60):
        words = f"essai {point}"
        found = clerk.bring(
            format_csv([clerk.row(n, body=f"{words} {n}", time=f"{10 + n}:00") for n in range(3)])
        )
        clerk.ask(found)
        died = clerk.desk.crash(point)
        assert clerk.count("posts") in (3 * point - 3, 3 * point)
        clerk.desk.run()
        assert (clerk.count("posts"), clerk.count("deliveries")) == (3 * point, 3 * point)
        assert clerk.shown(found).state == "written"
        if not died:
            break
    assert point > 3


def test_problem_in_one_row_blocks_import(clerk: FileImporter) -> None:
    found = clerk.bring(format_csv([clerk.row(1), clerk.row(2, channels="nowhere")]))
    assert clerk.shown(found).state == "refused"
    with pytest.raises(Conflict):
        clerk.ask(found)
    assert clerk.count("posts") == 0


def test_import_that_became_invalid_is_not_written(clerk: FileImporter) -> None:
    found = clerk.bring(format_csv([clerk.row(1), clerk.row(2, time="23:59")]))
    clerk.desk.pass_time(days=2)
    clerk.ask(found)
    clerk.desk.run()
    shown = clerk.shown(found)
    assert (shown.state, shown.reason.code if shown.reason else "") == (
        "refused",
        "import.changed_meanwhile",
    )
    assert {code for _, _, code in clerk.problems(found)} == {"import.past"}
    assert clerk.count("posts") == 0
    again = clerk.bring(format_csv([clerk.row(1), clerk.row(2, time="23:59")]))
    assert clerk.shown(again).state == "ready"


def test_unreadable_file_is_refused_with_reason(clerk: FileImporter) -> None:
    shown = clerk.shown(clerk.bring(b"key,date\n\x81"))
    assert (shown.state, shown.reason.code if shown.reason else "") == (
        "refused",
        "import.not_utf8",
    )


@pytest.mark.parametrize(
    ("more", "column", "code"),
    [
        ({"creator": "Lae"}, "creator", "import.creator_unknown_near"),
        ({"creator": "Zoé Zazie"}, "creator", "import.creator_unknown"),
        ({"channels": "mian"}, "channels", "import.account_unknown_near"),
        ({"channels": ""}, "channels", "import.no_account"),
        ({"zone": "Europe/Pari"}, "zone", "import.zone_unknown_near"),
        ({"zone": "EST"}, "zone", "import.zone_unknown_near"),
        ({"zone": "MST"}, "zone", "import.zone_unknown"),
        ({"zone": "../etc/passwd"}, "zone", "import.zone_unknown"),
        ({"date": "2020-01-01"}, "date", "import.past"),
        ({"date": "2190-01-01"}, "date", "calendar.out_of_reach"),
        ({"date": "9999-12-31"}, "date", "calendar.out_of_reach"),
        ({"body": " "}, "body", "import.empty"),
        ({"body": "é" * 4_097}, "body", "connectors.text_too_long"),
        ({"media": "cafe"}, "media", "import.picture_unknown"),
        ({"media": str(uuid7())}, "media", "import.picture_unknown"),
    ],
)
def test_problems_name_line_and_column(
    clerk: FileImporter, more: dict[str, object], column: str, code: str
) -> None:
    assert clerk.problems(clerk.bring(format_csv([clerk.row(1), clerk.row(2, **more)]))) == [
        (3, column, code)
    ]


def test_ambiguous_account_name_is_refused(free: FileImporter) -> None:
    own = free.desk.connect_to(
        "main", account="mia", token="t", platform="own_page", surface="own_page.public"
    )
    first, second = "main (sandbox)", "main (own_page)"
    found = free.bring(format_csv([free.row(1)]))
    assert free.problems(found) == [(2, "channels", "import.account_several")]
    assert free.shown(found).findings[0].message.params["names"] == f"{second}, {first}"
    there = {"channels": f"{first}|{second.upper()}", f"{ACCOUNT_BODY_PREFIX}{second}": "autrement"}
    free.write(
        format_csv([free.row(1, **there)], columns=(*COLUMNS, f"{ACCOUNT_BODY_PREFIX}{second}")),
        plan=True,
    )
    with free.desk.scope() as scope:
        (line,) = exports.load_export_rows(
            scope, [free.desk.creator_id], free.desk.now(), free.desk.now() + timedelta(days=9)
        )
    assert {place.account for place in line.places} == {first, second}
    assert line.own == {second: "autrement"}
    again = free.bring(exports.render_csv([line], {}))
    assert not free.problems(again), "the export names the same accounts"
    with free.desk.scope() as scope:
        disconnection.request_disconnection(scope, own, "Marc")
    assert not free.problems(free.bring(format_csv([free.row(2)]))), (
        "a disconnected account does not make the name ambiguous"
    )


def test_photo_is_found_by_id_or_alt_text(clerk: FileImporter) -> None:
    photo, other = clerk.desk.photo(1), clerk.desk.photo(2)
    clerk.write(format_csv([clerk.row(1, media=f"{str(photo).upper()}|picture 2")]))
    assert clerk.rows("SELECT media FROM posts WHERE tenant_id = :tenant")[0].media == [
        str(photo),
        str(other),
    ]


def test_missing_zone_defaults_to_zone_of_creator(clerk: FileImporter) -> None:
    found = clerk.write(format_csv([clerk.row(1, zone="")]))
    assert clerk.marks(found) == [(2, "zone", "import.zone_taken")]
    assert (
        clerk.rows("SELECT zone FROM deliveries WHERE tenant_id = :tenant")[0].zone
        == "Europe/Paris"
    )


def next_change(now: datetime, *, spring: bool) -> date:
    """Return the next date on which the clocks of Paris change, forward if `spring`, else back."""
    day = now.date() + timedelta(days=1)
    paris = load_zone("Europe/Paris")
    while True:
        offsets = [
            datetime(d.year, d.month, d.day, 12, tzinfo=paris).utcoffset()
            for d in (day - timedelta(1), day)
        ]
        grown = (offsets[1] or timedelta()) - (offsets[0] or timedelta())
        if grown and (grown > timedelta()) is spring:
            return day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("spring", "code"), [(True, "import.clock_skipped"), (False, "import.clock_twice")]
)
def test_time_of_clock_change_has_a_remark(clerk: FileImporter, spring: bool, code: str) -> None:
    day = next_change(clerk.desk.now(), spring=spring)
    found = clerk.write(format_csv([clerk.row(1, date=day, time="02:30")]))
    assert clerk.marks(found) == [(2, "time", code)]
    due = clerk.rows("SELECT due_at FROM deliveries WHERE tenant_id = :tenant")[0].due_at
    shown = "03:30" if spring else "02:30"
    assert clerk.shown(found).findings[0].message.params["shown"] == shown
    utc = datetime(day.year, day.month, day.day, 1 if spring else 0, 30, tzinfo=UTC)
    assert due == utc


def test_close_times_and_repeated_texts_have_remarks(clerk: FileImporter) -> None:
    with clerk.desk.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 600 WHERE tenant_id = :t", t=clerk.desk.tenant_id
        )
    clerk.write(format_csv([clerk.row(1)]))
    rows = [
        clerk.row(2, time="10:05"),
        clerk.row(3, time="20:00", body="Bonjour\n 1"),
        clerk.row(4, time="20:20", body="neuf"),
        clerk.row(5, time="20:29", body="autre"),
        clerk.row(6, date=clerk.day(40), body="neuf"),
        clerk.row(7, time="20:29", body="encore"),
    ]
    assert clerk.marks(clerk.bring(format_csv(rows))) == [
        (2, "time", "import.too_near"),
        (3, "body", "import.repeats_words"),
        (6, "time", "import.too_near"),  # the text of the row before takes two lines
        (8, "time", "import.same_time"),
    ]


def test_imports_are_invisible_to_others(clerk: FileImporter, free: FileImporter) -> None:
    found = clerk.bring(format_csv([clerk.row(1)]))
    strangers: list[tuple[FileImporter, set[UUID]]] = [
        (clerk, {uuid7()}),
        (free, {free.desk.creator_id}),
    ]
    acts: tuple[Any, ...] = (
        lambda scope, whose: import_files.get_import(scope, found, creators=whose),
        lambda scope, whose: import_files.confirm_import(scope, found, plan=True, creators=whose),
        lambda scope, whose: import_files.undo_import(scope, found, creators=whose),
    )
    for who, whose in strangers:
        for act in acts:
            with pytest.raises(NotFound), who.desk.scope() as scope:
                act(scope, whose)
        with who.desk.scope() as scope:
            assert import_files.list_imports(scope, creators=whose) == []


def test_import_accepts_only_creators_of_its_member(clerk: FileImporter) -> None:
    with clerk.desk.scope() as scope:
        agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
    found = clerk.bring(format_csv([clerk.row(1, creator="Mia")]))
    assert clerk.problems(found) == [(2, "creator", "import.creator_unknown")]


def test_file_content_is_erased_after_import(clerk: FileImporter) -> None:
    clerk.write(format_csv([clerk.row(1)]))
    assert (
        bytes(clerk.rows("SELECT content FROM imports WHERE tenant_id = :tenant")[0].content) == b""
    )


def test_imported_campaign_is_added_to_links(free: FileImporter) -> None:
    far = "https://shop.example.org/a"
    with free.desk.scope() as scope:
        link_targets.register_link_target(
            scope, free.desk.creator_id, far, rating=Rating.G, adult=False
        )
    free.write(format_csv([free.row(1, body=f"Look: {far}", utm_campaign="spring")]), plan=True)
    free.desk.live(days=2)
    assert free.desk.texts() == [
        f"Look: {far}?utm_source=sandbox&utm_medium=social&utm_campaign=spring"
    ]


def test_row_of_scheduled_post_has_a_remark(clerk: FileImporter) -> None:
    """With a changed text in the spreadsheet, the post was scheduled a second time without a
    remark."""
    clerk.write(format_csv([clerk.row(1), clerk.row(2, time="12:00")]))
    start = clerk.desk.now()
    with clerk.desk.scope() as scope:
        out = exports.load_export_rows(
            scope, {clerk.desk.creator_id}, start, start + timedelta(days=9)
        )
        transition_delivery(
            scope, get_delivery(scope, out[1].places[0].delivery_id), DeliveryState.CANCELLED
        )
    days = {out[0].key: "le port", out[1].key: "la plage"}
    lines = [
        clerk.row(key, date=clerk.day(3 + n), body=body)
        for n, (key, body) in enumerate(days.items())
    ]
    assert clerk.marks(clerk.bring(format_csv(lines))) == [(2, "key", "import.still_here")]
