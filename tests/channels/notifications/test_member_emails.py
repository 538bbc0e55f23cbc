"""Email notifications: off until confirmed by a code, with counts and pages only, once per cause
and hour, delivered at least once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from foundation.errors import Conflict, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import MailSettings
from tenants.agencies import agencies, creators
from tenants.agencies import queries as tenant_reads
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.rights import Role
from tenants.notices import emails, member_messages, notices, preferences
from tenants.notices.emails import EmailPreference
from tenants.notices.preferences import NotificationPreferences
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.smtp import MailServer, mail_server
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wired
from workers.wiring import Services

WORDS = "Nue sous la douche"
"""The title of a post, which no email may contain."""


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@dataclass
class House:
    """Léa's agency and its mail server."""

    lea: SandboxAgency
    server: MailServer
    told: int = 0

    def wish(self, member: UUID) -> EmailPreference:
        with self.lea.scope() as scope:
            return emails.get_email_preference(scope, tenant_reads.get_member(scope, member))

    def address(self, member: UUID) -> str:
        return self.wish(member).address

    def wants(self, member: UUID, *, urgent: bool = True, hour: int | None = None) -> None:
        """Confirm the member's address with the mailed code, and set the preference."""
        self.act(emails.send_confirmation_code, member)
        self.lea.run()
        code = re.search(r"\d{6}", self.server.to(self.address(member))[-1].get_content())
        assert code
        assert self.act(emails.confirm_email_code, member, code[0])
        chosen = NotificationPreferences(immediate="urgent" if urgent else "none", digest_hour=hour)
        self.act(preferences.set_preferences, member, chosen)
        self.server.taken.clear()

    # any function of `emails`
    def act(self, function, member: UUID, *args, **more):  # type: ignore[no-untyped-def]  # see above
        with self.lea.scope(f"member:{member}") as scope:
            return function(scope, member, *args, **more)

    def put(self, cause: str = "", *, urgent: bool = True, **more: object) -> str:
        """Create a notice whose text must not appear in an email."""
        self.told += 1
        cause = cause or f"delivery:{uuid7()}"
        with self.lea.scope() as scope:
            message = Message("approval.missing", {"post": WORDS})
            notices.put(
                scope, message, cause=cause, urgent=urgent, creator_id=self.lea.creator_id, **more
            )  # type: ignore[arg-type]  # as given
        return cause

    def settle(self, cause: str) -> None:
        with self.lea.scope() as scope:
            notices.close(scope, cause)

    def minute(self, *, run: bool = True) -> int:
        """Run the beat of one minute; return the number of emails scheduled."""
        with self.lea.scope() as scope:
            made = member_messages.schedule_messages(scope)
        if run:
            self.lea.run()
        return made

    def text(self) -> str:
        """Return all sent emails with their subjects."""
        return "\n".join(f"{one['Subject']}\n{one.get_content()}" for one in self.server.taken)

    def add(self, role: Role, *, creators: tuple[str, ...] = ()) -> UUID:
        with self.lea.scope() as scope:
            more = {"role": role, "language": "en", "zone": ZONE}
            return agencies.add_member(
                scope, name=f"{role}", email=f"{role}@example.test", creators=creators, **more
            )


@pytest.fixture
def house(services: Services, sandbox: RunningSandbox) -> Iterator[House]:
    with mail_server() as server:
        own = MailSettings(
            host="127.0.0.1", port=server.port, security="none", sender="greenroom@house.example"
        )
        with_mail = replace(services, settings=services.settings.model_copy(update={"mail": own}))
        yield House(create_sandbox_agency(with_mail, sandbox), server)


# opting in


def test_member_without_opt_in_gets_no_email(house: House) -> None:
    house.put()
    assert house.minute() == 0
    assert house.server.conversations == 0


def test_only_the_mailed_code_confirms_the_address(house: House) -> None:
    anne = house.lea.author
    house.act(emails.send_confirmation_code, anne)
    with pytest.raises(Conflict):
        house.act(emails.send_confirmation_code, anne)
    house.lea.run()
    (code,) = re.findall(r"\d{6}", house.server.to(house.address(anne))[0].get_content())
    assert not house.act(emails.confirm_email_code, anne, "12345")
    assert not house.wish(anne).confirmed
    assert house.act(emails.confirm_email_code, anne, f" {code[:3]} {code[3:]} ")
    assert house.wish(anne).confirmed
    with pytest.raises(Refused):
        house.act(emails.confirm_email_code, anne, code)


def test_code_expires_after_five_attempts_or_half_an_hour(house: House) -> None:
    anne = house.lea.author
    house.act(emails.send_confirmation_code, anne)
    house.lea.run()
    (code,) = re.findall(r"\d{6}", house.server.taken[0].get_content())
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert [house.act(emails.confirm_email_code, anne, wrong) for _ in range(5)] == [False] * 5
    with pytest.raises(Refused):
        house.act(emails.confirm_email_code, anne, code)
    house.lea.pass_time(minutes=2)
    house.act(emails.send_confirmation_code, anne)
    house.lea.run()
    (code,) = re.findall(r"\d{6}", house.server.taken[-1].get_content())
    house.lea.pass_time(minutes=31)
    with pytest.raises(Refused):
        house.act(emails.confirm_email_code, anne, code)


# contents


def test_urgent_notices_are_mailed_within_a_minute_as_counts_and_pages(house: House) -> None:
    house.wants(house.lea.author)
    for cause in ("", "", f"channel:{uuid7()}:gone"):
        house.put(cause)
    house.put(urgent=False)
    assert house.minute() == 1
    (got,) = house.server.to(house.address(house.lea.author))
    assert got["Subject"] == "Greenroom : éléments urgents : 3"
    said = got.get_content()
    assert "Publications : 2. http://localhost:8501/calendar" in said
    assert "Comptes : 1. http://localhost:8501/channels" in said
    assert "http://localhost:8501/auth/mails" in said
    assert WORDS not in house.text()


def test_notices_about_a_creator_are_mailed_to_the_responsible_members_alone(house: House) -> None:
    manager = house.add(Role.MANAGER)
    for member in (house.lea.author, manager):
        house.wants(member)
    with house.lea.scope() as scope:
        chosen = CreatorChanges(responsible=(manager,))
        creators.change_creator(scope, house.lea.creator_id, chosen)
    house.put()
    assert house.minute() == 1
    assert [len(house.server.to(house.address(one))) for one in (house.lea.author, manager)] == [
        0,
        1,
    ]


def test_email_groups_notices_by_page(house: House) -> None:
    """Emergency stops, failed edits and silent accounts were once all listed as "Other"."""
    house.wants(house.lea.author)
    for cause in (
        "switch:tenant::sending",
        "edit:1",
        "clocks:1",
        "feed:1",
        "apart:1",
        "role:1",
        "deaf:1",
        "rail:1",
    ):
        house.put(cause)
    assert house.minute() == 1
    lines = (
        house.server.to(house.address(house.lea.author))[0]
        .get_content()
        .replace("http://localhost:8501", "")
    )
    assert "Arrêt d’urgence : 1. /settings?section=stop" in lines
    assert "Publications : 4. /calendar" in lines
    assert "Comptes : 2. /channels" in lines
    assert "Ventes et paiements : 1. /shop" in lines


def test_one_email_per_cause_and_hour(house: House) -> None:
    house.wants(house.lea.author)
    cause = house.put()
    assert house.minute() == 1
    assert house.minute() == 0
    house.settle(cause)
    house.put(cause)
    assert house.minute() == 0, "it was raised again within the hour"
    other = house.put()
    assert house.minute() == 1
    house.settle(other)
    house.lea.pass_time(minutes=61)
    assert house.minute() == 1, "the hour is over, and the notice is still open"
    house.lea.pass_time(hours=5)
    assert house.minute() == 0
    assert len(house.server.taken) == 3


def test_notice_from_before_the_opt_in_waits_for_the_daily_email(house: House) -> None:
    house.put()
    house.lea.pass_time(seconds=1)
    house.wants(house.lea.author)
    assert house.minute() == 0


def test_other_notices_are_mailed_once_a_day_at_the_members_hour(house: House) -> None:
    with house.lea.scope() as scope:
        here = tenant_reads.get_member(scope, house.lea.author)
        now = scope.now
    hour = (now.astimezone(ZoneInfo(here.zone)).hour + 2) % 24
    house.wants(house.lea.author, hour=hour)
    house.put(urgent=False)
    start = house.minute()
    for _ in range(24 * 2):
        house.lea.pass_time(hours=1)
        start += house.minute()
    briefs = [one for one in house.server.taken if "aujourd" in one["Subject"]]
    assert len(briefs) in (2, 3)
    days = {one["Date"].datetime.astimezone(ZoneInfo(here.zone)).date() for one in briefs}
    assert len(days) == len(briefs), "one per day"
    assert "Publications : 1." in briefs[0].get_content()


def test_day_without_open_notices_sends_no_email(house: House) -> None:
    house.wants(house.lea.author, hour=0)
    house.lea.pass_time(days=1)
    assert house.minute() == 0


def test_member_is_mailed_only_about_pages_they_can_open(house: House) -> None:
    accountant, stranger = house.add(Role.ACCOUNTANT), house.add(Role.CHATTER, creators=("nobody",))
    for member in (accountant, stranger, house.lea.author):
        house.wants(member)
    with house.lea.scope() as scope:
        mine = tenant_reads.get_member(scope, house.lea.author).principal_id
    house.put()
    house.put(f"draft:{uuid7()}:waiting")
    house.put(f"payment:{uuid7()}")
    house.put(f"comment:{uuid7()}:{mine}", to=mine)
    house.minute()
    (got,) = house.server.to(house.address(accountant))
    assert "Sales and payments: 1." in got.get_content()
    assert "Posts" not in got.get_content()
    assert house.server.to(house.address(stranger)) == []
    (own,) = house.server.to(house.address(house.lea.author))
    assert "Publications : 2." in own.get_content()


def test_notice_settled_before_sending_is_not_mailed(house: House) -> None:
    house.wants(house.lea.author)
    cause = house.put()
    house.minute(run=False)
    house.settle(cause)
    house.lea.run()
    assert house.server.taken == []
    assert house.wish(house.lea.author).failed == ""


def test_unsubscribed_member_and_other_agencies_get_no_email(
    house: House, services: Services, sandbox: RunningSandbox
) -> None:
    house.wants(house.lea.author)
    other = create_sandbox_agency(services, sandbox)
    with other.scope() as scope:
        assert member_messages.schedule_messages(scope) == 0
        with pytest.raises(Refused):
            emails.unsubscribe(scope, other.author)
    house.put()
    house.minute(run=False)
    house.act(emails.unsubscribe, house.lea.author)
    house.lea.run()
    house.put()
    house.minute()
    assert house.server.taken == []
    assert not house.wish(house.lea.author).confirmed


# faults


def test_lost_response_resends_with_the_same_message_id(house: House) -> None:
    house.wants(house.lea.author)
    house.server.faults.append("lose")
    house.put()
    house.minute()
    assert house.wish(house.lea.author).failed == "waiting"
    house.lea.live(minutes=2)
    first, second = house.server.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert house.wish(house.lea.author).failed == ""


@pytest.mark.parametrize("at", range(1, 9))
def test_crash_at_any_point_sends_at_least_once(house: House, at: int) -> None:
    house.wants(house.lea.author)
    house.put()
    house.minute(run=False)
    house.lea.crash(at)
    house.lea.live(minutes=5)
    assert len(house.server.taken) in (1, 2)
    assert len({one["Message-ID"] for one in house.server.taken}) == 1


def test_busy_server_is_retried_and_a_refused_address_is_shown(house: House) -> None:
    house.wants(house.lea.author)
    house.server.faults.extend(["busy", "hang_up", "unknown"])
    house.put()
    house.minute()
    house.lea.live(minutes=30)
    assert house.server.taken == []
    assert house.wish(house.lea.author).failed == "refused"
    assert house.lea.rows("notice.send") == []


def test_missing_mail_server_gives_up_within_a_day(house: House, services: Services) -> None:
    house.wants(house.lea.author)
    house.lea.services = services  # restarted without the mail settings
    house.lea.__dict__.pop("routes")
    house.put()
    house.minute()
    house.lea.live(hours=25)
    assert house.wish(house.lea.author).failed == "refused"
    assert house.lea.rows("notice.send") == []
    assert sum(member_messages.RETRY_DELAYS, timedelta(0)) < timedelta(days=1)
