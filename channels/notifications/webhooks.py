"""Webhooks to the agency's own systems: one signed request, its result, and the next try."""

from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from connectors.contract.connector import Response, StepKind, StepResult, WireStep
from connectors.transport import signatures
from connectors.transport.transport import AccountTarget, Transport
from foundation.db.database import OpenScope
from foundation.outbox import outbox
from foundation.sealed import Sealed
from gate.contract.permit import NoticeOrder
from tenants.webhooks.outgoing_calls import (
    PendingCall,
    WebhookCallDue,
    abandon_call,
    finish_call,
    start_call,
)

WEBHOOKS_ACTOR = "system:hooks"
WEBHOOK_TIMEOUT = 10.0
"""Total wall time of a request in seconds. Only the status of the response is read."""

OpenLetter = Callable[[UUID, Sealed], Sealed]
"""Opens a sealed letter for the transport."""


def send_webhook(
    event: WebhookCallDue,
    *,
    tenant: OpenScope,
    transport: Transport,
    open_letter: OpenLetter,
    seconds: float = WEBHOOK_TIMEOUT,
) -> None:
    """Send a webhook.

    Raises `outbox.RetryLater` if it was not accepted; after an interruption it is sent again.
    """
    with tenant(event.tenant_id, WEBHOOKS_ACTOR) as scope:
        due = start_call(scope, event.subject_id)
    if due is None:
        return
    account = _webhook_target(due, open_letter)
    answer = transport.send(
        _build_call_step(due, seconds), NoticeOrder(due.tenant_id, due.member_id), account=account
    )
    with tenant(event.tenant_id, WEBHOOKS_ACTOR) as scope:
        wait = finish_call(
            scope, due, status=_answer_http_status(answer), detail=_answer_detail(answer)
        )
    if wait is not None:
        raise outbox.RetryLater(wait)


def fail_webhook(event: WebhookCallDue, *, tenant: OpenScope) -> None:
    """Record that a webhook failed permanently."""
    with tenant(event.tenant_id, WEBHOOKS_ACTOR) as scope:
        abandon_call(scope, event.subject_id)


def _webhook_target(due: PendingCall, open_letter: OpenLetter) -> AccountTarget:
    parts = urlsplit(due.url)
    token, *before = (open_letter(due.tenant_id, letter) for letter in due.letters)
    return AccountTarget(
        due.tenant_id,
        due.hook_id,
        "",
        f"{parts.scheme}://{parts.netloc}",
        token,
        before[0] if before else None,
    )


def _build_call_step(due: PendingCall, seconds: float) -> WireStep:
    parts = urlsplit(due.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        signatures.EVENT_HEADER: str(due.call_id),
        signatures.TIMESTAMP_HEADER: str(int(due.at.timestamp())),
    }
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


def _answer_http_status(answer: StepResult) -> int | None:
    return answer.status if isinstance(answer, Response) else None


def _answer_detail(answer: StepResult) -> str:
    return "" if isinstance(answer, Response) else answer.detail
