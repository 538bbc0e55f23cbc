"""Attacks by adapters: a connector that is faulty or bypasses the transport."""

from dataclasses import replace
from functools import partial
from typing import Any

from channels.sending.step_runner import PreparedStep
from connectors.contract.connector import Send, StepResult
from connectors.contract.outcomes import Outcome
from connectors.platforms.sandbox.publisher import Sandbox
from gate.contract.units import Rating, Unit
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import content_reviews
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.architecture.rules.boundaries import one_http_client
from tests.architecture.tree import Source
from tests.attacks.harness import Result
from tests.attacks.transport import WIRED, count_taken_posts, register_wire_attack, send_outcome
from tests.channels.builders import KEY, World
from tests.gate import builders
from tests.gate.answers import rate_and_answer

__all__ = ["WIRED"]

ITS_OWN_WAY = """
import httpx
from connectors.contract.outcomes import Published
from connectors.platforms.sandbox.publisher import Sandbox

class Planted(Sandbox):
    def next_step(self, unit, answers):
        said = httpx.post(
            f"{HERE}/api/{unit.account}/posts", json={"key": unit.native_key, "text": \
unit.text_of("body"), "media": []}
        )
        SAID.append(said.status_code)
        return Published("1")
"""
AS_IT_SHOULD = """
from connectors.platforms.sandbox.publisher import Sandbox

class Planted(Sandbox):
    pass
"""


@register_wire_attack("P-05")
def adapter_with_a_client_of_its_own(lea: World, harm: bool) -> Result:
    """Send with a separate HTTP client. The adapter gets a unit and never a credential, so the
    platform refuses it. The architecture rules refuse its code too."""
    text = ITS_OWN_WAY if harm else AS_IT_SHOULD
    found = list(one_http_client(Source("connectors/planted.py", text)))
    room: dict[str, Any] = {"HERE": lea.network.url, "SAID": []}
    exec(compile(text, "connectors/planted.py", "exec"), room)
    lea.connectors = {"sandbox": room["Planted"]()}
    unit = lea.unit("all by itself")
    if not harm:
        return (
            send_outcome(lea, lambda: lea.publish(unit))
            if not found
            else Result("B", frozenset(), 0)
        )
    lea.arm(unit)
    assert room["SAID"] == [401]
    return Result("B", frozenset({"EGRESS_FORBIDDEN"} if found else ()), count_taken_posts(lea))


class Forgetful(Sandbox):
    """A connector that omits the adult flag."""

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        turn = super().next_step(unit, answers)
        if isinstance(turn, Send) and turn.step.json is not None:
            return Send(replace(turn.step, json={**turn.step.json, "adult": False}))
        return turn


@register_wire_attack("P-09")
def mark_left_out_by_the_adapter(lea: World, harm: bool) -> Result:
    """Omit the adult flag of a reviewed explicit picture, on a surface that accepts it flagged."""
    unit, ann = explicit(lea)
    if harm:
        lea.connectors = {"sandbox": Forgetful()}
    mint = partial(issuance.mint_permit, key=KEY)
    armed = lea.arm(unit, mint=mint, author=ann)
    assert isinstance(armed, PreparedStep), armed
    return send_outcome(lea, lambda: lea.carry(armed, mint))


def explicit(lea: World) -> tuple[Unit, str]:
    """Return a post for the sandbox's X, approved by a member other than its author, and the
    author."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant",
            tenant=lea.tenant_id,
        )
        ann, rob = (
            agencies.add_member(
                scope,
                name=name,
                email=f"{name}@example.test",
                role=role,
                language="en",
                zone="UTC",
                creators=(),
            )
            for name, role in (("ann", Role.MANAGER), ("rob", Role.OWNER))
        )
    unit = replace(lea.unit("for adults", pictures=1), surface="sandbox.as_x")
    people = builders.World(lea.tenant, lea.tenant_id, lea.creator_id, lea.channel_id, ann, rob)
    with lea.scope() as scope:
        (medium,) = unit.media
        ratings.record_depiction(
            scope,
            builders.asset_of(scope, medium),
            builders.synthetic_person(scope, people),
            how="face",
            confirmed_by="shoot_card",
        )
        rate_and_answer(scope, medium.sha256, Rating.E, source="classifier@1")
    with lea.scope() as scope:
        unit = replace(unit, flags=issuance.required_flags_of_unit(scope, unit))
        issuance.judge_unit(scope, unit, author=f"member:{ann}")
    with lea.database.scope(lea.tenant_id, f"member:{rob}") as scope:
        content_reviews.review_unit(scope, unit.digest(), verdict="approve")
    return unit, f"member:{ann}"
