"""Passkeys: made once, signing once for one act, from our own origin, by their owner; a copy is noticed and told."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.errors import NotFound, Refused, Unavailable
from foundation.ids import HOUSE, uuid7
from tenants import agencies, audit, ceremonies, challenges, factors, login, passkeys, reads, sightings, staffing
from tenants.challenges import MOST_STRANGE, MOST_UNANSWERED, SECOND, Site, Who
from tenants.roles import Role
from tests.tenants.apps import KEY, App, now
from tests.tenants.authenticators import Authenticator
from tests.tenants.builders import Agency, agency
from tests.tenants.test_factors import comes

SITE = Site("localhost", "http://localhost", KEY)
ACT = {"act": "switch.reopen", "about": "this very stop"}


@pytest.fixture
def gus(lumiere: Agency) -> UUID:
    with lumiere.scope() as scope:
        return agencies.add_member(
            scope, name="Gus", email="gus@example.test", role=Role.GUEST, language="fr", zone="UTC", creators=["mia"]
        )


def who(house: Agency, member: UUID) -> Who:
    return Who(house.tenant_id, member)


def adds(house: Agency, member: UUID, device: Authenticator | None = None, name: str = "Phone") -> Authenticator:
    """A member adds a passkey; returns the device that has it."""
    device = device or Authenticator()
    with house.scope(f"member:{member}") as scope:
        options = challenges.ask_new(scope, SITE, member)
    ceremonies.keep_new(house.open, SITE, who(house, member), device.makes(options), name=name)
    return device


def asked(house: Agency, member: UUID, *, act: str = ACT["act"], about: str = ACT["about"]) -> str:
    with house.scope(f"member:{member}") as scope:
        return challenges.ask(scope, SITE, act=act, about=about, member_id=member)


def signs(house: Agency, member: UUID, device: Authenticator, *, about: str = ACT["about"]) -> UUID:
    body = device.signs(asked(house, member, about=about))
    return ceremonies.sign(house.open, SITE, who(house, member), body, act=ACT["act"], about=about)


def spend(house: Agency, member: UUID, signed: UUID, **other: str) -> UUID:
    with house.scope(f"member:{member}") as scope:
        return passkeys.spend(scope, signed, **{**ACT, **other})


def enters(house: Agency, device: Authenticator, address: str = "203.0.113.9") -> str:
    return ceremonies.enter(house.open, SITE, device.signs(challenges.ask_stranger(house.open, SITE, address)))


def test_a_member_signs_in_by_passkey_alone(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    assert login.current(lumiere.open, enters(lumiere, device)) == (lumiere.tenant_id, lumiere.owner)
    with lumiere.scope() as scope:
        (key,) = passkeys.keys(scope, lumiere.owner)
        assert (key.name, key.used_at is not None) == ("Phone", True)
        assert audit.recent(scope)[0].act == "passkey.added"
    with lumiere.open(HOUSE, "system:door", role="door") as scope:
        assert not scope.run("SELECT id FROM passkey_asks WHERE act = 'enter'").all()


def test_the_same_device_in_two_agencies_opens_the_one_it_names(lumiere: Agency) -> None:
    other, device = agency(lumiere.open), Authenticator()
    adds(lumiere, lumiere.owner, device)
    mine = next(iter(device.keys))
    adds(other, other.owner, device)
    theirs = next(one for one in device.keys if one != mine)
    options = challenges.ask_stranger(lumiere.open, SITE, "203.0.113.9")
    opened = ceremonies.enter(lumiere.open, SITE, device.signs(options, credential=theirs))
    assert login.current(lumiere.open, opened) == (other.tenant_id, other.owner)
    options = challenges.ask_stranger(lumiere.open, SITE, "203.0.113.9")
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.enter(lumiere.open, SITE, device.signs(options, credential=theirs, handle=lumiere.owner.bytes))


def test_a_guest_s_passkey_stands_for_the_six_digits(lumiere: Agency, gus: UUID) -> None:
    device, session = Authenticator(), comes(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        options = challenges.ask_new(scope, SITE, gus)
    first = {"session": session, "name": "Phone", "browser": ""}
    whole = ceremonies.set_up(lumiere.open, SITE, who(lumiere, gus), device.makes(options), **first)
    assert login.current(lumiere.open, whole) == (lumiere.tenant_id, gus)
    assert login.waiting(lumiere.open, session) is None
    again = comes(lumiere, gus)
    assert login.current(lumiere.open, again) is None
    body = device.signs(asked(lumiere, gus, act=SECOND, about=""))
    opened = ceremonies.second(lumiere.open, SITE, who(lumiere, gus), body, session=again, browser="")
    assert login.current(lumiere.open, opened) == (lumiere.tenant_id, gus)
    assert login.current(lumiere.open, enters(lumiere, device)) == (lumiere.tenant_id, gus)


def test_a_link_alone_adds_no_second_factor_beside_a_passkey(lumiere: Agency, gus: UUID) -> None:
    """Whoever invites the guest again gets a link, and with it neither an app nor a passkey of their own."""
    adds(lumiere, gus)
    session = comes(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        factors.begin(scope, KEY, gus)
        assert factors.offer(scope, KEY, gus, name="gus") is None
        box = scope.run("SELECT box FROM second_factors WHERE member_id = :m", m=gus).scalar_one()
        secret = factors.vault.open_box(factors._own(KEY), lumiere.tenant_id, bytes(box))  # whoever read it on the way
        options = challenges.ask_new(scope, SITE, gus)
    app = App("A" * 32)
    app.secret = secret
    with pytest.raises(Refused, match=r"factor\.wrong"):
        factors.enter(lumiere.open, KEY, session, app.code(now(lumiere.open)))
    first = {"session": session, "name": "Mine", "browser": ""}
    with pytest.raises(Refused, match="not_first"):
        ceremonies.set_up(lumiere.open, SITE, who(lumiere, gus), Authenticator().makes(options), **first)
    assert login.waiting(lumiere.open, session) is not None


def test_the_last_factor_of_a_guest_stays_and_a_member_s_goes(lumiere: Agency, gus: UUID) -> None:
    adds(lumiere, gus)
    adds(lumiere, lumiere.owner)
    with lumiere.scope() as scope:
        (theirs,), (mine,) = passkeys.keys(scope, gus), passkeys.keys(scope, lumiere.owner)
    with lumiere.scope(f"member:{gus}") as scope, pytest.raises(Refused, match=r"passkey\.last"):
        passkeys.remove(scope, gus, theirs.id)
    with lumiere.scope(f"member:{gus}") as scope, pytest.raises(NotFound):
        passkeys.remove(scope, gus, mine.id)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        passkeys.remove(scope, lumiere.owner, mine.id)
    adds(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        passkeys.remove(scope, gus, theirs.id)
        assert len(passkeys.keys(scope, gus)) == 1


def test_two_removed_at_once_leave_a_guest_one(lumiere: Agency, gus: UUID) -> None:
    for _ in range(2):
        adds(lumiere, gus)
    with lumiere.scope() as scope:
        both = passkeys.keys(scope, gus)

    def goes(key: passkeys.Key) -> str:
        try:
            with lumiere.scope(f"member:{gus}") as scope:
                return passkeys.remove(scope, gus, key.id)
        except Refused as refused:
            return refused.message.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(goes, both)) == ["Phone", "passkey.last"]


BREACHES = {
    "another site": {"origin": "http://localhost.evil.example"},
    "another port": {"origin": "http://localhost:9999"},
    "another host's passkey": {"host": "evil.example"},
    "nobody showed who they are": {"verifies": False},
}


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_what_is_not_ours_opens_nothing(lumiere: Agency, breach: dict[str, object]) -> None:
    device = adds(lumiere, lumiere.owner)
    for name, value in breach.items():
        setattr(device, name, value)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        signs(lumiere, lumiere.owner, device)
    bad = Authenticator(**breach)  # type: ignore[arg-type]  # one of its fields
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        adds(lumiere, lumiere.chatter, bad)
    device.host, device.origin, device.verifies = SITE.host, SITE.origin, True
    assert enters(lumiere, device)


@pytest.mark.parametrize("body", [{}, {"id": "a"}, {"id": 1, "rawId": [], "response": "x", "type": "public-key"}])
def test_an_answer_that_is_none(lumiere: Agency, body: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.enter(lumiere.open, SITE, body)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.keep_new(lumiere.open, SITE, who(lumiere, lumiere.owner), body, name="x")


def test_a_challenge_is_answered_once_even_by_many_at_the_same_moment(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    body = device.signs(challenges.ask_stranger(lumiere.open, SITE, "203.0.113.9"))

    def tries(_: int) -> str:
        try:
            return ceremonies.enter(lumiere.open, SITE, body)
        except Refused as refused:
            return refused.message.code

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(tries, range(4)))
    assert said.count("passkey.not_fresh") == 3
    assert [one for one in said if login.current(lumiere.open, one)]


def test_a_wrong_answer_uses_its_question_up(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    options = challenges.ask_stranger(lumiere.open, SITE, "203.0.113.9")
    body = device.signs(options)
    broken = json.loads(json.dumps(body))
    broken["response"]["signature"] = "AAAA"
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.enter(lumiere.open, SITE, broken)
    with pytest.raises(Refused, match="not_fresh"):
        ceremonies.enter(lumiere.open, SITE, body)


def test_a_copied_passkey_is_closed_and_told(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    thief = device.copy()
    opened = [enters(lumiere, device), enters(lumiere, device)]
    with pytest.raises(Refused, match=r"passkey\.copied"):
        enters(lumiere, thief)
    assert [login.current(lumiere.open, one) for one in opened] == [None, None], "the thief may have opened either"
    with pytest.raises(Refused, match=r"passkey\.wrong"):  # nobody knows which of the two is the owner's
        enters(lumiere, device)
    with lumiere.scope() as scope:
        assert passkeys.keys(scope, lumiere.owner) == []
        assert audit.recent(scope)[0].act == "passkey.copied"
        assert reads.open_notices(scope)[0].message.code == "passkey.copied_told"
        assert passkeys.bound(scope, lumiere.owner)


def test_one_that_never_counts_is_no_copy(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner, Authenticator(counts=False))
    assert all(enters(lumiere, device) for _ in range(3))


def test_a_colleague_s_passkey_makes_a_guest_that_colleague(lumiere: Agency, gus: UUID) -> None:
    theirs, _ = adds(lumiere, lumiere.owner), adds(lumiere, gus)
    with lumiere.scope() as scope:
        owner, guest = (reads.member(scope, one).principal_id for one in (lumiere.owner, gus))
        assert sightings.same(scope, guest) == {}
    session = comes(lumiere, gus)
    body = theirs.signs(asked(lumiere, gus, act=SECOND, about=""), handle=lumiere.owner.bytes)
    with pytest.raises(Refused, match="another"):
        ceremonies.second(lumiere.open, SITE, who(lumiere, gus), body, session=session, browser="")
    assert login.current(lumiere.open, session) is None
    with lumiere.scope() as scope:
        assert sightings.same(scope, guest) == {guest: frozenset({owner})}


def test_the_same_passkey_is_kept_once_and_noticed_twice(lumiere: Agency, gus: UUID) -> None:
    device = adds(lumiere, lumiere.owner)
    with lumiere.scope(f"member:{gus}") as scope:
        options = challenges.ask_new(scope, SITE, gus)
    body = Authenticator().makes(options, credential=next(iter(device.keys)))
    with pytest.raises(Refused, match=r"passkey\.known"):
        ceremonies.keep_new(lumiere.open, SITE, who(lumiere, gus), body, name="x")
    with lumiere.scope() as scope:
        guest = reads.member(scope, gus).principal_id
        assert sightings.same(scope, guest)[guest] == {reads.member(scope, lumiere.owner).principal_id}


def test_questions_without_answers_are_counted(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    for _ in range(MOST_UNANSWERED):
        asked(lumiere, lumiere.owner)
    with pytest.raises(Refused, match=r"password\.wait"):
        asked(lumiere, lumiere.owner)
    place = f"198.51.100.{uuid7().int % 250}"
    for _ in range(MOST_STRANGE):
        challenges.ask_stranger(lumiere.open, SITE, place)
    with pytest.raises(Refused, match=r"password\.wait"):
        challenges.ask_stranger(lumiere.open, SITE, place)
    assert enters(lumiere, device, "192.0.2.77")


def test_who_signs_in_often_is_not_counted(lumiere: Agency) -> None:
    device, place = adds(lumiere, lumiere.owner), "192.0.2.78"
    for _ in range(MOST_UNANSWERED + 2):
        enters(lumiere, device, place)
        spend(lumiere, lumiere.owner, signs(lumiere, lumiere.owner, device))


def test_somebody_who_left_comes_in_no_more(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.chatter)
    with lumiere.scope() as scope:
        staffing.let_go(scope, lumiere.chatter)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)


def test_a_lost_phone_takes_its_passkeys_with_it(lumiere: Agency, gus: UUID) -> None:
    device = adds(lumiere, gus)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        factors.forget(scope, gus)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)
    with lumiere.scope() as scope:
        assert not passkeys.factor(scope, gus)
        factors.begin(scope, KEY, gus)
        assert factors.offer(scope, KEY, gus, name="gus") is not None


def test_an_agency_may_ask_everybody_for_a_second_factor(lumiere: Agency) -> None:
    assert login.waiting(lumiere.open, comes(lumiere, lumiere.chatter)) is None
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        staffing.ask_second(scope, True)
    assert login.waiting(lumiere.open, comes(lumiere, lumiere.chatter)) == (lumiere.tenant_id, lumiere.chatter)
    other = agency(lumiere.open)
    assert login.waiting(other.open, comes(other, other.owner)) is None
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        staffing.ask_second(scope, False)
    assert login.waiting(lumiere.open, comes(lumiere, lumiere.chatter)) is None


@pytest.mark.parametrize(
    ("url", "possible"),
    [
        ("http://localhost:8501", True),
        ("https://agency.example", True),
        ("http://agency.example", False),
        ("https://203.0.113.7", False),
        ("https://[2001:db8::1]:8501", False),
        ("", False),
    ],
)
def test_where_browsers_give_passkeys(url: str, possible: bool) -> None:
    if possible:
        assert Site.of(url, KEY).origin == url
    else:
        with pytest.raises(Unavailable):
            Site.of(url, KEY)
