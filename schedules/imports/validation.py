"""Validation of rows: creator, accounts, pictures, labels, time, platform limits and conflicts.
Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from channels.accounts.states import ChannelState
from channels.sending import step_runner
from connectors.shared import options
from connectors.shared.options import OptionValue
from foundation.errors import BadInput
from foundation.i18n.name_forms import fold_name
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.ops.wall_time import WallTime, day_bounds, load_zone
from gate.contract.units import Text
from schedules.availability import enforced_interval
from schedules.imports import option_columns
from schedules.imports.csv_rows import (
    ACCOUNT_BODY_PREFIX,
    BODY_COLUMN_PREFIX,
    PART_MEDIA_SUFFIX,
    PRICE_COLUMN_PREFIX,
    ImportFinding,
    ImportRow,
    ImportSheet,
    closest_known_name,
)
from schedules.imports.planned_rows import (
    ImportAccount,
    ImportContext,
    ImportCreator,
    ImportPicture,
    PlannedRow,
    RowThreadPart,
)
from schedules.imports.zone_names import is_fixed_abbreviation, suggest_zone
from schedules.posts import link_tracking, thread_parts
from schedules.posts.channel_overrides import PAID_CONTENT_SHOWN_FREE
from schedules.posts.deliveries import BEYOND_PLANNING_HORIZON, PLANNING_HORIZON
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.labels import MAX_LABELS_PER_POST, fold_label_name
from schedules.posts.text_similarity import SimilarityKind
from tenants.agencies.queries import Creator


def _is_region(zone: str) -> bool:
    try:
        load_zone(zone)
    except BadInput:
        return False
    return not is_fixed_abbreviation(zone)


def parse_row_time(sheet: ImportSheet, row: ImportRow, creator: Creator) -> WallTime | None:
    """Return the time of a row, or None with a finding if it is invalid."""
    zone = row.zone or creator.zone
    if not _is_region(zone):
        near = suggest_zone(zone)
        code = "import.zone_unknown_near" if near else "import.zone_unknown"
        sheet.add_finding(row.line, "zone", code, zone=zone[:60], near=near)
        return None
    if not row.zone:
        sheet.add_finding(
            row.line, "zone", "import.zone_taken", grave=False, zone=zone, creator=creator.name
        )
    if row.day is None or row.clock is None:
        return None
    # An instant near the limits of datetime overflows in another time zone.
    if not 2000 <= row.day.year <= 2200:
        sheet.add_finding(row.line, "date", BEYOND_PLANNING_HORIZON)
        return None
    return WallTime(row.day, row.clock, zone)


def check_row_time(
    sheet: ImportSheet, line: int, at: WallTime, late: timedelta, now: datetime
) -> None:
    """Report a time that has passed, is too far ahead, or is skipped or repeated by a clock change.

    `late` is the delay that the post allows.
    """
    due = at.instant()
    if due + late < now:
        sheet.add_finding(line, "date", "import.past")
    elif due > now + PLANNING_HORIZON:
        sheet.add_finding(line, "date", BEYOND_PLANNING_HORIZON)
    shown = due.astimezone(load_zone(at.zone))
    said: dict[str, str | int] = {"clock": f"{at.clock:%H:%M}", "shown": f"{shown:%H:%M}"}
    if at.is_in_dst_gap:
        sheet.add_finding(line, "time", "import.clock_skipped", grave=False, **said)
    elif _is_ambiguous_time(at):
        sheet.add_finding(line, "time", "import.clock_twice", grave=False, **said)


def _is_ambiguous_time(at: WallTime) -> bool:
    """Return True if the clocks show this time twice on that day."""
    there = load_zone(at.zone)
    first, second = (
        datetime.combine(at.day, at.clock.replace(fold=fold), tzinfo=there) for fold in (0, 1)
    )
    return first.astimezone(UTC) < second.astimezone(UTC)  # in a DST gap the order is reversed


def nearest_instant(times: Sequence[datetime], at: datetime) -> datetime | None:
    """Return the instant in a sorted list that is nearest to another, or None for an empty list."""
    place = bisect_left(times, at)
    around = times[max(place - 1, 0) : place + 1]
    return min(around, key=lambda one: abs(one - at), default=None)


def validate_rows(
    sheet: ImportSheet, rows: Sequence[ImportRow], world: ImportContext
) -> list[PlannedRow]:
    """Report problems of rows in `sheet`, and return the rows that can be written.

    Each row is also compared with those before it: `world` grows with every row.
    """
    troubled = {one.line for one in sheet.findings if one.grave}
    wishes = []
    for row in rows:
        before = len(sheet.findings)
        wish = _plan_row(sheet, row, world)
        grave = any(one.grave for one in sheet.findings[before:])
        if wish is not None and not grave and row.line not in troubled:
            wishes.append(wish)
    return wishes


def _plan_row(sheet: ImportSheet, row: ImportRow, world: ImportContext) -> PlannedRow | None:
    if not (row.title or row.body or row.media):
        sheet.add_finding(row.line, "body", "import.empty")
    home = _resolve_creator(sheet, row, world)
    if home is None:
        return None
    accounts = _resolve_accounts(sheet, row, home)
    pictures = _resolve_pictures(sheet, row, home, "media", row.media)
    thread = tuple(
        RowThreadPart(
            one.column,
            one.body,
            _resolve_pictures(sheet, row, home, f"{one.column}{PART_MEDIA_SUFFIX}", one.media),
        )
        for one in row.parts
    )
    own = _resolve_account_texts(sheet, row, home, accounts)
    picked = _resolve_account_options(sheet, row, home, accounts)
    labels = _resolve_labels(sheet, row, world)
    at = parse_row_time(sheet, row, home.creator)
    if at is None:
        return None
    due = at.instant()
    late = timedelta(0) if row.until_midnight else row.late_ok
    if row.until_midnight:
        late = max(day_bounds(at.day, at.zone)[1] - due, timedelta(0))
    wish = PlannedRow(
        row,
        home.creator,
        accounts,
        at,
        due,
        late,
        pictures,
        home.links,
        thread,
        own,
        picked,
        labels,
    )
    check_row_time(sheet, row.line, at, late or timedelta(0), world.now)
    _check_idle_columns(sheet, row, {one.channel.platform for one in accounts})
    for account in accounts:
        _check_fits_account(sheet, wish, account, world.now)
        _check_conflicts(sheet, wish, account, world)
    return wish


def _check_idle_columns(sheet: ImportSheet, row: ImportRow, platforms: AbstractSet[str]) -> None:
    """Report texts, options and prices for platforms that the row does not publish to."""
    for platform in row.bodies.keys() - platforms:
        sheet.add_finding(
            row.line,
            f"{BODY_COLUMN_PREFIX}{platform}",
            "import.override_idle",
            grave=False,
            platform=platform,
        )
    for platform in row.options.keys() - platforms:
        for name in row.options[platform]:
            column = option_columns.option_column(platform, name)
            sheet.add_finding(
                row.line, column, "import.option_idle", grave=False, platform=platform
            )
    for platform in row.prices.keys() - platforms:
        sheet.add_finding(
            row.line,
            f"{PRICE_COLUMN_PREFIX}{platform}",
            "import.price_idle",
            grave=False,
            platform=platform,
        )


def _resolve_creator(
    sheet: ImportSheet, row: ImportRow, world: ImportContext
) -> ImportCreator | None:
    if row.creator:
        found = world.homes.get(fold_name(row.creator))
    else:
        only = {home.creator.id: home for home in world.homes.values()}
        found = next(iter(only.values())) if len(only) == 1 else None
    if found is None:
        near = closest_known_name(row.creator, [home.creator.name for home in world.homes.values()])
        code = "import.creator_unknown_near" if near else "import.creator_unknown"
        sheet.add_finding(
            row.line,
            "creator",
            code if row.creator else "import.no_creator",
            name=row.creator[:60],
            near=near,
        )
    return found


def _resolve_accounts(
    sheet: ImportSheet, row: ImportRow, home: ImportCreator
) -> tuple[ImportAccount, ...]:
    if not row.channels:
        sheet.add_finding(row.line, "channels", "import.no_account")
    found = []
    for name in row.channels:
        account = _find_account(home, name)
        if account is not None:
            found.append(account)
            continue
        _report_unknown_account(sheet, row, "channels", home, name)
    return tuple({one.channel.id: one for one in found}.values())


def _find_account(home: ImportCreator, name: str) -> ImportAccount | None:
    """Return the account with this name, or the only account on the platform with this name."""
    named = home.accounts.get(fold_name(name))
    if named is not None:
        return named
    there = [one for one in home.accounts.values() if one.channel.platform == name.casefold()]
    return there[0] if len(there) == 1 else None


def _report_unknown_account(
    sheet: ImportSheet, row: ImportRow, column: str, home: ImportCreator, name: str
) -> None:
    """Report a name that matches no account or several accounts."""
    accounts = home.accounts.values()
    whose = home.creator.name
    several = sorted(
        one.called for one in accounts if fold_name(one.channel.name) == fold_name(name)
    )
    if several:
        sheet.add_finding(
            row.line,
            column,
            "import.account_several",
            name=name[:60],
            creator=whose,
            names=", ".join(several),
        )
        return
    near = closest_known_name(name, [one.called for one in accounts])
    code = "import.account_unknown_near" if near else "import.account_unknown"
    sheet.add_finding(row.line, column, code, name=name[:60], creator=whose, near=near)


def _resolve_account_texts(
    sheet: ImportSheet, row: ImportRow, home: ImportCreator, accounts: Sequence[ImportAccount]
) -> dict[UUID, str]:
    """Return the text overrides by account. Overrides for accounts that the row does not use are
    reported."""
    own = {}
    there = {one.channel.id for one in accounts}
    for name, words in row.own.items():
        account = home.accounts.get(name)
        column = f"{ACCOUNT_BODY_PREFIX}{name}"
        if account is None:
            _report_unknown_account(sheet, row, column[:40], home, name)
        elif account.channel.id in there:
            own[account.channel.id] = words
        else:
            sheet.add_finding(
                row.line,
                column[:40],
                "import.override_idle",
                grave=False,
                platform=account.channel.name,
            )
    return own


def _resolve_account_options(
    sheet: ImportSheet, row: ImportRow, home: ImportCreator, accounts: Sequence[ImportAccount]
) -> dict[UUID, dict[str, OptionValue]]:
    """Return the options by account. Options of accounts that the row does not use are reported."""
    found: dict[UUID, dict[str, OptionValue]] = {}
    there = {one.channel.id for one in accounts}
    for (name, option), cell in row.own_options.items():
        account = home.accounts.get(name)
        column = option_columns.account_option_column(name, option)[:60]
        if account is None:
            _report_unknown_account(sheet, row, column, home, name)
        elif account.channel.id not in there:
            sheet.add_finding(
                row.line, column, "import.option_idle", grave=False, platform=account.channel.name
            )
        else:
            known = (
                {one.name: one for one in account.connector.capabilities.options}
                if account.connector
                else {}
            )
            value = option_columns.resolve_option_value(cell, known, option, account.channel.name)
            if isinstance(value, Message):
                sheet.findings.append(ImportFinding(row.line, column, value))
            else:
                found.setdefault(account.channel.id, {})[option] = value
    return found


def _resolve_labels(sheet: ImportSheet, row: ImportRow, world: ImportContext) -> tuple[UUID, ...]:
    """Return the labels of a row. Unknown names are reported, because they are probably typos."""
    found: dict[UUID, None] = {}
    for name in row.labels:
        one = world.labels.get(fold_label_name(name))
        if one is None:
            near = closest_known_name(name, [label.name for label in world.labels.values()])
            code = "import.label_unknown_near" if near else "import.label_unknown"
            sheet.add_finding(row.line, "labels", code, name=name[:60], near=near)
        else:
            found[one.id] = None
    if len(found) > MAX_LABELS_PER_POST:
        sheet.add_finding(
            row.line, "labels", "post_label.too_many_of_post", most=MAX_LABELS_PER_POST
        )
    return tuple(found)


def _resolve_pictures(
    sheet: ImportSheet, row: ImportRow, home: ImportCreator, column: str, names: Sequence[str]
) -> tuple[ImportPicture, ...]:
    for name in names:
        if name not in home.pictures:
            sheet.add_finding(
                row.line,
                column,
                "import.picture_unknown",
                name=name[:60],
                creator=home.creator.name,
            )
    found = (home.pictures.get(name) for name in names)
    return tuple({one.asset_id: one for one in found if one is not None}.values())


def _check_fits_account(
    sheet: ImportSheet, wish: PlannedRow, account: ImportAccount, now: datetime
) -> None:
    """Report what the platform would refuse, by building the units that would be sent."""
    row = wish.row
    name = account.channel.name
    words = wish.texts_on_account(account.channel)
    if account.channel.state != ChannelState.ACTIVE:
        sheet.add_finding(
            row.line, "channels", "import.account_not_ready", grave=False, account=name
        )
    if account.connector is None:
        return
    price = row.prices.get(account.channel.platform)
    if price is None and row.prices and wish.pictures:
        sheet.findings.append(
            ImportFinding(
                row.line,
                f"{PRICE_COLUMN_PREFIX}{account.channel.platform}",
                PAID_CONTENT_SHOWN_FREE,
            )
        )
    about = delivery_subject(derived_uuid(account.channel.id, row.key))
    first = replace(
        account.blank,
        subject=about,
        native_key=step_runner.native_key_of(about, 0),
        texts=tuple(
            Text(field, said) for field, said in (("title", row.title), ("body", words)) if said
        ),
        media=tuple(one.medium for one in wish.pictures),
        price=price,
        text_ai=row.text_ai,
        options=options.option_settings(
            wish.chosen_on(account.channel), account.connector.capabilities
        ),
    )
    pieces = [(one.thread_part, one.media) for one in wish.parts]
    parts = thread_parts.build_thread_units(first, pieces, account.connector.capabilities)
    for number, unit in enumerate(
        link_tracking.apply_link_plan(
            link_tracking.parse_link_plan(wish.links), account.channel, parts
        )
    ):
        reason = step_runner.sending_problem(unit, account.connector, now)
        if reason is not None:
            if reason.code.startswith("option."):
                column = _option_column_of(
                    wish, account, options.option_of_code(str(reason.params["option"]))
                )
            elif number:
                column = wish.parts[number - 1].column
            else:
                column = _text_column_of(wish, account) if words else "media"
            sheet.findings.append(ImportFinding(row.line, column, reason))
            return


def _text_column_of(wish: PlannedRow, account: ImportAccount) -> str:
    """Return the column of the text on an account."""
    if account.channel.id in wish.own:
        return f"{ACCOUNT_BODY_PREFIX}{account.called}"[:40]
    platform = account.channel.platform
    return f"{BODY_COLUMN_PREFIX}{platform}" if platform in wish.row.bodies else "body"


def _option_column_of(wish: PlannedRow, account: ImportAccount, option: str) -> str:
    """Return the column of an option on an account."""
    if option in wish.picked.get(account.channel.id, {}):
        return option_columns.account_option_column(account.called, option)[:60]
    return option_columns.option_column(account.channel.platform, option)


def _check_conflicts(
    sheet: ImportSheet, wish: PlannedRow, account: ImportAccount, world: ImportContext
) -> None:
    """Report other posts of the account at nearly the same time, and repeated texts."""
    taken = world.taken[account.channel.id]
    due = wish.due
    one = wish.fingerprint_on_account(account.channel)
    said: dict[str, str | int] = {"account": account.channel.name}
    close = nearest_instant(taken.times, due)
    if close == due:
        sheet.add_finding(wish.row.line, "time", "import.same_time", grave=False, **said)
    elif close is not None and abs(close - due) < account.channel.min_interval:
        away = int(abs(close - due).total_seconds()) // 60
        code = (
            "import.too_near_waits"
            if enforced_interval.is_interval_enforced(account.channel)
            else "import.too_near"
        )
        sheet.add_finding(wish.row.line, "time", code, grave=False, minutes=away, **said)
    alike = taken.said.find_duplicate(due, one)
    if alike is not None:
        day = alike.at.astimezone(load_zone(wish.at.zone)).date()
        code = "import.never_twice" if alike.refused else f"import.repeats_{alike.kind}"
        column = "media" if alike.kind is SimilarityKind.PICTURES else "body"
        sheet.add_finding(wish.row.line, column, code, grave=False, day=f"{day:%d/%m/%Y}", **said)
    # Later rows of the file are compared with this one too.
    taken.add(due, one)
