"""What the lines of a file would become, and what stands in their way: whose, where, when, and what is near. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from channels import carrying
from channels.states import ChannelState
from connectors import options
from connectors.options import Value
from foundation.ids import derived
from foundation.words import Message
from gate.units import Text
from schedules import distance, imports_options, imports_times, linking, threads
from schedules.calendar import bounds, zone_of
from schedules.claiming import GIVEN_AWAY
from schedules.composing import subject
from schedules.imports_rows import ACCOUNT, OVERRIDE, PRICE, SHOWN, Finding, Row, Sheet, nearest
from schedules.imports_wishes import Account, Follows, Home, Picture, Wish, World
from schedules.labels import MOST_OF_POST, folded
from schedules.likeness import Kind


def nearest_at(times: Sequence[datetime], at: datetime) -> datetime | None:
    """The instant of a sorted list that is nearest to another."""
    place = bisect_left(times, at)
    around = times[max(place - 1, 0) : place + 1]
    return min(around, key=lambda one: abs(one - at), default=None)


def judge(sheet: Sheet, rows: Sequence[Row], world: World) -> list[Wish]:
    """Say of each row what is wrong or worth knowing, on `sheet`, and give those that could be written.

    What comes earlier in the file is held against what comes later; `world` grows with it.
    """
    troubled = {one.line for one in sheet.findings if one.grave}
    wishes = []
    for row in rows:
        before = len(sheet.findings)
        wish = _wish(sheet, row, world)
        grave = any(one.grave for one in sheet.findings[before:])
        if wish is not None and not grave and row.line not in troubled:
            wishes.append(wish)
    return wishes


def _wish(sheet: Sheet, row: Row, world: World) -> Wish | None:
    if not (row.title or row.body or row.media):
        sheet.say(row.line, "body", "import.empty")
    home = _home(sheet, row, world)
    if home is None:
        return None
    accounts = _accounts(sheet, row, home)
    pictures = _pictures(sheet, row, home, "media", row.media)
    thread = tuple(
        Follows(one.column, one.body, _pictures(sheet, row, home, f"{one.column}{SHOWN}", one.media))
        for one in row.parts
    )
    own, picked = _own(sheet, row, home, accounts), _chosen(sheet, row, home, accounts)
    labels = _labels(sheet, row, world)
    at = imports_times.time_of(sheet, row, home.creator)
    if at is None:
        return None
    due = at.instant()
    late = timedelta(0) if row.until_midnight else row.late_ok
    if row.until_midnight:
        late = max(bounds(at.day, at.zone)[1] - due, timedelta(0))
    wish = Wish(row, home.creator, accounts, at, due, late, pictures, home.links, thread, own, picked, labels)
    imports_times.check(sheet, row.line, at, late or timedelta(0), world.now)
    for platform in row.bodies.keys() - {one.channel.platform for one in accounts}:
        sheet.say(row.line, f"{OVERRIDE}{platform}", "import.override_idle", grave=False, platform=platform)
    for platform in row.options.keys() - {one.channel.platform for one in accounts}:
        for name in row.options[platform]:
            column = imports_options.column(platform, name)
            sheet.say(row.line, column, "import.option_idle", grave=False, platform=platform)
    for platform in row.prices.keys() - {one.channel.platform for one in accounts}:
        sheet.say(row.line, f"{PRICE}{platform}", "import.price_idle", grave=False, platform=platform)
    for account in accounts:
        _fits(sheet, wish, account, world.now)
        _near(sheet, wish, account, world)
    return wish


def _home(sheet: Sheet, row: Row, world: World) -> Home | None:
    if row.creator:
        found = world.homes.get(row.creator.casefold())
    else:
        only = {home.creator.id: home for home in world.homes.values()}
        found = next(iter(only.values())) if len(only) == 1 else None
    if found is None:
        near = nearest(row.creator, [home.creator.name for home in world.homes.values()])
        code = "import.creator_unknown_near" if near else "import.creator_unknown"
        sheet.say(row.line, "creator", code if row.creator else "import.no_creator", name=row.creator[:60], near=near)
    return found


def _accounts(sheet: Sheet, row: Row, home: Home) -> tuple[Account, ...]:
    if not row.channels:
        sheet.say(row.line, "channels", "import.no_account")
    found = []
    for name in row.channels:
        account = _account(home, name)
        if account is not None:
            found.append(account)
            continue
        _no_account(sheet, row, "channels", home, name)
    return tuple({one.channel.id: one for one in found}.values())


def _account(home: Home, name: str) -> Account | None:
    """The account of a name, or the only one on a platform of that name."""
    named = home.accounts.get(name.casefold())
    if named is not None:
        return named
    there = [one for one in home.accounts.values() if one.channel.platform == name.casefold()]
    return there[0] if len(there) == 1 else None


def _no_account(sheet: Sheet, row: Row, column: str, home: Home, name: str) -> None:
    """Say that a name is nobody's, or that of several: then it says for none of them."""
    accounts, whose = home.accounts.values(), home.creator.name
    several = sorted(one.called for one in accounts if one.channel.name.casefold() == name.casefold())
    if several:
        sheet.say(row.line, column, "import.account_several", name=name[:60], creator=whose, names=", ".join(several))
        return
    near = nearest(name, [one.called for one in accounts])
    code = "import.account_unknown_near" if near else "import.account_unknown"
    sheet.say(row.line, column, code, name=name[:60], creator=whose, near=near)


def _own(sheet: Sheet, row: Row, home: Home, accounts: Sequence[Account]) -> dict[UUID, str]:
    """Other words for single accounts; those of an account the post does not go to say nothing."""
    own, there = {}, {one.channel.id for one in accounts}
    for name, words in row.own.items():
        account, column = home.accounts.get(name), f"{ACCOUNT}{name}"
        if account is None:
            _no_account(sheet, row, column[:40], home, name)
        elif account.channel.id in there:
            own[account.channel.id] = words
        else:
            sheet.say(row.line, column[:40], "import.override_idle", grave=False, platform=account.channel.name)
    return own


def _chosen(sheet: Sheet, row: Row, home: Home, accounts: Sequence[Account]) -> dict[UUID, dict[str, Value]]:
    """What single accounts choose; of an account the post does not go to it says nothing."""
    found: dict[UUID, dict[str, Value]] = {}
    there = {one.channel.id for one in accounts}
    for (name, option), cell in row.own_options.items():
        account, column = home.accounts.get(name), imports_options.own_column(name, option)[:60]
        if account is None:
            _no_account(sheet, row, column, home, name)
        elif account.channel.id not in there:
            sheet.say(row.line, column, "import.option_idle", grave=False, platform=account.channel.name)
        else:
            known = {one.name: one for one in account.connector.capabilities.options} if account.connector else {}
            value = imports_options.value_of(cell, known, option, account.channel.name)
            if isinstance(value, Message):
                sheet.findings.append(Finding(row.line, column, value))
            else:
                found.setdefault(account.channel.id, {})[option] = value
    return found


def _labels(sheet: Sheet, row: Row, world: World) -> tuple[UUID, ...]:
    """The labels of a line. One that nobody named is a slip: a file that made labels would make one of each slip."""
    found: dict[UUID, None] = {}
    for name in row.labels:
        one = world.labels.get(folded(name))
        if one is None:
            near = nearest(name, [label.name for label in world.labels.values()])
            code = "import.label_unknown_near" if near else "import.label_unknown"
            sheet.say(row.line, "labels", code, name=name[:60], near=near)
        else:
            found[one.id] = None
    if len(found) > MOST_OF_POST:
        sheet.say(row.line, "labels", "post_label.too_many_of_post", most=MOST_OF_POST)
    return tuple(found)


def _pictures(sheet: Sheet, row: Row, home: Home, column: str, names: Sequence[str]) -> tuple[Picture, ...]:
    for name in names:
        if name not in home.pictures:
            sheet.say(row.line, column, "import.picture_unknown", name=name[:60], creator=home.creator.name)
    found = (home.pictures.get(name) for name in names)
    return tuple({one.asset_id: one for one in found if one is not None}.values())


def _fits(sheet: Sheet, wish: Wish, account: Account, now: datetime) -> None:
    """Whether the place takes it, as the request that would leave is made of it."""
    row, name, words = wish.row, account.channel.name, wish.words_on(account.channel)
    if account.channel.state != ChannelState.ACTIVE:
        sheet.say(row.line, "channels", "import.account_not_ready", grave=False, account=name)
    if account.connector is None:
        return
    price = row.prices.get(account.channel.platform)
    if price is None and row.prices and wish.pictures:
        sheet.findings.append(Finding(row.line, f"{PRICE}{account.channel.platform}", GIVEN_AWAY))
    about = subject(derived(account.channel.id, row.key))
    first = replace(
        account.blank,
        subject=about,
        native_key=carrying.native_key(about, 0),
        texts=tuple(Text(field, said) for field, said in (("title", row.title), ("body", words)) if said),
        media=tuple(one.medium for one in wish.pictures),
        price=price,
        text_ai=row.text_ai,
        options=options.settings(wish.chosen_on(account.channel), account.connector.capabilities),
    )
    pieces = [(one.piece, one.media) for one in wish.parts]
    parts = threads.units(first, pieces, account.connector.capabilities)
    for number, unit in enumerate(linking.dressed(linking.linked(wish.links), account.channel, parts)):
        reason = carrying.unfit(unit, account.connector, now)
        if reason is not None:
            column = wish.parts[number - 1].column if number else (_said_in(wish, account) if words else "media")
            if reason.code.startswith("option."):
                column = _chosen_in(wish, account, options.named(str(reason.params["option"])))
            sheet.findings.append(Finding(row.line, column, reason))
            return


def _said_in(wish: Wish, account: Account) -> str:
    """The column of what it says on an account."""
    if account.channel.id in wish.own:
        return f"{ACCOUNT}{account.called}"[:40]
    platform = account.channel.platform
    return f"{OVERRIDE}{platform}" if platform in wish.row.bodies else "body"


def _chosen_in(wish: Wish, account: Account, option: str) -> str:
    """The column of what it chooses on an account."""
    if option in wish.picked.get(account.channel.id, {}):
        return imports_options.own_column(account.called, option)[:60]
    return imports_options.column(account.channel.platform, option)


def _near(sheet: Sheet, wish: Wish, account: Account, world: World) -> None:
    """What leaves there at almost the same time, and where the same words were or will be said."""
    taken, due = world.taken[account.channel.id], wish.due
    one = wish.print_on(account.channel)
    said: dict[str, str | int] = {"account": account.channel.name}
    close = nearest_at(taken.times, due)
    if close == due:
        sheet.say(wish.row.line, "time", "import.same_time", grave=False, **said)
    elif close is not None and abs(close - due) < account.channel.min_gap:
        away = int(abs(close - due).total_seconds()) // 60
        code = "import.too_near_waits" if distance.binds(account.channel) else "import.too_near"
        sheet.say(wish.row.line, "time", code, grave=False, minutes=away, **said)
    alike = taken.said.like(due, one)
    if alike is not None:
        day = alike.at.astimezone(zone_of(wish.at.zone)).date()
        code = "import.never_twice" if alike.refused else f"import.repeats_{alike.kind}"
        column = "media" if alike.kind is Kind.PICTURES else "body"
        sheet.say(wish.row.line, column, code, grave=False, day=f"{day:%d/%m/%Y}", **said)
    taken.add(due, one)
