"""The second factor: enrollment, single-use codes, a limit of five failures, and encrypted secrets."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from foundation.errors import Refused, Unavailable
from foundation.ids import INSTALLATION_ID
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import failed_attempts, members, second_factor
from tenants.auth import sessions as login
from tests.tenants.builders import Agency
from tests.tenants.totp_app import KEY, AuthenticatorApp, read_people_clock

OLD_CODE = "000000"


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


def comes(house: Agency, member: UUID) -> str:
    """Redeem a sign-in link and return the session, which may still need a second factor."""
    with house.scope() as scope:
        secret = login.create_sign_in_link(scope, member)
    return login.redeem_sign_in_link(house.open, secret)


def sets_up(house: Agency, member: UUID) -> AuthenticatorApp:
    with house.scope() as scope:
        second_factor.begin_enrolment(scope, KEY, member)
        offered = second_factor.pending_enrolment(scope, KEY, member, name="gus@example.test")
    assert offered is not None
    assert offered.letters not in repr(offered)
    return AuthenticatorApp(offered.letters)


def enter(house: Agency, session: str, code: str) -> str:
    return second_factor.verify_code(house.open, KEY, session, code)


def test_guest_session_opens_after_second_factor(lumiere: Agency, gus: UUID) -> None:
    session = comes(lumiere, gus)
    assert login.find_session(lumiere.open, session) is None
    assert login.find_pending_session(lumiere.open, session) == (lumiere.tenant_id, gus)
    with lumiere.scope() as scope:
        assert not [seat for seat in members.list_member_sessions(scope) if seat.member_id == gus]
    whole = enter(lumiere, session, sets_up(lumiere, gus).code(read_people_clock(lumiere.open)))
    assert login.find_session(lumiere.open, whole) == (lumiere.tenant_id, gus)
    assert login.find_pending_session(lumiere.open, session) is None
    with pytest.raises(Refused, match="link_spent"):  # the pending session is used up
        enter(lumiere, session, OLD_CODE)


def test_members_need_no_second_factor_by_default(lumiere: Agency) -> None:
    session = comes(lumiere, lumiere.owner)
    assert login.find_pending_session(lumiere.open, session) is None
    assert login.find_session(lumiere.open, session) == (lumiere.tenant_id, lumiere.owner)


def test_code_is_accepted_once_under_concurrency(lumiere: Agency, gus: UUID) -> None:
    app, at = sets_up(lumiere, gus), read_people_clock(lumiere.open)
    sessions = [comes(lumiere, gus) for _ in range(4)]

    def tries(session: str) -> str:
        try:
            return enter(lumiere, session, app.code(at))
        except Refused as refused:
            return refused.message.code

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(tries, sessions))
    assert said.count("factor.wrong") == 3
    assert len([one for one in said if login.find_session(lumiere.open, one)]) == 1


def test_expired_and_future_codes_are_refused(lumiere: Agency, gus: UUID) -> None:
    app, at, session = sets_up(lumiere, gus), read_people_clock(lumiere.open), comes(lumiere, gus)
    for later in (-3, 3):
        with pytest.raises(Refused, match=r"factor\.wrong"):
            enter(lumiere, session, app.code(at, later=later))
    assert enter(lumiere, session, f" {app.code(at, later=1)[:3]} {app.code(at, later=1)[3:]} ")
    again = comes(lumiere, gus)
    with pytest.raises(Refused, match=r"factor\.wrong"):  # an earlier step than the last one used
        enter(lumiere, again, app.code(at))


def test_five_wrong_codes_block_correct_code(lumiere: Agency, gus: UUID) -> None:
    app, session = sets_up(lumiere, gus), comes(lumiere, gus)
    for typed in ("", "000000", "abcdef", "1", "０００００００")[
        : failed_attempts.MAX_FAILURES_PER_ACCOUNT
    ]:
        with pytest.raises(Refused, match=r"factor\.wrong"):
            enter(lumiere, session, typed)
    with pytest.raises(Refused, match=r"password\.wait"):
        enter(lumiere, session, app.code(read_people_clock(lumiere.open)))
    with lumiere.open(INSTALLATION_ID, "system:door", role="door") as scope:
        scope.run(
            "UPDATE login_failures SET failed_at = failed_at - CAST(:w AS interval)",
            w=failed_attempts.FAILURE_WINDOW,
        )
    assert enter(lumiere, session, app.code(read_people_clock(lumiere.open)))


def test_secret_is_shown_until_first_correct_code(lumiere: Agency, gus: UUID) -> None:
    first = sets_up(lumiere, gus)
    app = sets_up(lumiere, gus)  # the first page was closed, so its secret is invalid
    session = comes(lumiere, gus)
    with pytest.raises(Refused, match=r"factor\.wrong"):
        enter(lumiere, session, first.code(read_people_clock(lumiere.open)))
    enter(lumiere, session, app.code(read_people_clock(lumiere.open)))
    with lumiere.scope() as scope:
        second_factor.begin_enrolment(scope, KEY, gus)
        assert second_factor.pending_enrolment(scope, KEY, gus, name="x") is None
        box = bytes(
            scope.run("SELECT box FROM second_factors WHERE member_id = :m", m=gus).scalar()
        )
    assert app.secret not in box
    again = comes(lumiere, gus)
    assert enter(lumiere, again, app.code(read_people_clock(lumiere.open), later=1))


def test_owner_resets_second_factor_of_guest(lumiere: Agency, gus: UUID) -> None:
    app, session = sets_up(lumiere, gus), comes(lumiere, gus)
    whole = enter(lumiere, session, app.code(read_people_clock(lumiere.open)))
    with lumiere.scope(f"member:{lumiere.owner}") as scope:
        second_factor.reset_second_factor(scope, gus)
    assert login.find_session(lumiere.open, whole) is None
    session = comes(lumiere, gus)
    with pytest.raises(Refused, match=r"factor\.wrong"):
        enter(lumiere, session, app.code(read_people_clock(lumiere.open), later=1))
    assert enter(
        lumiere, session, sets_up(lumiere, gus).code(read_people_clock(lumiere.open), later=1)
    )


def test_role_change_preserves_second_factor(lumiere: Agency, gus: UUID) -> None:
    app, session = sets_up(lumiere, gus), comes(lumiere, gus)
    enter(lumiere, session, app.code(read_people_clock(lumiere.open)))
    with lumiere.scope() as scope:
        members.change_member(scope, gus, role=Role.MANAGER, creators=())
    assert login.find_pending_session(lumiere.open, comes(lumiere, gus)) is not None


def test_enrollment_requires_web_key(lumiere: Agency, gus: UUID) -> None:
    comes(lumiere, gus)
    with lumiere.scope() as scope, pytest.raises(Unavailable):
        second_factor.begin_enrolment(scope, "", gus)


def test_secret_cannot_be_decrypted_with_another_web_key(lumiere: Agency, gus: UUID) -> None:
    sets_up(lumiere, gus)
    with lumiere.scope() as scope, pytest.raises(Unavailable):
        second_factor.pending_enrolment(
            scope, second_factor.derive_door_key(bytes(32)), gus, name="x"
        )
