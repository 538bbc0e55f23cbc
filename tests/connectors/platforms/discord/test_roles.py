"""Roles on Discord: eligible roles, and the outcomes of assigning and removing one."""

from typing import Any

import pytest

from connectors.contract.account_setup import ConnectedAccount
from connectors.contract.connector import Response, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Disconnected, Published, Reauthorize, Rejected, Retry
from connectors.contract.reader_roles import READER_NOT_THERE
from foundation.i18n.translation import Message, render_message
from tests.connectors.platforms.discord.test_publisher import DISCORD, PLACE, joined

SERVER = {
    "roles": [
        {"id": "100", "permissions": "117760", "name": "@everyone", "position": 0},
        {"id": "400", "permissions": "268435456", "name": "bot", "position": 5},
        {"id": "401", "permissions": "0", "name": "Adultes 18+", "position": 4},
        {"id": "402", "permissions": "8192", "name": "mods", "position": 4},
        {"id": "403", "permissions": "0", "name": "boosters", "position": 1, "managed": True},
        {"id": "404", "permissions": "0", "name": "twin", "position": 1},
        {"id": "405", "permissions": "0", "name": "Twin", "position": 1},
        {"id": "399", "permissions": "0", "name": "older", "position": 5},
        {"id": "406", "permissions": "0", "name": "younger", "position": 5},
    ]
}


def with_role(typed: str, **changes: Any) -> Any:
    told = {"guild": SERVER, "member": {"roles": ["400"]}, **changes}
    return joined(form={"adult_role": typed}, **told)


@pytest.mark.parametrize("typed", ["Adultes 18+", "@adultes 18+", "401", "<@&401>", " 401 "])
def test_role_is_found_by_name_id_or_mention(typed: str) -> None:
    found = with_role(typed)
    assert isinstance(found, ConnectedAccount)
    assert (found.options["adult_role"], found.options["adult_role_name"]) == ("401", "Adultes 18+")


def test_without_a_role_none_is_set() -> None:
    found = joined()
    assert isinstance(found, ConnectedAccount)
    assert found.options["adult_role"] == ""


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("nobody", "discord.role_unknown"),
        ("@everyone", "discord.role_unknown"),
        ("100", "discord.role_unknown"),
        ("twin", "discord.role_twice"),
        ("mods", "discord.role_powerful"),
        ("boosters", "discord.role_powerful"),
        ("bot", "discord.role_powerful"),
        ("older", "discord.role_above"),
    ],
)
def test_unsuitable_role_is_rejected(typed: str, why: str) -> None:
    refused = with_role(typed)
    assert refused.reason.code == why
    assert render_message(refused.reason, "fr") != render_message(refused.reason, "en")


def test_bot_must_be_permitted_to_assign_the_role() -> None:
    assert isinstance(
        with_role("younger"), ConnectedAccount
    )  # of two roles at one position the older ranks higher
    assert with_role("401", member={"roles": []}).reason.code == "discord.no_role_right"
    opened = {"permission_overwrites": [{"id": "300", "allow": str(1 << 28), "deny": "0"}]}
    assert (
        with_role("401", member={"roles": []}, channel=opened).reason.code
        == "discord.no_role_right"
    )
    assert isinstance(
        with_role("older", guild={**SERVER, "owner_id": "300"}, member={"roles": []}),
        ConnectedAccount,
    )


def test_role_outcomes_do_not_disconnect_the_account() -> None:
    def turn(give: bool, *answers: StepResult) -> Any:
        return DISCORD.set_role(PLACE.account, "77", "401", give, answers)

    def refused(status: int, code: int) -> Response:
        return Response("role", status, {}, {"code": code})

    step = turn(True).step
    assert (step.method, step.path, step.json) == ("PUT", "/guilds/100/members/77/roles/401", None)
    assert (step.kind, step.action, step.token) == (StepKind.CONTROL, "role", "bot")
    assert turn(False).step.method == "DELETE"
    for give in (True, False):
        assert turn(give, Response("role", 204)) == Published("77")
        assert turn(give, refused(403, 50013)) == Rejected(
            Message("discord.role_above"), permanent=False
        )
        for gone in (refused(403, 50001), refused(404, 10004)):
            assert isinstance(turn(give, gone), Disconnected)
        for later in (StepAnswerLost("role", "x"), Response("role", 503), refused(429, 0)):
            assert isinstance(turn(give, later), Retry)
        assert isinstance(turn(give, refused(401, 0)), Reauthorize)
    assert turn(True, refused(404, 10007)) == Rejected(Message(READER_NOT_THERE), permanent=False)
    assert turn(True, refused(404, 10011)) == Rejected(
        Message("discord.role_gone"), permanent=False
    )
    assert turn(False, refused(404, 10007)) == turn(False, refused(404, 10011)) == Published("77")
