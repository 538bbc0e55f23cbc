"""Passkeys: registration, single-use challenges, our origin only, and detection of copied passkeys."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.errors import NotFound, Refused, Unavailable
from foundation.ids import INSTALLATION_ID, uuid7
from tenants import audit
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tenants.auth import (
    ceremonies,
    challenges,
    device_fingerprints,
    members,
    passkeys,
    second_factor,
    sessions,
)
from tenants.auth.challenges import (
    ACT_SECOND_FACTOR,
    MAX_ANONYMOUS_CHALLENGES,
    MAX_OPEN_CHALLENGES,
    ChallengedMember,
    RelyingParty,
)
from tenants.notices.queries import list_open_notices
from tests.tenants.auth.test_second_factor import comes
from tests.tenants.builders import Agency, create_small_agency
from tests.tenants.passkey_authenticator import Authenticator
from tests.tenants.totp_app import KEY, AuthenticatorApp, read_people_clock

SITE = RelyingParty("localhost", "http://localhost", KEY)
ACT = {"act": "switch.reopen", "about": "this very stop"}


@pytest.fixture
def gus(lumiere: Agency) -> UUID:
    with lumiere.scope() as scope:
        return agencies.add_member(
            scope,
            name="Gus",
            email="gus@example.test",
            role=Role.GUEST,
            language="fr",
            zone="UTC",
            creators=["mia"],
        )


def who(house: Agency, member: UUID) -> ChallengedMember:
    return ChallengedMember(house.tenant_id, member)


def adds(
    house: Agency, member: UUID, device: Authenticator | None = None, name: str = "Phone"
) -> Authenticator:
    """Register a passkey for the member and return the device that holds it."""
    device = device or Authenticator()
    with house.scope(f"member:{member}") as scope:
        options = challenges.create_registration_challenge(scope, SITE, member)
    ceremonies.register_passkey(
        house.open, SITE, who(house, member), device.makes(options), name=name
    )
    return device


def asked(house: Agency, member: UUID, *, act: str = ACT["act"], about: str = ACT["about"]) -> str:
    with house.scope(f"member:{member}") as scope:
        return challenges.create_signing_challenge(
            scope, SITE, act=act, about=about, member_id=member
        )


def signs(house: Agency, member: UUID, device: Authenticator, *, about: str = ACT["about"]) -> UUID:
    body = device.signs(asked(house, member, about=about))
    return ceremonies.sign_act(
        house.open, SITE, who(house, member), body, act=ACT["act"], about=about
    )


def spend(house: Agency, member: UUID, signed: UUID, **other: str) -> UUID:
    with house.scope(f"member:{member}") as scope:
        return passkeys.consume_signature(scope, signed, **{**ACT, **other})


def enters(house: Agency, device: Authenticator, address: str = "203.0.113.9") -> str:
    return ceremonies.sign_in_with_passkey(
        house.open,
        SITE,
        device.signs(challenges.create_sign_in_challenge(house.open, SITE, address)),
    )


def test_member_signs_in_with_passkey_only(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    assert sessions.find_session(lumiere.open, enters(lumiere, device)) == (
        lumiere.tenant_id,
        lumiere.owner,
    )
    with lumiere.scope() as scope:
        (key,) = passkeys.list_passkeys(scope, lumiere.owner)
        assert (key.name, key.used_at is not None) == ("Phone", True)
        assert audit.list_recent_acts(scope)[0].act == "passkey.added"
    with lumiere.open(INSTALLATION_ID, "system:door", role="door") as scope:
        assert not scope.run("SELECT id FROM passkey_asks WHERE act = 'enter'").all()


def test_shared_device_signs_in_to_selected_agency(lumiere: Agency) -> None:
    other, device = create_small_agency(lumiere.open), Authenticator()
    adds(lumiere, lumiere.owner, device)
    mine = next(iter(device.keys))
    adds(other, other.owner, device)
    theirs = next(one for one in device.keys if one != mine)
    options = challenges.create_sign_in_challenge(lumiere.open, SITE, "203.0.113.9")
    opened = ceremonies.sign_in_with_passkey(
        lumiere.open, SITE, device.signs(options, credential=theirs)
    )
    assert sessions.find_session(lumiere.open, opened) == (other.tenant_id, other.owner)
    options = challenges.create_sign_in_challenge(lumiere.open, SITE, "203.0.113.9")
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.sign_in_with_passkey(
            lumiere.open, SITE, device.signs(options, credential=theirs, handle=lumiere.owner.bytes)
        )


def test_passkey_replaces_totp_code_for_guest(lumiere: Agency, gus: UUID) -> None:
    device, session = Authenticator(), comes(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        options = challenges.create_registration_challenge(scope, SITE, gus)
    first = {"session": session, "name": "Phone", "browser": ""}
    whole = ceremonies.set_up_second_factor(
        lumiere.open, SITE, who(lumiere, gus), device.makes(options), **first
    )
    assert sessions.find_session(lumiere.open, whole) == (lumiere.tenant_id, gus)
    assert sessions.find_pending_session(lumiere.open, session) is None
    again = comes(lumiere, gus)
    assert sessions.find_session(lumiere.open, again) is None
    body = device.signs(asked(lumiere, gus, act=ACT_SECOND_FACTOR, about=""))
    opened = ceremonies.pass_second_factor(
        lumiere.open, SITE, who(lumiere, gus), body, session=again, browser=""
    )
    assert sessions.find_session(lumiere.open, opened) == (lumiere.tenant_id, gus)
    assert sessions.find_session(lumiere.open, enters(lumiere, device)) == (lumiere.tenant_id, gus)


def test_sign_in_link_cannot_add_second_factor_next_to_passkey(lumiere: Agency, gus: UUID) -> None:
    """A member who invites the guest again receives a link. The link must not allow them to add an
    app or a passkey of their own."""
    adds(lumiere, gus)
    session = comes(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        second_factor.begin_enrolment(scope, KEY, gus)
        assert second_factor.pending_enrolment(scope, KEY, gus, name="gus") is None
        box = scope.run("SELECT box FROM second_factors WHERE member_id = :m", m=gus).scalar_one()
        secret = second_factor.envelope.decrypt_for_tenant(
            second_factor._factor_key(KEY), lumiere.tenant_id, bytes(box)
        )  # the secret as an attacker would intercept it
        options = challenges.create_registration_challenge(scope, SITE, gus)
    app = AuthenticatorApp("A" * 32)
    app.secret = secret
    with pytest.raises(Refused, match=r"factor\.wrong"):
        second_factor.verify_code(
            lumiere.open, KEY, session, app.code(read_people_clock(lumiere.open))
        )
    first = {"session": session, "name": "Mine", "browser": ""}
    with pytest.raises(Refused, match="not_first"):
        ceremonies.set_up_second_factor(
            lumiere.open, SITE, who(lumiere, gus), Authenticator().makes(options), **first
        )
    assert sessions.find_pending_session(lumiere.open, session) is not None


def test_last_factor_is_removable_for_member_but_not_for_guest(lumiere: Agency, gus: UUID) -> None:
    adds(lumiere, gus)
    adds(lumiere, lumiere.owner)
    with lumiere.scope() as scope:
        (theirs,), (mine,) = (
            passkeys.list_passkeys(scope, gus),
            passkeys.list_passkeys(scope, lumiere.owner),
        )
    with lumiere.scope(f"member:{gus}") as scope, pytest.raises(Refused, match=r"passkey\.last"):
        passkeys.remove_passkey(scope, gus, theirs.id)
    with lumiere.scope(f"member:{gus}") as scope, pytest.raises(NotFound):
        passkeys.remove_passkey(scope, gus, mine.id)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        passkeys.remove_passkey(scope, lumiere.owner, mine.id)
    adds(lumiere, gus)
    with lumiere.scope(f"member:{gus}") as scope:
        passkeys.remove_passkey(scope, gus, theirs.id)
        assert len(passkeys.list_passkeys(scope, gus)) == 1


def test_concurrent_removals_keep_one_passkey_of_guest(lumiere: Agency, gus: UUID) -> None:
    for _ in range(2):
        adds(lumiere, gus)
    with lumiere.scope() as scope:
        both = passkeys.list_passkeys(scope, gus)

    def goes(key: passkeys.PasskeySummary) -> str:
        try:
            with lumiere.scope(f"member:{gus}") as scope:
                return passkeys.remove_passkey(scope, gus, key.id)
        except Refused as refused:
            return refused.message.code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(goes, both)) == ["Phone", "passkey.last"]


BREACHES = {
    "another site": {"origin": "http://localhost.evil.example"},
    "another port": {"origin": "http://localhost:9999"},
    "another host's passkey": {"host": "evil.example"},
    "user not verified": {"verifies": False},
}


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_foreign_or_unverified_passkey_is_refused(
    lumiere: Agency, breach: dict[str, object]
) -> None:
    device = adds(lumiere, lumiere.owner)
    for name, value in breach.items():
        setattr(device, name, value)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        signs(lumiere, lumiere.owner, device)
    bad = Authenticator(**breach)  # type: ignore[arg-type]  # sets one of its fields
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        adds(lumiere, lumiere.chatter, bad)
    device.host, device.origin, device.verifies = SITE.host, SITE.origin, True
    assert enters(lumiere, device)


@pytest.mark.parametrize(
    "body", [{}, {"id": "a"}, {"id": 1, "rawId": [], "response": "x", "type": "public-key"}]
)
def test_malformed_response_is_refused(lumiere: Agency, body: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.sign_in_with_passkey(lumiere.open, SITE, body)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.register_passkey(lumiere.open, SITE, who(lumiere, lumiere.owner), body, name="x")


def test_challenge_is_used_once_under_concurrency(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    body = device.signs(challenges.create_sign_in_challenge(lumiere.open, SITE, "203.0.113.9"))

    def tries(_: int) -> str:
        try:
            return ceremonies.sign_in_with_passkey(lumiere.open, SITE, body)
        except Refused as refused:
            return refused.message.code

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(tries, range(4)))
    assert said.count("passkey.not_fresh") == 3
    assert [one for one in said if sessions.find_session(lumiere.open, one)]


def test_wrong_response_consumes_challenge(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    options = challenges.create_sign_in_challenge(lumiere.open, SITE, "203.0.113.9")
    body = device.signs(options)
    broken = json.loads(json.dumps(body))
    broken["response"]["signature"] = "AAAA"
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        ceremonies.sign_in_with_passkey(lumiere.open, SITE, broken)
    with pytest.raises(Refused, match="not_fresh"):
        ceremonies.sign_in_with_passkey(lumiere.open, SITE, body)


def test_copied_passkey_is_disabled_and_reported(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    thief = device.copy()
    opened = [enters(lumiere, device), enters(lumiere, device)]
    with pytest.raises(Refused, match=r"passkey\.copied"):
        enters(lumiere, thief)
    assert [sessions.find_session(lumiere.open, one) for one in opened] == [None, None], (
        "either session may be the attacker's"
    )
    with pytest.raises(Refused, match=r"passkey\.wrong"):  # the owner's device cannot be identified
        enters(lumiere, device)
    with lumiere.scope() as scope:
        assert passkeys.list_passkeys(scope, lumiere.owner) == []
        assert audit.list_recent_acts(scope)[0].act == "passkey.copied"
        assert list_open_notices(scope)[0].message.code == "passkey.copied_told"
        assert passkeys.needs_signature(scope, lumiere.owner)


def test_passkey_without_counter_is_accepted(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner, Authenticator(counts=False))
    assert all(enters(lumiere, device) for _ in range(3))


def test_member_passkey_used_by_guest_links_both_humans(lumiere: Agency, gus: UUID) -> None:
    theirs, _ = adds(lumiere, lumiere.owner), adds(lumiere, gus)
    with lumiere.scope() as scope:
        owner, guest = (queries.get_member(scope, one).principal_id for one in (lumiere.owner, gus))
        assert device_fingerprints.same_humans(scope, guest) == {}
    session = comes(lumiere, gus)
    body = theirs.signs(
        asked(lumiere, gus, act=ACT_SECOND_FACTOR, about=""), handle=lumiere.owner.bytes
    )
    with pytest.raises(Refused, match="another"):
        ceremonies.pass_second_factor(
            lumiere.open, SITE, who(lumiere, gus), body, session=session, browser=""
        )
    assert sessions.find_session(lumiere.open, session) is None
    with lumiere.scope() as scope:
        assert device_fingerprints.same_humans(scope, guest) == {guest: frozenset({owner})}


def test_duplicate_passkey_is_rejected_and_links_both_humans(lumiere: Agency, gus: UUID) -> None:
    device = adds(lumiere, lumiere.owner)
    with lumiere.scope(f"member:{gus}") as scope:
        options = challenges.create_registration_challenge(scope, SITE, gus)
    body = Authenticator().makes(options, credential=next(iter(device.keys)))
    with pytest.raises(Refused, match=r"passkey\.known"):
        ceremonies.register_passkey(lumiere.open, SITE, who(lumiere, gus), body, name="x")
    with lumiere.scope() as scope:
        guest = queries.get_member(scope, gus).principal_id
        assert device_fingerprints.same_humans(scope, guest)[guest] == {
            queries.get_member(scope, lumiere.owner).principal_id
        }


def test_open_challenges_are_limited(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.owner)
    for _ in range(MAX_OPEN_CHALLENGES):
        asked(lumiere, lumiere.owner)
    with pytest.raises(Refused, match=r"password\.wait"):
        asked(lumiere, lumiere.owner)
    place = f"198.51.100.{uuid7().int % 250}"
    for _ in range(MAX_ANONYMOUS_CHALLENGES):
        challenges.create_sign_in_challenge(lumiere.open, SITE, place)
    with pytest.raises(Refused, match=r"password\.wait"):
        challenges.create_sign_in_challenge(lumiere.open, SITE, place)
    assert enters(lumiere, device, "192.0.2.77")


def test_completed_challenges_do_not_count_toward_limit(lumiere: Agency) -> None:
    device, place = adds(lumiere, lumiere.owner), "192.0.2.78"
    for _ in range(MAX_OPEN_CHALLENGES + 2):
        enters(lumiere, device, place)
        spend(lumiere, lumiere.owner, signs(lumiere, lumiere.owner, device))


def test_former_member_cannot_sign_in(lumiere: Agency) -> None:
    device = adds(lumiere, lumiere.chatter)
    with lumiere.scope() as scope:
        members.remove_member(scope, lumiere.chatter)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)


def test_factor_reset_removes_passkeys(lumiere: Agency, gus: UUID) -> None:
    device = adds(lumiere, gus)
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        second_factor.reset_second_factor(scope, gus)
    with pytest.raises(Refused, match=r"passkey\.wrong"):
        enters(lumiere, device)
    with lumiere.scope() as scope:
        assert not passkeys.has_second_factor(scope, gus)
        second_factor.begin_enrolment(scope, KEY, gus)
        assert second_factor.pending_enrolment(scope, KEY, gus, name="gus") is not None


def test_agency_can_require_second_factor_of_all_members(lumiere: Agency) -> None:
    assert sessions.find_pending_session(lumiere.open, comes(lumiere, lumiere.chatter)) is None
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.require_second_factor(scope, True)
    assert sessions.find_pending_session(lumiere.open, comes(lumiere, lumiere.chatter)) == (
        lumiere.tenant_id,
        lumiere.chatter,
    )
    other = create_small_agency(lumiere.open)
    assert sessions.find_pending_session(other.open, comes(other, other.owner)) is None
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        members.require_second_factor(scope, False)
    assert sessions.find_pending_session(lumiere.open, comes(lumiere, lumiere.chatter)) is None


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
def test_passkeys_require_https_domain_or_localhost(url: str, possible: bool) -> None:
    if possible:
        assert RelyingParty.from_url(url, KEY).origin == url
    else:
        with pytest.raises(Unavailable):
            RelyingParty.from_url(url, KEY)
