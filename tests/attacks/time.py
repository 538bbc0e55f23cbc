"""Attacks on time: expired evidence, wrong clocks, and changes between a permit and its use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from foundation.ops import clock
from gate.consent.grants import revoke_consent
from gate.contract.permit import Permit
from gate.contract.units import Rating
from gate.permits import issuance
from tests.attacks.evidence import invented_person_unit, request_removal, send_unit
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import text_unit
from tests.gate.builders import Step, picture, real_person, unit

__all__ = ["SCENARIOS"]


@contextmanager
def machine_behind(by: timedelta) -> Iterator[None]:
    """Set this machine's clock back. The database's clock is correct."""

    class Behind(datetime):
        @classmethod
        # the signature that callers use
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # see above
            return super().now(tz) - by

    with pytest.MonkeyPatch.context() as machine:
        machine.setattr(clock, "datetime", Behind)
        yield


@register_attack("Z-03")
def sent_by_a_machine_that_is_late(stage: Stage) -> Result:
    whole = unit(stage.world)
    with machine_behind(timedelta(minutes=10) if stage.harm else timedelta(seconds=4)):
        got = stage.send(whole)
    if stage.harm:
        assert stage.send(unit(stage.world)).sent == 1, "sending works again with a correct clock"
    return got


@register_attack("Z-08")
def approval_kept_alive(stage: Stage) -> Result:
    """Postpone the post month by month and re-verify the rule of its surface each time."""
    rows = dict(stage.rules.rows)
    rows["x.post"] = rows["x.post"].model_copy(
        update={"review_by": rows["x.post"].review_by.replace(year=2100)}
    )
    stage.rules = replace(stage.rules, rows=rows)
    whole = stage.marked(
        text_unit(stage, "X1", media=(invented_person_unit(stage, Rating.N),), body="Hello")
    )
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.review(whole)
    for days in (30, 30, 30, 15 if stage.harm else 5):
        stage.pass_time(timedelta(days=days))
        stage.do(
            lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
        )
    return stage.send(whole, review=False)


@register_attack("C-02")
def permission_taken_back_while_the_clearance_is_out(stage: Stage) -> Result:
    """Build a permit in one transaction and use it in another, five seconds later."""
    person = stage.do(real_person)
    shown = stage.do(lambda scope: picture(scope, stage.world, Rating.E, person=person))
    whole = stage.marked(text_unit(stage, "FV1", media=(shown,), body="Hello"))
    stage.do(
        lambda scope: issuance.judge_unit(scope, whole, author=stage.author, bundle=stage.rules)
    )
    stage.review(whole)

    def made(scope: Any) -> tuple[Permit, Any]:
        entry, _ = issuance._evaluate_unit(
            scope, whole, stage.author, (), stage.rules, stage="mint"
        )
        assert entry.decision.is_allowed
        issuance.decision_log.append_entry(scope, entry)
        return issuance._build_permit(whole, Step(), entry), entry

    permit, entry = stage.do(made)
    if stage.harm:
        stage.do(lambda scope: revoke_consent(scope, person, what="publish"))
    stage.pass_time(timedelta(seconds=5))
    got = stage.refused(lambda scope: issuance.consume_permit(scope, permit, entry))
    return replace(got, sent=stage.sent(whole))


@register_attack("Z-01", "Z-02")
def permit_that_is_too_old(stage: Stage) -> Result:
    whole = unit(stage.world)
    late = timedelta(seconds=61 if stage.harm else 0)

    def use(scope: Any) -> None:
        entry, _ = issuance._evaluate_unit(scope, whole, stage.author, (), None, stage="mint")
        permit = issuance._build_permit(whole, Step(), entry)
        issuance.decision_log.append_entry(scope, entry)
        old = replace(
            permit, minted_at=permit.minted_at - late, expires_at=permit.expires_at - late
        )
        issuance.consume_permit(scope, old, entry)

    return stage.refused(use)


@register_attack("Z-04")
def rule_nobody_read_again(stage: Stage) -> Result:
    if stage.harm:
        rows = dict(stage.rules.rows)
        rows["x.post"] = rows["x.post"].model_copy(
            update={"review_by": rows["x.post"].review_by.replace(year=2000)}
        )
        stage.rules = replace(stage.rules, rows=rows)
    return send_unit(stage, invented_person_unit(stage, Rating.N), place="X1")


@register_attack("Z-06")
def complaint_before_sending(stage: Stage) -> Result:
    medium = invented_person_unit(stage, Rating.E)
    if stage.harm:
        request_removal(stage, medium, "shown")
    return send_unit(stage, medium)
