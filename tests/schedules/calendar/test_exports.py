"""Exports: a CSV file that can be imported again and contains no formulas, and a valid iCalendar
file."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors.contract.capabilities import PostOption
from connectors.registry import loader
from connectors.shared.options import OptionValue, option_value_problem
from foundation.i18n.name_forms import fold_name
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import WallTime
from schedules.calendar import exports
from schedules.calendar.exports import ExportedDelivery, ExportedPost
from schedules.calendar.icalendar import fold_ics_line, render_icalendar
from schedules.imports.cell_formats import COLUMNS, OFF, OUTSIDE, split_names
from schedules.imports.csv_rows import MAX_KEY_LENGTH, parse_file
from schedules.imports.option_columns import declared_options
from schedules.posts import dry_run_state, labels, link_tracking
from schedules.posts.link_tracking import LinkChoices, LinkPolicy
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import get_delivery, transition_delivery
from tenants import audit
from tenants.agencies import agencies
from tests.schedules.csv_files import FileImporter, format_csv
from tests.schedules.posts.test_channel_prices import elsewhere

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LETTERS = some.characters(exclude_categories=["Cs"], exclude_characters="\x00")
WORDS = some.text(LETTERS, max_size=60)
NAMES = some.text(LETTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
SAID = WORDS.filter(lambda words: bool(words.strip()))
PRICES = some.builds(Money, some.integers(1, 10_000_000), some.sampled_from(["USD", "XTR", "KWD"]))
URLS = some.sampled_from(["", "https://x/1"])
ZONES = some.sampled_from(["Europe/Paris", "America/St_Johns", "UTC"])


OPTIONS = declared_options(loader.load_connectors())
EVERY = [(platform, one) for platform, each in sorted(OPTIONS.items()) for one in each]
"""Each option of each bundled connector, with its platform."""

ODD = ("=mer", "'=mer", "a|b;c\\", "été, fin", " x ", "ligne 1\tligne 2", "24", "fr")


def values(option: PostOption) -> some.SearchStrategy[OptionValue]:
    """Return a strategy of values that the option accepts, odd characters included."""
    if option.kind in ("flag", "choice"):
        return some.booleans() if option.kind == "flag" else some.sampled_from(option.choices)
    if option.kind == "text":
        return some.sampled_from(
            [one for one in (option.example, *ODD) if option_value_problem("", option, one) is None]
        )
    entries = [
        one
        for one in (option.example, *map(str.strip, ODD))
        if option_value_problem("", option, (one,)) is None
    ]
    return some.lists(some.sampled_from(entries), min_size=1, max_size=2, unique=True).map(tuple)


@some.composite
def choices(draw: some.DrawFn) -> dict[str, dict[str, OptionValue]]:
    found: dict[str, dict[str, OptionValue]] = {}
    for number in draw(some.sets(some.integers(0, len(EVERY) - 1), max_size=3)):
        platform, one = EVERY[number]
        found.setdefault(platform, {})[one.name] = draw(values(one))
    return found


@some.composite
def line(draw: some.DrawFn) -> ExportedPost:
    at = WallTime(
        draw(some.dates(date(2001, 1, 1), date(2190, 1, 1))), draw(some.times()), draw(ZONES)
    )
    at = WallTime(at.day, at.clock.replace(microsecond=0), at.zone)
    reason = draw(some.sampled_from([None, Message("delivery.too_late")]))
    places = [
        ExportedDelivery(
            uuid7(),
            name,
            draw(some.sampled_from(DeliveryState)),
            draw(some.sampled_from(["", "https://x/1"])),
            reason,
            1,
            body=draw(WORDS),
        )
        for name in draw(some.lists(NAMES, min_size=1, max_size=3, unique=True))
    ]
    return ExportedPost(
        key=draw(
            some.text(LETTERS, min_size=1, max_size=MAX_KEY_LENGTH).map(str.strip).filter(bool)
        ),
        creator=draw(NAMES),
        at=at,
        due=at.instant(),
        late_ok=draw(
            some.none() | some.integers(0, 1000).map(lambda minutes: timedelta(minutes=minutes))
        ),
        body=draw(WORDS.filter(lambda words: bool(words.strip()))),
        media=tuple(
            draw(
                some.lists(
                    some.builds(UUID, int=some.integers(0, 2**128 - 1)), max_size=2, unique=True
                )
            )
        ),
        first_comment=draw(WORDS.filter(lambda words: not words or bool(words.strip()))),
        bodies=draw(
            some.dictionaries(some.just("sandbox"), WORDS.filter(lambda words: bool(words.strip())))
        ),
        prices=draw(some.dictionaries(some.just("sandbox"), PRICES)),
        priority=draw(some.integers(1, 9)),
        places=tuple(places),
        title=draw(WORDS.filter(lambda words: not words or bool(words.strip()))),
        text_ai=draw(some.sampled_from(["none", "template", "assisted", "generated"])),
        own=draw(some.dictionaries(NAMES.map(fold_name).map(str.strip), SAID, max_size=2)),
        options=draw(choices()),
        labels=tuple(draw(some.lists(NAMES, max_size=3, unique=True))),
        thread=tuple(
            draw(
                some.lists(
                    some.builds(ThreadPart, SAID, some.just((uuid7(),)) | some.just(())), max_size=3
                )
            )
        ),
    )


@pytest.mark.heavy
@given(some.lists(line(), min_size=1, max_size=4, unique_by=lambda one: one.key))
def test_exported_csv_is_imported_unchanged(lines: list[ExportedPost]) -> None:
    sheet = parse_file(
        exports.render_csv(lines, {"delivery.too_late": "=trop tard"}), ("sandbox",), OPTIONS
    )
    states = [{str(place.state) for place in one.places} for one in lines]
    gone = [
        (row.line, each & OUTSIDE)
        for row, each in zip(sheet.rows, states, strict=True)
        if each & (OFF | OUTSIDE)
    ]
    assert [(one.line, one.message.code) for one in sheet.findings] == [
        (at, "import.stands" if stands else "import.taken_off") for at, stands in gone
    ]
    for row, one in zip(sheet.rows, lines, strict=True):
        assert (row.key, row.creator, row.channels) == (
            one.key,
            one.creator,
            tuple(p.account for p in one.places),
        )
        assert (row.day, row.clock, row.zone) == (one.at.day, one.at.clock, one.at.zone)
        assert (row.late_ok, row.priority) == (one.late_ok, one.priority)
        assert (row.body, row.first_comment, row.bodies) == (
            one.body,
            one.first_comment,
            one.bodies,
        )
        assert (row.prices, row.title, row.text_ai) == (one.prices, one.title, one.text_ai)
        assert tuple(map(UUID, row.media)) == one.media
        assert row.own == one.own
        assert (row.options, row.labels) == (one.options, one.labels)
        assert [(part.body, tuple(map(UUID, part.media))) for part in row.parts] == [
            (part.body, part.media) for part in one.thread
        ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_exported_cell_is_never_a_formula(sign: str) -> None:
    at = WallTime(date(2026, 1, 1), time(9), "UTC")
    one = ExportedPost("k", f"{sign}cmd", at, NOW, None, f"{sign}1+1", (), "", {}, 5, ())
    text = exports.render_csv([one], {}).decode("utf-8-sig")
    assert f"'{sign}1+1" in text
    assert f",{sign}1" not in text


def unfolded(data: bytes) -> list[str]:
    """Return the content lines of a calendar file, checked strictly."""
    assert data.endswith(b"\r\n")
    for physical in data.split(b"\r\n"):
        assert len(physical) <= 75
        physical.decode()  # no character is cut
        assert b"\n" not in physical
        assert b"\r" not in physical
    return data.decode().replace("\r\n ", "").split("\r\n")[:-1]


def events(data: bytes) -> list[dict[str, str]]:
    """Return the events of a calendar, and check that no other line is misplaced."""
    found: list[dict[str, str]] = []
    inside = False
    lines = unfolded(data)
    assert (lines[0], lines[-1]) == ("BEGIN:VCALENDAR", "END:VCALENDAR")
    for one in lines[1:-1]:
        name, _, value = one.partition(":")
        if name == "BEGIN":
            assert not inside
            inside = True
            found.append({})
        elif name == "END":
            assert inside
            inside = False
        elif inside:
            assert name not in found[-1]
            found[-1][name] = value
    return found


def plain(value: str) -> str:
    """Unescape a TEXT value."""
    out, letters = "", iter(value)
    for letter in letters:
        if letter != "\\":
            assert letter not in ";,"
            out += letter
            continue
        escaped = next(letters)
        out += {"n": "\n"}.get(escaped, escaped)
    return out


@given(some.lists(line(), min_size=1, max_size=3))
def test_icalendar_keeps_deliveries_and_texts(lines: list[ExportedPost]) -> None:
    found = events(render_icalendar(lines, now=NOW, name="Léa, Mia"))
    meant = [(one, place) for one in lines for place in one.places]
    assert len(found) == len(meant)
    for event, (one, place) in zip(found, meant, strict=True):
        assert event["UID"] == f"{place.delivery_id}@greenroom"
        assert datetime.fromisoformat(event["DTSTART"]) == one.due
        assert event["DTSTAMP"] == "20261121T120000Z"
        said = place.body.replace("\r\n", "\n").replace("\r", "\n")
        assert plain(event["DESCRIPTION"]) == "".join(
            x for x in said if x in "\n\t" or (x >= " " and x != "\x7f")
        )
        assert event["STATUS"] in ("CONFIRMED", "TENTATIVE", "CANCELLED")


def test_long_icalendar_line_is_folded_between_characters() -> None:
    assert fold_ics_line("é" * 100).count(b"\r\n ") == 2
    assert unfolded(fold_ics_line("😀" * 60)) == ["😀" * 60]


def window(clerk: FileImporter) -> list[ExportedPost]:
    with clerk.desk.scope() as scope:
        start = scope.now - timedelta(days=1)
        return exports.load_export_rows(
            scope, {clerk.desk.creator_id}, start, start + timedelta(days=60)
        )


def test_dry_run_is_not_confirmed_in_icalendar(clerk: FileImporter) -> None:
    lea = clerk.desk
    lea.delivery("meant", after=7200)
    lea.act(dry_run_state.start_dry_run, "channel", lea.channels["main"])
    lea.delivery("rehearsed soon", after=3600)
    lea.delivery("rehearsed later", after=10_800)
    lea.act(dry_run_state.end_dry_run, lea.channels["main"])
    lea.live(hours=1, minutes=5)
    found = events(render_icalendar(window(clerk), now=NOW, name="Léa"))
    said = {event["DESCRIPTION"]: event["STATUS"] for event in found}
    assert said == {
        "rehearsed soon": "CANCELLED",
        "meant": "CONFIRMED",
        "rehearsed later": "TENTATIVE",
    }


def test_icalendar_shows_text_of_each_account(clerk: FileImporter) -> None:
    clerk.desk.connect("other")
    clerk.write(
        format_csv(
            [clerk.row(1, channels="main|other", **{"body@other": "ailleurs"})],
            columns=[*COLUMNS, "body@other"],
        )
    )
    found = events(render_icalendar(window(clerk), now=NOW, name="Léa"))
    assert {event["SUMMARY"].split(" · ", 1)[1]: event["DESCRIPTION"] for event in found} == {
        "main · bonjour 1": "bonjour 1",
        "other · ailleurs": "ailleurs",
    }


def test_post_on_several_accounts_is_one_csv_row(clerk: FileImporter) -> None:
    clerk.desk.connect("other")
    clerk.write(
        format_csv(
            [
                clerk.row(
                    1, channels="main|other", body="=1+1", first_comment="suite", late_ok="always"
                )
            ]
        )
    )
    one = window(clerk)[0]
    assert {place.account for place in one.places} == {"main", "other"}
    row = parse_file(exports.render_csv([one], {}), ("sandbox",)).rows[0]
    assert (set(row.channels), row.body, row.first_comment) == ({"main", "other"}, "=1+1", "suite")
    assert (row.late_ok, row.zone) == (None, "Europe/Paris")


def test_states_and_reasons_follow_order_of_accounts(clerk: FileImporter) -> None:
    clerk.desk.connect("other")
    clerk.write(format_csv([clerk.row(1, channels="main|other")]))
    first = window(clerk)[0].places[0]
    with clerk.desk.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, first.delivery_id),
            DeliveryState.HELD,
            reason=Message("delivery.too_late"),
        )
    found = window(clerk)
    assert exports.collect_reason_messages(found) == {
        "delivery.too_late": Message("delivery.too_late")
    }
    text = exports.render_csv(found, {"delivery.too_late": "Trop tard"}).decode("utf-8-sig")
    assert "held|draft" in text
    assert "Trop tard|" in text


def test_own_export_can_be_imported_again(clerk: FileImporter) -> None:
    clerk.write(
        format_csv([clerk.row(n, time=f"{9 + n}:00", body=f"@mot {n}\nfin") for n in range(4)])
    )
    before = window(clerk)
    found = clerk.bring(exports.render_csv(before, {}))
    assert clerk.problems(found) == []
    clerk.ask(found)
    clerk.desk.run()
    after = window(clerk)
    assert len(after) == 8
    same = {(one.at, one.body, one.late_ok, one.priority) for one in before}
    assert {(one.at, one.body, one.late_ok, one.priority) for one in after} == same


def test_exported_thread_and_override_keep_version(
    clerk: FileImporter,
) -> None:
    """The digest covers everything that an approval covers: an equal digest means no change."""
    clerk.desk.connect("Other")
    said = {"part_2": "deux", "part_3": "=trois", "first_comment": "fin", "body@other": "ailleurs"}
    rows = [
        clerk.row(1, channels="main|Other", body_sandbox="ici", **said),
        clerk.row(2, time="15:00", part_2="suite"),
    ]
    clerk.write(format_csv(rows, columns=[*COLUMNS, *said]))
    before = window(clerk)
    again = clerk.bring(exports.render_csv(before, {}))
    assert clerk.problems(again) == []
    clerk.ask(again)
    clerk.desk.run()
    after = window(clerk)
    with clerk.desk.scope() as scope:
        digests = Counter(
            scope.run("SELECT digest FROM posts WHERE tenant_id = :t", t=scope.tenant_id).scalars()
        )
    assert sorted(digests.values()) == [2, 2]
    told = {(one.body, one.first_comment, one.thread, tuple(one.own.items())) for one in after}
    assert len(after) == 4
    assert len(told) == 2
    assert (
        "bonjour 1",
        "fin",
        (ThreadPart("deux"), ThreadPart("=trois")),
        (("Other", "ailleurs"),),
    ) in told


def test_exported_unchanged_links_keep_version(
    clerk: FileImporter,
) -> None:
    """The import added tracking parameters to them, because the file did not mark them as
    unchanged."""
    desk, mine = clerk.desk, "https://lea.example.org/me;a"
    desk.act(
        link_tracking.set_link_policy,
        desk.creator_id,
        LinkPolicy(source="{platform}", campaign="always"),
    )
    desk.wish(
        desk.write(
            f"Me: {mine} more: https://lea.example.org/b", links=LinkChoices("spring", (mine,))
        ),
        after=7200,
    )
    again = clerk.bring(exports.render_csv(window(clerk), {}))
    clerk.ask(again)
    desk.run()
    with desk.scope() as scope:
        digests = Counter(
            scope.run("SELECT digest FROM posts WHERE tenant_id = :t", t=scope.tenant_id).scalars()
        )
    assert list(digests.values()) == [2]


def test_exported_options_and_labels_keep_version(clerk: FileImporter) -> None:
    """Options are set for a platform and for one account of it. The digest covers options but not
    labels."""
    here = elsewhere(clerk.desk, "mastodon", "mastodon.post")
    with clerk.desk.scope() as scope:
        both = [labels.create_label(scope, name, "red") for name in ("Été | 2027", "soirée")]
    there = {
        "option_mastodon_visibility": "unlisted",
        "option_warning@mastodon": "'=Food",
        "labels": "SOIRÉE",
    }
    rows = [
        clerk.row(1, channels="mastodon", **there, **{"body@mastodon": "ici"}),
        clerk.row(2, channels="main|mastodon", time="15:00", labels="été \\| 2027|soirée"),
    ]
    clerk.write(format_csv(rows, columns=[*COLUMNS, *there, "body@mastodon"]))
    before = window(clerk)
    assert [(one.options, one.own_options) for one in before] == [
        ({"mastodon": {"visibility": "unlisted"}}, {"mastodon": {"warning": "=Food"}}), ({}, {}),
    ]  # fmt: skip
    assert [one.labels for one in before] == [("soirée",), ("soirée", "Été | 2027")]
    again = clerk.bring(exports.render_csv(before, {}))
    assert clerk.problems(again) == []
    clerk.ask(again)
    clerk.desk.run()
    told = Counter(str((one.options, one.own_options, one.labels)) for one in window(clerk))
    assert told == Counter(2 * [str((one.options, one.own_options, one.labels)) for one in before])
    with clerk.desk.scope() as scope:
        digests = Counter(
            scope.run("SELECT digest FROM posts WHERE tenant_id = :t", t=scope.tenant_id).scalars()
        )
        places = (
            scope.run("SELECT overrides FROM posts WHERE tenant_id = :t", t=scope.tenant_id)
            .scalars()
            .all()
        )
        given = [one for one in audit.list_recent_acts(scope) if one.act == "label.given_by_file"]
        assert len(labels.list_labels(scope)) == len(both)
    assert sorted(digests.values()) == [2, 2]
    assert {one["place"] for each in places for one in each} == {"mastodon", str(here)}
    assert sorted(one.details["posts"] for one in given) == [1, 1, 2, 2]


def test_invalid_options_and_labels_are_reported_with_line_and_column(
    clerk: FileImporter,
) -> None:
    elsewhere(clerk.desk, "mastodon", "mastodon.post")
    elsewhere(clerk.desk, "instagram", "instagram.post")
    with clerk.desk.scope() as scope:
        labels.create_label(scope, "Noël", "red")
    said = [
        {"option_visibility@mastodon": "everybody"},
        {"option_silent@mastodon": "yes"},
        {"option_silent@main": "yes"},
        {"option_silent@mian": "yes"},
        {"option_instagram_feed": "no"},
        {"labels": "Noel|rien"},
    ]
    names = sorted({name for each in said for name in each} - {"labels"})
    everywhere = "main|mastodon|instagram"
    photo = str(clerk.desk.photo(1))
    rows = [
        clerk.row(n, channels=everywhere, time=f"{n}:00", media=photo, **each)
        for n, each in enumerate(said, start=1)
    ]
    found = clerk.problems(clerk.bring(format_csv(rows, columns=[*COLUMNS, *names])))
    assert [(line, column, code) for line, column, code in found if column != "media"] == [
        (2, "option_visibility@mastodon", "import.option_choice"),
        (3, "option_silent@mastodon", "import.option_unknown"),
        (4, "option_silent@main", "import.option_none"),
        (5, "option_silent@mian", "import.account_unknown_near"),
        (6, "option_instagram_feed", "option.films_alone"),
        (7, "labels", "import.label_unknown_near"),
        (7, "labels", "import.label_unknown"),
    ]


def test_unknown_account_override_is_a_problem_and_unused_one_a_remark(
    clerk: FileImporter,
) -> None:
    clerk.desk.connect("other")
    rows = [clerk.row(1, **{"body@othr": "x"}), clerk.row(2, time="15:00", **{"body@other": "x"})]
    shown = clerk.shown(
        clerk.bring(format_csv(rows, columns=[*COLUMNS, "body@othr", "body@other"]))
    )
    assert [
        (one.line, one.column, one.message.code, one.grave)
        for one in shown.findings
        if one.column != "body"
    ] == [
        (2, "body@othr", "import.account_unknown_near", True),
        (3, "body@other", "import.override_idle", False),
    ]


def test_export_excludes_other_creators_and_agencies(clerk: FileImporter) -> None:
    with clerk.desk.scope() as scope:
        other = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
    clerk.write(format_csv([clerk.row(1)]))
    with clerk.desk.scope() as scope:
        assert (
            exports.load_export_rows(scope, {other}, scope.now, scope.now + timedelta(days=9)) == []
        )
    with clerk.desk.services.tenant(uuid7(), "system:test") as scope:
        assert (
            exports.load_export_rows(
                scope, {clerk.desk.creator_id}, scope.now, scope.now + timedelta(days=9)
            )
            == []
        )


def test_escaped_account_names_are_split_correctly() -> None:
    assert split_names("a\\|b|c\\;d\\\\") == ("a|b", "c;d\\")
