"""Yoti's age verification: open a session, let the viewer prove their age there, and read the
result.

Sources: https://developers.yoti.com/age-verification/create-a-session,
https://developers.yoti.com/age-verification/results,
https://developers.yoti.com/age-verification/notifications. This adapter has not been tested with
the real service. Undocumented are the response for an unknown session (400, 404 and 410 are read as
"no such session") and whether a passed session is ever revoked. Yoti signs its notifications
(RSA-PSS), but their content is not used, so forging it has no effect: the webhook's URL contains
our own proof, and a call only makes us read the result.
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
"""Minimum and maximum lifetime of a session in seconds."""

OLD_ENOUGH = 18

ASSURANCE_LEVELS = {
    "DOC_SCAN": "L4",
    # an attribute of a verified document, because its age estimation is disabled below
    "DIGITAL_ID": "L4",
    "ELECTRONIC_ID": "L4",
    "AGE_ESTIMATION": "L3",
    "MOBILE": "L3",
    "CREDIT_CARD": "L2",
}
"""The assurance level of each method. An unknown method counts as L0."""

SESSION_STATES = {
    "PENDING": "pending",
    "IN_PROGRESS": "pending",
    "FAIL": "failed",
    "COMPLETE": "passed",
}
"""The result for each state of a session. `FAIL` means that the age was not proven; `ERROR`,
`CANCELLED` and `EXPIRED` mean that the check itself failed. Unknown states count as pending."""
ENDED_SESSION_STATES = frozenset({"ERROR", "CANCELLED", "EXPIRED"})

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Yoti:
    """The provider Yoti."""

    name = "yoti"
    form = ConnectForm(
        fields=(FormField("sdk_id", example="xxxxxxxx-xxxx-…"), FormField("api_key", secret=True)),
        credential="api_key",
    )

    def read_form(self, form: Mapping[str, str | Sealed]) -> ProviderCredential | None:
        """Return the SDK ID (a UUID) and the API key."""
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
        """Open an unused session with the shortest lifetime. Yoti charges for checks, not for
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
        """Open a session for one check and return the viewer's URL."""
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
        """Return the result of a session."""
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
    """Return the body that opens a session. Retries are disabled, so that a failure is the final
    result of its session."""
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
    """Allow only methods that verify an attribute (L4), not face estimation, cards or phone
    numbers."""
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
    """Return the ID of the session, or ""."""
    body = answer.body if isinstance(answer, Response) and answer.is_success else None
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _refusal_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a refused request: 401 means an unknown SDK ID, 403 a wrong key."""
    if isinstance(answer, Response) and answer.status in (401, 403):
        return Reauthorize(Message("age.refused_key"))
    return outcome_of_status(answer, creates=False)
