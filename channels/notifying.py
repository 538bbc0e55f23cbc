"""Calling the agency's own systems: one signed request, what came of it, and when to try again."""

from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from connectors import signing
from connectors.contract import Answer, Response, StepKind, WireStep
from connectors.transport import Account, Transport
from foundation import outbox
from foundation.database import OpenScope
from foundation.sealed import Sealed
from gate.permit import NoticeOrder
from tenants import hooks
from tenants.hooks import HookDue, Sending

ACTOR = "system:hooks"
SECONDS = 10.0
"""Total wall time of a call; what its answer says beside its status is not read."""

OpenLetter = Callable[[UUID, Sealed], Sealed]
"""Makes of a letter to the workers what the transport can open."""


def send(
    event: HookDue, *, tenant: OpenScope, transport: Transport, open_letter: OpenLetter, seconds: float = SECONDS
) -> None:
    """Call a hook. Raises `outbox.Later` where it was not taken; killed in between, it is called again."""
    with tenant(event.tenant_id, ACTOR) as scope:
        due = hooks.begin(scope, event.subject_id)
    if due is None:
        return
    account = _account(due, open_letter)
    answer = transport.send(_step(due, seconds), NoticeOrder(due.tenant_id, due.member_id), account=account)
    with tenant(event.tenant_id, ACTOR) as scope:
        wait = hooks.settle(scope, due, status=_status(answer), detail=_detail(answer))
    if wait is not None:
        raise outbox.Later(wait)


def gave_up(event: HookDue, *, tenant: OpenScope) -> None:
    """The row failed too often: the call is dead, and shown."""
    with tenant(event.tenant_id, ACTOR) as scope:
        hooks.give_up(scope, event.subject_id)


def _account(due: Sending, open_letter: OpenLetter) -> Account:
    parts = urlsplit(due.url)
    token, *before = (open_letter(due.tenant_id, letter) for letter in due.letters)
    return Account(
        due.tenant_id, due.hook_id, "", f"{parts.scheme}://{parts.netloc}", token, before[0] if before else None
    )


def _step(due: Sending, seconds: float) -> WireStep:
    parts = urlsplit(due.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {signing.EVENT: str(due.call_id), signing.TIMESTAMP: str(int(due.at.timestamp()))}
    return WireStep(
        "hook",
        StepKind.NOTICE,
        "POST",
        path,
        json=due.payload,
        headers=headers,
        token="signed",  # noqa: S106  how it is shown, not one
        only=(),
        deadline=seconds,
    )


def _status(answer: Answer) -> int | None:
    return answer.status if isinstance(answer, Response) else None


def _detail(answer: Answer) -> str:
    return "" if isinstance(answer, Response) else answer.detail
