"""Paid pictures from Stability AI: one request, whose response is the picture.

The service stores neither requests nor pictures. A request without a response cannot be looked up:
it counts as paid and is not repeated. A response is stored before it is processed. Requests that
the service reports as failed are not charged. Source: `POST /v2beta/stable-image/generate/core` of
https://platform.stability.ai/docs/api-reference
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
"""Paths of services below `/v2beta/stable-image`; models are below `generate`."""

OFFERED: model_inputs.ModelInputs = {
    "prompt": {"type": "string"},
    "negative_prompt": {"type": "string"},
    "seed": {"type": "integer", "maximum": 4_294_967_294},
    "aspect_ratio": {"enum": ["16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"]},
    "output_format": {"enum": ["png"]},
}
Files = Mapping[str, tuple[str, bytes, str]]
"""Name, bytes and media type of the files in a form, by form field."""

MAX_PROMPT = 10_000
"""Maximum number of characters in a prompt."""

REST = 60.0
"""Seconds to wait after exceeding the limit of 150 requests in ten seconds."""

IN_DOUBT = (408, 502, 504)
"""Status codes sent by a proxy, after which the request may still be processed and charged."""

SECONDS = 180.0
NOTHING = {"none": ("none", b"", "application/octet-stream")}
"""An empty file part: a form without one would not be sent as multipart and would be refused."""


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """Return the engine of the configured model, or None. Raises EngineMissing without a key or a
    price."""
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
    """An account at Stability AI, and the models that have a price."""

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
        """Return the price of a picture by a model or service. Raises EngineMissing if it is
        unknown or has no price."""
        if model not in SERVICES:
            raise EngineMissing("engine.model_missing", model=model, engine=self.name)
        if (found := self._prices.get(model)) is None:
            raise EngineMissing("engine.price_missing", engine=self.name, model=model)
        return found

    def price(self, job: ImageJob) -> Price:
        """Return the price of the picture. Raises EngineMissing if the settings contain none."""
        return self.price_of(self._resolve_service(job))

    def check(self) -> None:
        """Query the remaining credit, which is free. Raises EngineError."""
        reply = self._send_form("GET", "/v1/user/balance")
        if not isinstance(reply, HttpResponse) or reply.status >= 500:
            raise self._unreachable_error()
        if reply.status != 200:
            raise self._refusal_error(reply, self.model)

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Buy a picture without a stored record, for manual trials. Raises the errors of `buy`."""
        return self.buy(job, PurchaseRecord(str(uuid7())), progress)

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        """Return the picture of the purchase, which is requested at most once; a stored response is
        used instead of a new request.

        Raises EngineMissing, EngineBusy, EngineUnreachable (nothing is charged), and
        PictureUndelivered (refused content, or unknown state). An exception of `progress` is passed
        on.
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
        """Do nothing: a request cannot be cancelled and is paid."""

    def _resolve_service(self, job: ImageJob) -> str:
        """Return the service for the job's inputs. Raises EngineMissing for an unknown model;
        services cannot be requested by name."""
        model = job.model or self.model
        if model not in MODELS:
            raise EngineMissing("engine.model_missing", model=model, engine=self.name)
        return hosted_services.priced_service(self.name, model, job.needed_inputs)

    def _build_form(
        self, job: ImageJob, service: str
    ) -> tuple[dict[str, str | int | float], Files]:
        """Return the fields and files of the form. Raises the errors of
        `outgoing_pictures.prepare_picture`."""
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
        given.pop("aspect_ratio", None)  # The initial picture sets the aspect ratio.
        if job.mask:  # The grey level of the mask contains the strength.
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
            slip.mark_refused()  # Failed requests are not charged.
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
        return EngineUnreachable("engine.server_down", engine=self.name)

    def _refusal_error(self, reply: HttpResponse, model: str) -> EngineError:
        """Return the error for a 4xx response, which is never billed. The text of the response is
        not included."""
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
