"""Pictures by Stability AI, for money: one request, and its answer is the picture. Nothing of it is
kept there, nor of the pictures that went with the request.

So what was asked for and not heard cannot be looked for: it counts as paid, and is not asked for
again. What was heard is kept before anything is made of it. What it answers to have failed is
not charged.
https://platform.stability.ai/docs/api-reference#tag/Generate/paths/~1v2beta~1stable-image~1generate~1core/post
"""

from collections.abc import Mapping

from pydantic import SecretStr

from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
    encode_multipart,
)
from foundation.ids import uuid7
from foundation.money import Price
from foundation.ops.settings import GeneratorsSettings
from generators.contract import hosted_services
from generators.contract.engines import (
    EngineBusy,
    EngineError,
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    ImageEngine,
    ImageJob,
    PictureUndelivered,
    Progress,
    PurchaseRecord,
    check_inputs_supported,
    ignore_progress,
)
from generators.engines.images import model_inputs, outgoing_pictures, received_pictures
from generators.engines.images.replicate import known_prices, retry_after_seconds

MODELS = ("core", "ultra", "sd3")
SERVICES = (*MODELS, hosted_services.INPAINT_SERVICE, hosted_services.STYLE_SERVICE)
PATHS = {
    hosted_services.INPAINT_SERVICE: "edit/inpaint",
    hosted_services.STYLE_SERVICE: "control/style",
}
"""Where a service is asked, below `/v2beta/stable-image`; models below `generate`."""

OFFERED: model_inputs.ModelInputs = {
    "prompt": {"type": "string"},
    "negative_prompt": {"type": "string"},
    "seed": {"type": "integer", "maximum": 4_294_967_294},
    "aspect_ratio": {"enum": ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"]},
    "output_format": {"enum": ["png"]},
}
Files = Mapping[str, tuple[str, bytes, str]]
"""By part of a form: name, bytes and media type."""

MAX_PROMPT = 10_000
"""Characters of a prompt."""

REST = 60.0
"""Seconds to keep away after 150 requests in ten."""

IN_DOUBT = (408, 502, 504)
"""Said by what stands before it, perhaps of a request that is being worked on there, and
charged."""

SECONDS = 180.0
NOTHING = {"none": ("none", b"", "application/octet-stream")}
"""Without a part that is a file, a form is not sent as multipart, and refused."""


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """The engine of the model in the settings, None without one. Raises EngineMissing without a key
    or a price."""
    if not settings.stability_model:
        return None
    if not settings.stability_token.get_secret_value():
        raise EngineMissing("engine.token_missing", engine="stability")
    engine = Stability(
        settings.stability_url,
        settings.stability_token,
        settings.stability_model,
        known_prices(settings),
    )
    engine.price_of(engine.model)
    return engine


class Stability:
    """One account, and the models that have a price."""

    name = "stability"
    does = hosted_services.supported_inputs(hosted_services.STABILITY_ENGINE)

    def __init__(
        self,
        url: str,
        token: SecretStr,
        model: str,
        known: Mapping[str, Price],
        *,
        deadline: float = SECONDS,
    ) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self.model = model
        self._prices = known
        self._deadline = deadline
        self._client = HttpClient(max_connections=8)

    def price_of(self, model: str) -> Price:
        """What a picture of a model, or of a service that takes pictures, costs. Raises
        EngineMissing where there is no such one, or no price."""
        if model not in SERVICES:
            raise EngineMissing("engine.model_missing", model=model, engine=self.name)
        if (found := self._prices.get(model)) is None:
            raise EngineMissing("engine.price_missing", engine=self.name, model=model)
        return found

    def price(self, job: ImageJob) -> Price:
        """What the picture costs. Raises EngineMissing where the settings do not say."""
        return self.price_of(self._resolve_service(job))

    def check(self) -> None:
        """Ask for what is left of the credit, which costs nothing. Raises EngineError."""
        reply = self._send_form("GET", "/v1/user/balance")
        if not isinstance(reply, HttpResponse) or reply.status >= 500:
            raise self._unreachable_error()
        if reply.status != 200:
            raise self._refusal_error(reply, self.model)

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Buy a picture of which nothing is kept here, for trials by hand. Raises as `buy`."""
        return self.buy(job, PurchaseRecord(str(uuid7())), progress)

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        """The picture of the slip, asked for once in its life; of what was answered before, what
        was kept.

        Raises EngineMissing, EngineBusy, EngineUnreachable (nothing is charged), and Undelivered:
        its words or what came of them were refused, or nobody knows. What `progress` raises passes
        through.
        """
        check_inputs_supported(self, job)
        hosted_services.check_inputs_combine(self.name, job)
        service = self._resolve_service(job)
        self.price_of(service)
        answer = slip.stored_answer() if slip.since is not None else b""
        if slip.since is not None and not answer:
            raise PictureUndelivered("engine.order_lost", engine=self.name)
        given, files = self._build_form(job, service)
        if len(job.prompt) > MAX_PROMPT:
            raise EngineMissing("engine.order_refused", engine=self.name, status=413)
        progress(0, 1)
        fields = {name: str(value) for name, value in given.items() if value != ""}
        if not answer:
            slip.store_answer(answer := self._order_picture(service, fields, files, slip))
        picture = received_pictures.read_delivered_picture(
            answer, job, engine=self.name, model=service, given=given
        )
        progress(1, 1)
        return picture

    def cancel(self, slip: PurchaseRecord) -> None:
        """Nothing can be cancelled: what was asked for is paid."""

    def _resolve_service(self, job: ImageJob) -> str:
        """What makes it. Raises EngineMissing for a model that is none: a service is chosen by what
        is asked."""
        model = job.model or self.model
        if model not in MODELS:
            raise EngineMissing("engine.model_missing", model=model, engine=self.name)
        return hosted_services.priced_service(self.name, model, job.needed_inputs)

    def _build_form(
        self, job: ImageJob, service: str
    ) -> tuple[dict[str, str | int | float], Files]:
        """The words of a form, and its pictures. Raises as `outgoing_pictures.prepare_picture`."""
        given = model_inputs.input_values(job, OFFERED, engine=self.name, model=service)
        if not job.init and not job.references:
            return given, NOTHING
        if job.references:
            given["fidelity"] = round(min(job.reference_weight, 1.0), 2)
            look = outgoing_pictures.prepare_picture(
                job.references[0], engine=self.name, slimmest=outgoing_pictures.MAX_ASPECT
            )
            return given, {"image": ("image.jpg", look.data, "image/jpeg")}
        first = outgoing_pictures.prepare_picture(job.init, engine=self.name)
        files = {"image": ("image.jpg", first.data, "image/jpeg")}
        given.pop("aspect_ratio", None)  # it is the picture's
        if job.mask:  # how much is made anew is told by its grey
            drawn = outgoing_pictures.prepare_mask(job.mask, first.size, strength=job.strength)
            return given, {**files, "mask": ("mask.png", drawn, "image/png")}
        given["strength"] = round(job.strength, 2)
        return (
            given | {"mode": "image-to-image"}
            if service == hosted_services.IMAGE_TO_IMAGE_SERVICE
            else given
        ), files

    def _order_picture(
        self, service: str, fields: Mapping[str, str], files: Files, slip: PurchaseRecord
    ) -> bytes:
        slip.mark_requested()
        path = PATHS.get(service, f"generate/{service}")
        reply = self._send_form("POST", f"/v2beta/stable-image/{path}", fields, files)
        if isinstance(reply, RequestNotSent):
            slip.mark_refused()
            raise self._unreachable_error()
        if isinstance(reply, ResponseLost) or reply.status in IN_DOUBT:
            raise PictureUndelivered("engine.order_lost", engine=self.name)
        if reply.status == 503:
            slip.mark_refused()
            raise EngineBusy(
                "engine.server_refused",
                after=retry_after_seconds(reply),
                engine=self.name,
                status=503,
            )
        if reply.status >= 500:
            slip.mark_refused()  # what it says has failed is not charged
            raise EngineUnreachable("engine.server_refused", engine=self.name, status=reply.status)
        if reply.status != 200:
            slip.mark_refused()
            raise self._refusal_error(reply, service)
        if reply.headers.get("finish-reason", "SUCCESS") != "SUCCESS":
            raise PictureUndelivered("engine.content_refused", engine=self.name)
        return reply.body

    def _send_form(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        files: Files = NOTHING,
    ) -> HttpResponse | RequestNotSent | ResponseLost:
        headers = {"authorization": f"Bearer {self._token.get_secret_value()}"}
        data = b""
        if fields is not None:
            headers["accept"] = "image/*"
            headers["content-type"], data = encode_multipart(fields, files)
        return self._client.send(
            HttpRequest(method, self._url + path, headers, data, deadline=self._deadline)
        )

    def _unreachable_error(self) -> EngineUnreachable:
        return EngineUnreachable("engine.server_down", engine=self.name, url=self._url)

    def _refusal_error(self, reply: HttpResponse, model: str) -> EngineError:
        """What an answer of 4xx says, none of which is billed; its words are not repeated."""
        match reply.status:
            case 401:
                return EngineMissing("engine.token_refused", engine=self.name)
            case 402:
                return EngineMissing("engine.no_credit", engine=self.name)
            case 403:
                return PictureUndelivered("engine.content_refused", engine=self.name)
            case 404:
                return EngineMissing("engine.model_missing", model=model, engine=self.name)
            case 429:
                return EngineBusy("engine.server_refused", after=REST, engine=self.name, status=429)
            case _:
                return EngineMissing("engine.order_refused", engine=self.name, status=reply.status)
