"""The connector for Acme: posts with pictures. Its methods return the next request, or the meaning
of the last response.

Source: https://docs.acme.example/posts (made up, as Acme is)
"""

from collections.abc import Mapping

from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField
from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Unknown,
)
from connectors.shared import unit_checks
from connectors.shared.http_responses import outcome_of_status, quote_segment, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Medium, Unit

PUBLISH = "publish"


class Acme:
    """The connector for Acme. Posts are looked up by our own key."""

    contract = 2
    capabilities = Capabilities(
        platform="acme",
        surfaces=("post",),
        max_text=500,
        max_media=4,
        mimes=("image/jpeg", "image/png"),
        max_bytes=5 * 1024 * 1024,
        look="key",
        resend_is_look=False,
        can_delete=True,
        can_chat=False,
        can_sell=False,
        stages=True,
        address="https://api.acme.example",
        approval_days=2,
    )
    form = ConnectForm(
        fields=(FormField("token", secret=True, example="acme_…"),), credential="token", minutes=2
    )

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each picture, then publish the post; return the outcome of the last response."""
        unfit = unit_checks.unit_problem(unit, self.capabilities, length=len(unit.text_of("body")))
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last)
        if last is not None and not _id(last):
            return outcome_of_status(last, creates=False)
        uploaded = {answer.step: _id(answer) for answer in answers}
        for medium in unit.media:
            if _upload(medium).name not in uploaded:
                return Send(_upload(medium))
        return Send(_post(unit, [uploaded[_upload(medium).name] for medium in unit.media]))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Request the posts with our key; there is at most one."""
        if not answers:
            path = f"/v1/{{account}}/posts?key={quote_segment(sought.native_key)}"
            return Send(WireStep("look", StepKind.CONTROL, "GET", path, action="look"))
        match answers[-1]:
            case Response(body={"posts": []}) as seen if seen.is_success:
                return Absent()
            case Response(body={"posts": [{"id": str(native_id), "url": str(url)}]}) as seen if (
                seen.is_success
            ):
                return Found(native_id, url)
            case _:
                return Unknown(Message("connectors.lookup_failed"))

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the post; a post that no longer exists counts as deleted."""
        if not answers:
            return Send(
                WireStep("delete", StepKind.RESTRICT, "DELETE", _place(copy), action="delete")
            )
        last = answers[-1]
        gone = isinstance(last, Response) and last.status in (200, 204, 404)
        return Published(copy.native_id) if gone else outcome_of_status(last, creates=False)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views and likes."""
        if not answers:
            return Send(
                WireStep(
                    "numbers", StepKind.CONTROL, "GET", f"{_place(copy)}/numbers", action="metrics"
                )
            )
        match success_body(answers[-1]):
            case {"views": int(views), "likes": int(likes)}:
                return {"views": views, "likes": likes}
            case _:
                return None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Request the owner of the token, then return the account."""
        token = form.get("token")
        if not answers and isinstance(token, Sealed):
            return Send(WireStep("me", StepKind.AUTH, "GET", "/v1/me"))
        match answers:
            case (Response(body={"account": str(account), "name": str(name)}) as seen,) if (
                seen.is_success
            ):
                return ConnectedAccount(
                    account, name, "acme.post", token=token if isinstance(token, Sealed) else None
                )
            case () | (Response(status=401),):
                return Rejected(Message("acme.bad_token"), permanent=False)
            case _:
                return outcome_of_status(answers[-1], creates=False)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token still works; return None if it does."""
        if not answers:
            return Send(WireStep("look", StepKind.CONTROL, "GET", "/v1/me", action="look"))
        last = answers[-1]
        return (
            None
            if isinstance(last, Response) and last.is_success
            else outcome_of_status(last, creates=False)
        )


def _upload(medium: Medium) -> WireStep:
    """Return the upload step. It is named after its file, so a retry does not upload it again."""
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(
        f"stage:{medium.sha256[:24]}", StepKind.STAGE, "POST", "/v1/{account}/files", file=file
    )


def _id(answer: StepResult) -> str:
    """Return Acme's ID of an uploaded file, or "" for every other response."""
    return str(success_body(answer).get("id") or "")


def _post(unit: Unit, files: list[str]) -> WireStep:
    """Return the publish step, which is sent only once. It contains our key and all flags of the
    unit."""
    media = [
        {"id": name, "alt": medium.alt} for name, medium in zip(files, unit.media, strict=True)
    ]
    body = {
        "text": unit.text_of("body"),
        "media": media,
        "key": unit.native_key,
        "ai": "ai=true" in unit.flags,
    }
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/v1/{account}/posts", body)


def _published(answer: StepResult) -> Outcome:
    match answer:
        case Response(body={"id": str(native_id), "url": str(url)}) if answer.is_success:
            return Published(native_id, url)
        case _:
            return outcome_of_status(answer, creates=True)


def _place(copy: PlatformCopy) -> str:
    return f"/v1/{{account}}/posts/{quote_segment(copy.native_id)}"
