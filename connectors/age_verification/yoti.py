"""Yoti's age verification service: a session is opened, the viewer proves their age there, and we
ask how it ended.

Sources: https://developers.yoti.com/age-verification/create-a-session,
https://developers.yoti.com/age-verification/results,
https://developers.yoti.com/age-verification/notifications. Not tried against the real service, for
want of an account; not said there: what is answered for a session nobody knows (any 4xx but 401,
403 and 429 is read as "no such session"), and whether a passed session is ever taken back.
Notifications are signed (RSA-PSS) with a key of theirs; we read nothing of them, so that there is
nothing to forge: the address they call carries our own proof, and a call only makes us look.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from connectors.age_verification.providers import (
    AGE_CHECK_ACTION,
    AgeCheckRequest,
    AgeCheckResult,
    AgeCheckSession,
    ProviderCredential,
)
from connectors.contract.account_setup import ConnectForm, FormField
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected
from connectors.shared.http_responses import outcome_of_status
from foundation.i18n.translation import Message
from foundation.sealed import Sealed

SESSIONS_PATH = "/api/v1/sessions"
SHORTEST = 60
MAX_SESSION_SECONDS = 2592000
"""Seconds a session may live."""

OLD_ENOUGH = 18

ASSURANCE_LEVELS = {
    "DOC_SCAN": "L4",
    "DIGITAL_ID": "L4",  # an attribute of a checked document: its estimation is switched off below
    "ELECTRONIC_ID": "L4",
    "AGE_ESTIMATION": "L3",
    "MOBILE": "L3",
    "CREDIT_CARD": "L2",
}
"""How sure each of their methods is; one we do not know proves nothing."""

SESSION_STATES = {
    "PENDING": "pending",
    "IN_PROGRESS": "pending",
    "FAIL": "failed",
    "COMPLETE": "passed",
}
"""`FAIL` speaks of the age; `ERROR`, `CANCELLED` and `EXPIRED` of the check. A word added later is
no answer yet."""
ENDED_SESSION_STATES = frozenset({"ERROR", "CANCELLED", "EXPIRED"})

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Yoti:
    """The stepper."""

    name = "yoti"
    form = ConnectForm(
        fields=(FormField("sdk_id", example="xxxxxxxx-xxxx-…"), FormField("api_key", secret=True)),
        credential="api_key",
    )

    def read_form(self, form: Mapping[str, str | Sealed]) -> ProviderCredential | None:
        """The SDK id, a UUID, and the API key."""
        sdk_id = form.get("sdk_id")
        key = form.get("api_key")
        if (
            not isinstance(key, Sealed)
            or not isinstance(sdk_id, str)
            or not _ID.fullmatch(sdk_id.strip())
        ):
            return None
        return ProviderCredential(sdk_id.strip().lower(), key)

    def verify_credential(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Open a session nobody will use, of the shortest life: they charge for checks, not for
        sessions."""
        if not answers:
            body = {**_build_methods_body(), "type": "OVER", "ttl": SHORTEST}
            return Send(
                _build_step(
                    "test",
                    "POST",
                    SESSIONS_PATH,
                    account,
                    body,
                    action=AGE_CHECK_ACTION,
                    only=("id",),
                )
            )
        return None if _parse_session_id(answers[-1]) else _refusal_outcome(answers[-1])

    def open_check(
        self, asked: AgeCheckRequest, account: str, base_url: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckSession | Outcome:
        """Open a session for one check, and say where the viewer goes."""
        if not answers:
            return Send(
                _build_step(
                    "begin",
                    "POST",
                    SESSIONS_PATH,
                    account,
                    _build_session_body(asked),
                    action=AGE_CHECK_ACTION,
                    only=("id",),
                )
            )
        found = _parse_session_id(answers[-1])
        if not found:
            return _refusal_outcome(answers[-1])
        query = urlencode({"sessionId": found, "sdkId": account})
        return AgeCheckSession(found, f"{base_url.rstrip('/')}?{query}")

    def read_result(
        self, native_id: str, reference: str, account: str, answers: tuple[StepResult, ...]
    ) -> Send | AgeCheckResult | Outcome:
        """How a session stands."""
        if not answers:
            path = f"{SESSIONS_PATH}/{native_id}/result"
            keep = ("id", "status", "method", "reference_id")
            return Send(_build_step("result", "GET", path, account, None, action="look", only=keep))
        last = answers[-1]
        if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
            gone = isinstance(last, Response) and last.status in (400, 404, 410)
            return AgeCheckResult("expired") if gone else _refusal_outcome(last)
        if (last.body.get("id"), last.body.get("reference_id")) != (native_id, reference):
            return Rejected(Message("age.other_session"), permanent=True)
        return _parse_result(last.body)


def _parse_result(body: Mapping[str, Any]) -> AgeCheckResult:
    status = body.get("status")
    method = body.get("method")
    if status in ENDED_SESSION_STATES:
        return AgeCheckResult("expired")
    match SESSION_STATES.get(status if isinstance(status, str) else ""):
        case "passed":
            known = method if isinstance(method, str) and method in ASSURANCE_LEVELS else ""
            return AgeCheckResult("passed", known.lower(), ASSURANCE_LEVELS.get(known, "L0"))
        case "failed":
            return AgeCheckResult("failed")
        case _:
            return AgeCheckResult("pending")


def _build_session_body(asked: AgeCheckRequest) -> dict[str, Any]:
    """What a session is opened with; one try each, so that a "no" is the last word of its
    session."""
    seconds = max(SHORTEST, min(int(asked.lives.total_seconds()), MAX_SESSION_SECONDS))
    body: dict[str, Any] = {
        **_build_methods_body(),
        "type": "OVER",
        "ttl": seconds,
        "reference_id": asked.reference,
        "callback": {"auto": True, "url": asked.back},
        "cancel_url": asked.back,
        "retry_enabled": False,
        "resume_enabled": False,
        "synchronous_checks": True,
    }
    return body | ({"notification_url": asked.call} if asked.call else {})


def _build_methods_body() -> dict[str, Any]:
    """Only what proves an attribute (L4): no guess from a face, no card, no phone number."""
    never: dict[str, Any] = {"allowed": False}
    return {
        "doc_scan": {
            "allowed": True,
            "threshold": OLD_ENOUGH,
            "authenticity": "AUTO",
            "level": "PASSIVE",
        },
        "digital_id": {
            "allowed": True,
            "threshold": OLD_ENOUGH,
            "age_estimation_allowed": False,
            "level": "NONE",
        },
        "age_estimation": never,
        "credit_card": never,
        "mobile": never,
    }


def _build_step(
    name: str,
    method: str,
    path: str,
    account: str,
    body: Mapping[str, Any] | None,
    *,
    action: str,
    only: tuple[str, ...],
) -> WireStep:
    return WireStep(
        name,
        StepKind.CONTROL,
        method,
        path,
        body,
        headers={"yoti-sdk-id": account},
        action=action,
        only=only,
        deadline=15.0,
    )


def _parse_session_id(answer: StepResult) -> str:
    """The session's id; "" for an answer without one."""
    body = answer.body if isinstance(answer, Response) and answer.is_success else None
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _refusal_outcome(answer: StepResult) -> Outcome:
    """401: an SDK id nobody knows; 403: a key that is not its."""
    if isinstance(answer, Response) and answer.status in (401, 403):
        return Reauthorize(Message("age.refused_key"))
    return outcome_of_status(answer, creates=False)
