"""Messages to members by Telegram and Web Push: linked by the member alone, counts and pages only,
one row per message, retried by route; and the order of routes, quiet hours and time zones."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channels.accounts import queries as channel_reads
from channels.listening import listener
from connectors.transport import web_push
from connectors.transport.web_push import derive_push_key
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from subscribers.intake import update_intake
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members, second_factor
from tenants.notices import (
    member_messages,
    notice_pages,
    notices,
    preferences,
    push_subscriptions,
    telegram_links,
)
from tenants.notices.member_messages import PushSubscription
from tenants.notices.preferences import NotificationPreferences, Route
from tests.conftest import Cluster
from tests.fakes.push_service import PushBrowser, PushService, push_service
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.telegram.state import Bot
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from tests.subscribers.builders import PAGES, RAILS
from workers.wiring import Services

WORDS = "Nue sous la douche"
"""The title of a post, which no message may contain."""


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@dataclass
class Desk:
    """Léa's agency with a bot and a browser of its author."""

    lea: SandboxAgency
    telegram: TelegramServer
    bot: Bot
    push: PushService
    heard: str = ""
    browsers: list[PushBrowser] = field(default_factory=list)

    @property
    def member(self) -> UUID:
        return self.lea.author

    @property
    def channel_id(self) -> UUID:
        return self.lea.channels["bot"]

    # the member

    def link(self, member: UUID | None = None) -> str:
        """Return the text that the bot receives when the member opens the link."""
        with self.lea.scope(f"member:{member or self.member}") as scope:
            parameter = telegram_links.request_telegram_link(
                scope, member or self.member, self.channel_id
            )
        account = self.lea.accounts["bot"]
        url = self.lea.services.connectors["telegram"].chat_start_url("", account, parameter)  # type: ignore[attr-defined]  # of this platform
        return f"/start {parse_qs(urlsplit(url).query)['start'][0]}"

    def say(self, text: str, name: str = "anne") -> None:
        """Send a message to the bot and receive it."""
        self.telegram.world.say(self.bot, name, text)
        with self.lea.scope() as scope:
            channel = channel_reads.get_channel(scope, self.channel_id)
        found = listener.poll_updates(
            channel,
            self.heard,
            transport=self.lea.services.transport,
            connectors=self.lea.services.connectors,
        )
        for update in found.updates:
            with self.lea.scope() as scope:
                update_intake.receive_update(
                    scope, channel, update, rails=RAILS, environment="test", pages=PAGES
                )
        self.heard = found.cursor or self.heard
        self.lea.run()

    def subscribe(self, member: UUID | None = None) -> PushBrowser:
        browser = self.push.add_browser()
        self.browsers.append(browser)
        with self.lea.scope(f"member:{member or self.member}") as scope:
            push_subscriptions.add_browser(
                scope,
                member or self.member,
                browser.subscription,
                label="Firefox · Linux",
                hosts=("127.0.0.1",),
            )
        return browser

    def choose(self, **chosen: object) -> None:
        with self.lea.scope(f"member:{self.member}") as scope:
            preferences.set_preferences(
                scope,
                self.member,
                NotificationPreferences(**chosen),  # type: ignore[arg-type]  # its fields
            )

    def texts(self, name: str = "anne") -> list[str]:
        return [str(one) for one in self.telegram.world.texts(self.bot, name)]

    # the agency

    def put(self, cause: str = "", *, urgent: bool = True) -> None:
        with self.lea.scope() as scope:
            message = Message("approval.missing", {"post": WORDS})
            cause = cause or f"delivery:{uuid7()}"
            creator = self.lea.creator_id
            notices.put(scope, message, cause=cause, urgent=urgent, creator_id=creator)

    def minute(self) -> int:
        with self.lea.scope() as scope:
            made = member_messages.schedule_messages(scope)
        self.lea.run()
        return made

    def states(self) -> list[str]:
        with self.lea.scope() as scope:
            rows = scope.run(
                "SELECT state FROM mails WHERE why <> 'linked' ORDER BY created_at, id"
            )
            return list(rows.scalars())

    def count(self, table: str) -> int:
        with self.lea.scope() as scope:
            return int(scope.run(f"SELECT count(*) FROM {table}").scalar_one())


@pytest.fixture
def desk(services: Services, sandbox: RunningSandbox, telegram: TelegramServer) -> Iterator[Desk]:
    with push_service() as push:
        reachable = services.settings.model_copy(update={"reachable": push.url})
        lea = create_sandbox_agency(replace(services, settings=reachable), sandbox)
        door_key = second_factor.derive_door_key(bytes(range(32)))
        push.sender_key = web_push.public_key_of(derive_push_key(door_key))
        bot = telegram.world.bot(f"lea_{uuid7().hex[-8:]}_bot")
        lea.connect_to(
            "bot",
            account=bot.username,
            token=bot.token,
            platform="telegram",
            surface="telegram.bot_dm",
            base_url=telegram.url,
        )
        yield Desk(lea, telegram, bot, push)
        assert push.rejected == []
    telegram.book.clear_faults()


def linked(desk: Desk) -> None:
    desk.say(desk.link())
    assert len(desk.texts()) == 1


# Telegram


def test_only_the_members_own_token_links_a_chat_once_and_makes_no_fan(desk: Desk) -> None:
    start = desk.link()
    desk.say("/start notify-aaaaaaaaaaaaaaaaaaaaaa", "stranger")
    desk.say(start)
    assert "Les notifications de Greenroom arriveront dans cette conversation." in desk.texts()[0]
    desk.say(start, "stranger")
    assert desk.texts("stranger") == []
    with desk.lea.scope() as scope:
        assert telegram_links.find_telegram_link(scope, desk.member).confirmed
    assert desk.count("fans") == 0
    assert desk.count("conversations") == 0


def test_expired_token_and_token_of_another_bot_link_nothing(desk: Desk) -> None:
    start = desk.link()
    token = telegram_links.read_start_token(start)
    with desk.lea.scope() as scope:
        assert not telegram_links.confirm_link(scope, uuid7(), "1", token)
    desk.lea.pass_time(minutes=31)
    desk.say(start)
    with desk.lea.scope() as scope:
        assert not telegram_links.find_telegram_link(scope, desk.member).confirmed


def test_urgent_items_arrive_in_telegram_once_as_counts_and_links(desk: Desk) -> None:
    linked(desk)
    for cause in ("", "", "channel:1:gone"):
        desk.put(cause)
    assert desk.minute() == 1
    assert desk.minute() == 0
    assert len(desk.texts()) == 2
    text = desk.texts()[1]
    assert "Publications : 2. http://localhost:8501/calendar" in text
    assert "Comptes : 1. http://localhost:8501/channels" in text
    assert WORDS not in text


def test_lost_telegram_answer_is_not_sent_again(desk: Desk) -> None:
    linked(desk)
    desk.telegram.book.schedule_fault(
        "reset_after", account=str(desk.bot.id), on="posts", seconds=0.2
    )
    desk.put()
    desk.minute()
    desk.lea.live(minutes=10)
    assert len(desk.texts()) == 2
    assert desk.states() == ["lost"]


def test_blocked_bot_unlinks_the_chat(desk: Desk) -> None:
    linked(desk)
    desk.telegram.world.block(desk.bot, "anne")
    desk.put()
    desk.minute()
    assert desk.states() == ["dead"]
    assert desk.count("telegram_links") == 0


def test_removed_member_receives_nothing_that_was_planned(desk: Desk) -> None:
    with desk.lea.scope() as scope:
        more = {"role": Role.MANAGER, "language": "fr", "zone": "Europe/Paris"}
        other = agencies.add_member(scope, name="Paul", email="paul@example.test", **more)
    desk.say(desk.link(other))
    browser = desk.subscribe(other)
    desk.put()
    with desk.lea.scope() as scope:
        assert member_messages.schedule_messages(scope) == 2
        members.remove_member(scope, other)
    desk.lea.run()
    assert len(desk.texts()) == 1
    assert browser.shown == {}
    assert desk.states() == ["dropped", "dropped"]


# Web Push


def test_each_browser_shows_counts_and_a_click_opens_the_page(desk: Desk) -> None:
    first, second = desk.subscribe(), desk.subscribe()
    desk.put()
    assert desk.minute() == 2
    (shown,) = first.shown.values()
    assert shown["title"] == "Greenroom : éléments urgents : 1"
    assert shown["body"] == "Publications : 1"
    assert shown["path"] == "/calendar"
    assert len(second.shown) == 1


@pytest.mark.parametrize(
    ("modes", "states", "shown"),
    [
        (["500", "429"], ["sent"], 1),
        (["lose"], ["sent"], 1),
        (["413"], ["dead"], 0),
    ],
)
def test_push_is_retried_until_it_is_accepted_and_shown_once(
    desk: Desk, modes: list[str], states: list[str], shown: int
) -> None:
    browser = desk.subscribe()
    desk.push.modes.extend(modes)
    desk.put()
    desk.minute()
    desk.lea.live(minutes=10)
    assert desk.states() == states
    assert len(browser.shown) == shown
    assert desk.count("push_subscriptions") == 1


def test_ended_subscription_is_removed(desk: Desk) -> None:
    desk.subscribe()
    desk.push.browsers.clear()
    desk.put()
    desk.minute()
    assert desk.states() == ["dead"]
    assert desk.count("push_subscriptions") == 0


@pytest.mark.parametrize("at", range(1, 9, 2))
def test_crash_at_any_point_shows_one_push(desk: Desk, at: int) -> None:
    browser = desk.subscribe()
    desk.put()
    with desk.lea.scope() as scope:
        member_messages.schedule_messages(scope)
    desk.lea.crash(at)
    desk.lea.live(minutes=5)
    assert len(browser.shown) == 1
    assert desk.states() == ["sent"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://evilfcm.googleapis.com@127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com/" + "x" * 1000,
        "https://fcm.googleapis.com:port/x",
        "https://[fcm.googleapis.com/x",
        "ftp://fcm.googleapis.com/x",
        "not a url",
        "",
    ],
)
def test_other_addresses_than_push_services_are_refused(desk: Desk, endpoint: str) -> None:
    keys = PushBrowser("").subscription
    given = PushSubscription(endpoint, keys.key, keys.auth)
    with desk.lea.scope() as scope, pytest.raises(BadInput):
        push_subscriptions.add_browser(scope, desk.member, given, label="")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=100), st.text(max_size=40))
def test_malformed_keys_are_refused(key: str, auth: str) -> None:
    given = PushSubscription("https://fcm.googleapis.com/x", key, auth)
    with pytest.raises(BadInput):
        push_subscriptions._check_subscription(given, push_subscriptions.PUSH_SERVICES)


# Routes, mute and quiet hours


def test_kind_and_creator_choose_the_routes_of_a_message(desk: Desk) -> None:
    linked(desk)
    browser = desk.subscribe()
    desk.choose(routes={"posts": frozenset({Route.PUSH}), "accounts": frozenset()})
    desk.put()
    desk.put("channel:1:gone")
    assert desk.minute() == 1
    assert [one["body"] for one in browser.shown.values()] == ["Publications : 1"]
    desk.choose(muted_creators=frozenset({desk.lea.creator_id}))
    desk.put()
    assert desk.minute() == 0


def test_items_of_quiet_hours_are_sent_when_they_end_and_safety_items_at_once(desk: Desk) -> None:
    browser = desk.subscribe()
    here = desk.lea.now().astimezone(ZoneInfo("Europe/Paris"))
    minute = here.hour * 60 + here.minute
    start, end = (minute - 60) % 1440, (minute + 120) % 1440
    desk.choose(quiet_from=start, quiet_until=end)
    desk.put()
    desk.put("switch:tenant::sending")
    assert desk.minute() == 1
    assert [one["body"] for one in browser.shown.values()] == ["Arrêt d’urgence : 1"]
    desk.lea.pass_time(minutes=115)
    assert desk.minute() == 0
    desk.lea.pass_time(minutes=6)
    assert desk.minute() == 1
    assert "Publications : 1" in [one["body"] for one in browser.shown.values()]


def test_all_items_are_sent_at_once_if_chosen(desk: Desk) -> None:
    browser = desk.subscribe()
    desk.put(urgent=False)
    assert desk.minute() == 0
    desk.choose(immediate="all")
    assert desk.minute() == 1
    assert [one["title"] for one in browser.shown.values()] == ["Greenroom : nouveaux éléments : 1"]


def test_digest_is_sent_once_a_day_by_telegram_but_not_to_browsers(desk: Desk) -> None:
    linked(desk)
    browser = desk.subscribe()
    here = desk.lea.now().astimezone(ZoneInfo("Europe/Paris"))
    desk.choose(immediate="none", digest_hour=here.hour)
    desk.put(urgent=False)
    assert desk.minute() == 1
    assert desk.minute() == 0
    assert len(desk.texts()) == 2
    assert browser.shown == {}


ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
MINUTES = st.integers(0, preferences.MINUTES_PER_DAY - 1)


@settings(max_examples=300, deadline=None)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Europe/Paris", 150, 170)
@example(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "Europe/Paris", 120, 180)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001  UTC follows
    st.sampled_from(ZONES),
    MINUTES,
    MINUTES,
)
def test_quiet_hours_follow_the_clock_on_the_wall(
    at: datetime, zone: str, start: int, end: int
) -> None:
    chosen = NotificationPreferences(quiet_from=start, quiet_until=end)
    shown = at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    first, last = (f"{one // 60:02}:{one % 60:02}" for one in (start, end))
    inside = first <= shown < last if first <= last else not last <= shown < first
    assert chosen.is_quiet(at, zone) == inside


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(notice_pages.NOTICE_PAGES),
    st.frozensets(st.sampled_from(list(Route))),
    st.sampled_from(list(Route)),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_mute_route_and_urgency_decide_independently(
    kind: notice_pages.NoticePage,
    routes: frozenset[Route],
    route: Route,
    flags: tuple[bool, bool, bool],
) -> None:
    muted, urgent, passes = flags
    creator = uuid7()
    chosen = NotificationPreferences(
        {kind.name: routes},
        safety_passes=passes,
        muted_creators=frozenset({creator} if muted else ()),
    )
    stop = kind is notice_pages.STOPS
    expected = (route in routes or (stop and route is Route.APP)) and (not muted or stop)
    assert chosen.uses(kind, route, creator) == expected
    assert chosen.passes_quiet_hours(kind, urgent=urgent) == (
        urgent and passes and kind in notice_pages.SAFETY_PAGES
    )
