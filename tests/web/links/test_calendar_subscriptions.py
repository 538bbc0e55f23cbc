"""Calendar subscriptions at a secret URL: contents, permissions and limits."""

import re

import httpx
import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from gate.reviews import own_terms
from schedules.calendar import calendar_subscriptions as addresses
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import failed_attempts, members
from tests.web.api_client import ApiClient, create_api_client, instant_after
from web.links import calendar_subscriptions as ics


def address(
    api: ApiClient, *, creator: str = "", words: bool = False, role: Role = Role.MANAGER
) -> str:
    """Create a subscription of a member and return its path."""
    with api.scope(f"member:{api.members[role]}") as scope:
        creator_id = api.creators[creator] if creator else None
        secret = addresses.create_calendar_subscription(
            scope, creator_id=creator_id, words=words, key=uuid7()
        )
    return f"/ics/{secret}.ics"


def lines(answer: httpx.Response) -> list[str]:
    """Return the unfolded content lines and check that no physical line exceeds 75 bytes."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/calendar")
    assert all(len(piece) <= 75 for piece in answer.content.split(b"\r\n"))
    return answer.content.replace(b"\r\n ", b"").decode().split("\r\n")


def told(answer: httpx.Response, name: str) -> list[str]:
    return [line.partition(":")[2] for line in lines(answer) if line.startswith(f"{name}:")]


def test_subscription_lists_posts_without_their_text(api: ApiClient) -> None:
    api.write("hot; words, é" * 20)
    api.write("too far", at=instant_after(days=91))
    api.write("zoe's", creator="zoe")
    found = api.client.get(address(api))
    assert (lines(found)[0], lines(found)[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])
    assert sorted(told(found, "SUMMARY")) == ["Mia · Sandbox mia", "Zoe · Sandbox zoe"]
    assert "words" not in found.text
    assert "DESCRIPTION" not in found.text
    assert told(found, "STATUS") == ["TENTATIVE"] * 2


def test_subscription_shows_text_of_one_creator_if_chosen(api: ApiClient) -> None:
    api.write(" ".join(["hot; words, é"] * 20))
    api.write("zoe's", creator="zoe")
    found = api.client.get(address(api, creator="mia", words=True))
    assert told(found, "DESCRIPTION") == [" ".join([r"hot\; words\, é"] * 20)]
    assert told(found, "SUMMARY")[0].startswith("Mia · Sandbox mia · hot")
    whole = told(api.client.get(address(api)), "X-WR-CALNAME")[0]
    assert told(found, "X-WR-CALNAME") == [f"{whole} · Mia"], (
        "the names of two subscriptions differ"
    )


def test_unchanged_calendar_is_answered_with_304(api: ApiClient) -> None:
    post = api.write()
    path = address(api)
    first = api.client.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    same = api.client.get(path, headers={"if-none-match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert api.client.head(path).status_code == 200
    place = post["deliveries"][0]
    moved = api.ask(
        "POST",
        f"/deliveries/{place['id']}/move",
        {"at": instant_after(hours=9)},
        version=place["version"],
    )
    assert moved.status_code == 200
    assert api.client.get(path, headers={"if-none-match": f'"x", {tag}'}).status_code == 200


def test_revoked_subscription_stops_working_at_once(api: ApiClient) -> None:
    path = address(api)
    member = api.members[Role.MANAGER]
    with api.scope(f"member:{member}") as scope:
        (one,) = addresses.list_calendar_subscriptions(scope, member)
        addresses.revoke_calendar_subscription(scope, one.id)
        addresses.revoke_calendar_subscription(scope, one.id)
        assert addresses.list_calendar_subscriptions(scope, member) == []
    assert api.client.get(path).status_code == 404
    other = address(api)
    assert api.client.get(other).status_code == 200
    with api.scope() as scope:
        email = queries.get_member(scope, member).email
        members.remove_member(scope, member)
    assert api.client.get(other).status_code == 404
    with api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        how = {"role": Role.MANAGER, "language": "en", "zone": "Europe/Paris"}
        members.invite_member(scope, name="Back", email=email, **how)
        assert addresses.list_calendar_subscriptions(scope, member) == []
    assert api.client.get(other).status_code == 404, "old addresses remain closed"
    assert api.client.get(address(api)).status_code == 200


def test_subscription_hides_creators_its_member_lost(api: ApiClient) -> None:
    api.write("zoe's", creator="zoe")
    everybody, hers = address(api), address(api, creator="zoe")
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.MANAGER, creators=["mia"])
    assert told(api.client.get(everybody), "SUMMARY") == []
    assert api.client.get(hers).status_code == 404
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.ACCOUNTANT, creators=())
    assert api.client.get(everybody).status_code == 404


def test_subscription_needs_planning_rights_and_own_creators(
    api: ApiClient, tenant: OpenScope
) -> None:
    with pytest.raises(Refused):
        address(api, role=Role.ACCOUNTANT)
    other = create_api_client(api.client, tenant)
    with pytest.raises(NotFound), api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        addresses.create_calendar_subscription(
            scope, creator_id=other.creators["mia"], words=False, key=uuid7()
        )
    address(other)
    with other.scope() as scope:
        (theirs,) = addresses.list_calendar_subscriptions(scope, other.members[Role.MANAGER])
    with pytest.raises(NotFound), api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        addresses.revoke_calendar_subscription(scope, theirs.id)
    for _ in range(addresses.MAX_CALENDAR_SUBSCRIPTIONS):
        address(api)
    with pytest.raises(BadInput, match="too_many"):
        address(api)


def test_repeated_request_creates_one_subscription(api: ApiClient) -> None:
    key = uuid7()
    member = api.members[Role.MANAGER]
    with api.scope(f"member:{member}") as scope:
        assert addresses.create_calendar_subscription(scope, creator_id=None, words=False, key=key)
        assert (
            addresses.create_calendar_subscription(scope, creator_id=None, words=False, key=key)
            == ""
        )
        assert len(addresses.list_calendar_subscriptions(scope, member)) == 1


def test_subscription_secret_is_not_stored(api: ApiClient) -> None:
    secret = re.findall(r"gri_[\w-]{43}", address(api))[0]
    with api.scope() as scope:
        row = scope.run(
            "SELECT * FROM calendar_addresses WHERE tenant_id = :t", t=api.tenant_id
        ).one()
        assert secret not in str(row)
        assert secret not in str(audit.list_recent_acts(scope))


def test_subscription_reads_are_rate_limited(api: ApiClient) -> None:
    path = address(api)
    assert api.client.get(path).status_code == 200
    with api.scope() as scope:
        (one,) = addresses.list_calendar_subscriptions(scope, api.members[Role.MANAGER])
        scope.run(
            "UPDATE api_buckets SET full_until = people_now() + interval '1 hour' WHERE tenant_id "
            "= :t AND who = :w",
            t=api.tenant_id,
            w=f"ics:{one.id}",
        )
    answer = api.client.get(path)
    assert (answer.status_code, answer.content) == (429, b"")
    assert 1 <= int(answer.headers["retry-after"]) <= ics.READ_RATE.window.total_seconds()


@pytest.mark.parametrize(
    "name", ["x.ics", "gri_.ics", "gri_" + "A" * 43, "gri_" + "é" * 43 + ".ics", "%00.ics", ".ics"]
)
def test_invalid_subscription_address_is_not_found(api: ApiClient, name: str) -> None:
    assert api.client.get(f"/ics/{name}").status_code == 404


def test_guessed_addresses_are_rate_limited(api: ApiClient) -> None:
    answers = [
        api.client.get(f"/ics/gri_{'A' * 43}.ics").status_code
        for _ in range(failed_attempts.MAX_FAILURES_PER_ADDRESS + 1)
    ]
    assert set(answers) == {404, 429}
    assert answers[-1] == 429
    assert api.client.get(address(api)).status_code == 200, "a valid address still works"
    with api.tenant(INSTALLATION_ID, "system:test", role="door") as scope:
        failed_attempts.clear_failures(
            scope, failed_attempts.failure_key("calendar address", "127.0.0.1")
        )


@pytest.mark.parametrize("text", ["EXPLICIT-MARKER-A", "good morning https://shop.test/a"])
def test_event_whose_text_may_not_be_shown_has_none(api: ApiClient, text: str) -> None:
    api.write(text)
    api.write("good morning everyone", at=instant_after(days=2))
    found = api.client.get(address(api, creator="mia", words=True))
    assert told(found, "DESCRIPTION") == ["good morning everyone"]
    assert len(told(found, "SUMMARY")) == 2
    assert text not in found.text


def test_banned_word_changes_the_calendar_at_the_next_fetch(api: ApiClient) -> None:
    api.write("good marmalade everyone")
    path = address(api, creator="mia", words=True)
    before = api.client.get(path)
    assert "marmalade" in before.text
    with api.scope(f"member:{api.members[Role.OWNER]}") as scope:
        own_terms.add_own_terms(scope, "explicit", ("marmalade",))
    after = api.client.get(path, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert "marmalade" not in after.text


def test_only_the_nearest_texts_are_read(api: ApiClient) -> None:
    for day, text in ((1, "good morning"), (2, "good evening")):
        api.write(text, at=instant_after(days=day))
    secret = address(api, creator="mia", words=True).removeprefix("/ics/").removesuffix(".ics")
    entered = addresses.resolve_calendar_secret(api.tenant, secret, address="")
    assert entered is not None
    with api.scope(f"member:{entered.member_id}") as scope:
        data = addresses.render_ics_calendar(scope, entered, most_texts=1).data.decode()
    assert "good morning" in data
    assert "good evening" not in data
    assert data.count("BEGIN:VEVENT") == 2
