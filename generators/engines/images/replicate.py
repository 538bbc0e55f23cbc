"""Paid pictures from a model hosted by Replicate.

Replicate has no idempotency keys, and a prediction is billed once it runs. Each prediction
therefore contains our marker as an extra input, which models ignore
(https://github.com/replicate/cog/pull/2943). The ID of a prediction is stored first, and if it is
unknown whether an order was accepted, the marker is looked up before another order is placed.
Replicate deletes inputs and outputs after an hour:
https://replicate.com/docs/topics/predictions/data-retention. Requests:
https://replicate.com/docs/reference/http
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from foundation.http.http_client import (
    RESPONSE_TOO_LARGE,
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
)
from foundation.http.retry_after import read_retry_after
from foundation.ids import uuid7
from foundation.money import Price, parse_prices
from foundation.ops.clock import monotonic, sleep, wall_now
from foundation.ops.settings import GeneratorsSettings
from generators.contract import hosted_services
from generators.contract.engines import (
    EngineBusy,
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
from generators.engines.images import model_inputs, picture_inputs, received_pictures
from generators.engines.images.model_inputs import ModelInputs

OURS = "greenroom"
"""Name of the input that contains the marker."""

TRIES = 2
"""Maximum number of orders in one call; another order is placed only if the previous one was not
accepted."""

FIRST_LOOK = 0.5
MAX_POLL_SECONDS = 5.0
MAX_WAIT_SECONDS = 1800.0
"""Maximum seconds to wait for a prediction; Replicate ends it after thirty minutes."""

LISTED_AFTER = 15.0
"""Seconds after a request's deadline within which an accepted prediction appears in the list."""

FORGOTTEN = timedelta(minutes=55)
"""Age from which a prediction can no longer be looked up: Replicate deletes its inputs, including
our marker, after an hour."""

SKEW = timedelta(minutes=2)
PAGES = 20
MAX_PAGE = 64 * 1024 * 1024
"""Maximum size in bytes of a page of the list: a hundred predictions with their pictures
(`outgoing_pictures.INLINE_BYTES`)."""

WHOLE = 100
MAX_RETRY_SECONDS = 3600.0
DEFAULT_RETRY_SECONDS = 30.0
_OK = 200
_TAKEN = (200, 201, 202)
_SUCCEEDED = "succeeded"
_GOING = ("starting", "processing")
_PERCENT = re.compile(r"(\d{1,3})%\|")
_RESETS = re.compile(r"resets in ~(\d{1,5})s")
_INDECENT = re.compile(r"nsfw|safety|sensitive|moderat", re.IGNORECASE)


@dataclass(frozen=True)
class ReplicateService:
    """The URL of the service, its token, and the allowed origin of output files."""

    url: str
    token: SecretStr
    files: str


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """Return the engine of the configured model, or None. Raises EngineMissing without a token or a
    price."""
    if not settings.replicate_model:
        return None
    if not settings.replicate_token.get_secret_value():
        raise EngineMissing("engine.token_missing", engine="replicate")
    service = ReplicateService(
        settings.replicate_url, settings.replicate_token, settings.replicate_files_url
    )
    engine = Replicate(service, settings.replicate_model, known_prices(settings))
    engine.price_of(engine.model)
    return engine


def known_prices(settings: GeneratorsSettings) -> dict[str, Price]:
    """Return the prices in the settings. Raises EngineMissing if they cannot be parsed."""
    try:
        return parse_prices(settings.prices)
    except ValueError as error:
        raise EngineMissing("engine.prices_unread") from error


class Replicate:
    """An account at Replicate, and the models that have a price."""

    name = "replicate"
    does = hosted_services.supported_inputs(hosted_services.REPLICATE_ENGINE)

    def __init__(
        self,
        service: ReplicateService,
        model: str,
        known: Mapping[str, Price],
        *,
        deadline: float = 30.0,
        listed_after: float = LISTED_AFTER,
        look: float = FIRST_LOOK,
        seconds: float = MAX_WAIT_SECONDS,
    ) -> None:
        self._service = service
        self.model = model
        self._prices = known
        self._url = service.url.rstrip("/") + "/v1"
        self._deadline = deadline
        self._listed_after = deadline + listed_after
        self._seconds = seconds
        self._look = look
        self._client = HttpClient(max_connections=8)
        self._inputs = lru_cache(maxsize=32)(self._fetch_model_inputs)

    def price_of(self, model: str) -> Price:
        """Return the price of a model's picture. Raises EngineMissing if the settings contain
        none."""
        if (found := self._prices.get(model)) is None:
            raise EngineMissing("engine.price_missing", engine=self.name, model=model)
        return found

    def price(self, job: ImageJob) -> Price:
        """Return the price of the picture. Raises EngineMissing if the settings contain none."""
        return self.price_of(job.model or self.model)

    def check(self) -> None:
        """Query the account of the token, which is free. Raises EngineError."""
        self._get_json("/account")

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Buy a picture without a stored record, for manual trials. Raises the errors of `buy`; an
        exception of `progress` cancels the prediction."""
        slip = PurchaseRecord(str(uuid7()))
        try:
            return self.buy(job, slip, progress)
        except EngineUnreachable:
            raise
        except BaseException:
            self.cancel(slip)
            raise

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        """Return the picture of the purchase: resume an earlier order if there is one, otherwise
        place one.

        Raises EngineMissing (token, credit, model, inputs), EngineBusy, EngineUnreachable (the
        order continues), PictureUndelivered. An exception of `progress` is passed on.
        """
        check_inputs_supported(self, job)
        model = job.model or self.model
        self.price_of(model)
        offered = self._inputs(model)
        given = model_inputs.input_values(
            job, offered, engine=self.name, model=model
        ) | picture_inputs.picture_parameters(job, offered)
        sent = picture_inputs.picture_inputs(job, offered, engine=self.name)
        progress(0, WHOLE)
        if not slip.order and not (slip.since and self._reconcile_order(slip)):
            self._create_prediction(model, {**given, **sent}, slip)
        told = self._wait_for_prediction(slip, progress)
        picture = received_pictures.read_delivered_picture(
            self._download_output(told), job, engine=self.name, model=model, given=given
        )
        progress(WHOLE, WHOLE)
        return picture

    def cancel(self, slip: PurchaseRecord) -> None:
        """Cancel the prediction; one that has not started is free. Raises no errors: a prediction
        whose cancellation gets no response counts as billed."""
        if not slip.order:
            return
        try:
            told = self._get_json(
                f"/predictions/{quote(slip.order, safe='')}/cancel", method="POST"
            )
        except (EngineMissing, EngineUnreachable, PictureUndelivered):
            return
        if _is_never_started(told):
            slip.mark_refused()

    def _create_prediction(
        self, model: str, given: Mapping[str, Any], slip: PurchaseRecord
    ) -> None:
        """Place the order once. After a lost response or a server error, the outcome is unknown and
        the prediction is looked up."""
        path, body = _prediction_request(model)
        body["input"] = {**given, OURS: slip.marker}
        for _ in range(TRIES):
            slip.mark_requested()
            reply = self._send_api_request("POST", path, body)
            if isinstance(reply, RequestNotSent):
                slip.mark_refused()
                raise self._unreachable_error()
            if (
                isinstance(reply, HttpResponse)
                and 400 <= reply.status < 500
                and reply.status != 408
            ):
                slip.mark_refused()
                raise self._refusal_error(reply, model)
            if (
                isinstance(reply, HttpResponse)
                and reply.status in _TAKEN
                and (order := _prediction_id(reply.json_body()))
            ):
                slip.mark_ordered(order)
                return
            if self._reconcile_order(slip):
                return
        raise self._unreachable_error()

    def _reconcile_order(self, slip: PurchaseRecord) -> bool:
        """Look up an order whose response was lost, until the time by which it must be in the list.
        Return True if it exists.

        Raises PictureUndelivered if this can no longer be determined.
        """
        while slip.since is not None:
            if wall_now() - slip.since > FORGOTTEN:
                raise PictureUndelivered("engine.order_lost", engine=self.name)
            late = (wall_now() - slip.since).total_seconds() >= self._listed_after
            if order := self._find_prediction_id(slip.marker, slip.since - SKEW):
                slip.mark_ordered(order)
                return True
            if late:
                slip.mark_refused()
                return False
            sleep(self._look * 2)
        return False

    def _find_prediction_id(self, marker: str, since: datetime) -> str:
        """Return the ID of the prediction with our marker, or "" if there is none. A page contains
        a hundred predictions, newest first."""
        path = "/predictions?" + urlencode({"created_after": since.isoformat()})
        for _ in range(PAGES):
            page = self._get_json(path)
            for one in self._page_results(page):
                if (
                    _prediction_marker(
                        one
                        if isinstance(one.get("input"), dict)
                        else self._get_prediction(_prediction_id(one))
                    )
                    == marker
                ):
                    return _prediction_id(one)
            # Only the query is used: the host in the response is untrusted.
            cursor = urlsplit(str(page.get("next") or "")).query
            if not cursor:
                return ""
            path = "/predictions?" + cursor
        # The end of the list was not reached: the order may be there.
        raise PictureUndelivered("engine.order_lost", engine=self.name)

    def _page_results(self, page: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the predictions of a page. Raises EngineUnreachable for a malformed page, because
        it does not prove that an order is absent."""
        found = page.get("results")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        return found

    def _wait_for_prediction(self, slip: PurchaseRecord, progress: Progress) -> Mapping[str, Any]:
        until = monotonic() + self._seconds
        look = self._look
        done = 0
        while True:
            told = self._get_prediction(slip.order)
            state = told.get("status")
            if state == _SUCCEEDED:
                return told
            if state not in _GOING:
                raise self._prediction_error(told, slip)
            done = max(done, _progress_percent(told))
            progress(done, WHOLE)
            if monotonic() > until:
                raise EngineUnreachable(
                    "engine.too_slow", engine=self.name, minutes=round(self._seconds / 60)
                )
            sleep(look)
            look = min(look * 1.5, MAX_POLL_SECONDS)

    def _prediction_error(
        self, told: Mapping[str, Any], slip: PurchaseRecord
    ) -> PictureUndelivered:
        """Return the error of a failed, canceled or aborted prediction
        (https://replicate.com/docs/topics/predictions/lifecycle)."""
        if _is_never_started(told):
            slip.mark_refused()
        if told.get("status") != "failed":
            return PictureUndelivered("engine.order_cancelled", engine=self.name)
        indecent = _INDECENT.search(str(told.get("error"))[:2000])
        return PictureUndelivered(
            "engine.content_refused" if indecent else "engine.order_failed", engine=self.name
        )

    def _download_output(self, told: Mapping[str, Any]) -> bytes:
        """Download the first output picture from the allowed origin, without the token."""
        output = told.get("output")
        url = output[0] if isinstance(output, list) and output else output
        if not isinstance(url, str) or told.get("data_removed"):
            raise PictureUndelivered("engine.output_gone", engine=self.name)
        if not _comes_from(url, self._service.files):
            raise PictureUndelivered("engine.output_elsewhere", engine=self.name)
        reply = self._client.send(HttpRequest("GET", url, deadline=self._deadline * 4))
        if isinstance(reply, ResponseLost) and reply.detail == RESPONSE_TOO_LARGE:
            raise PictureUndelivered("engine.output_too_large", engine=self.name)
        if (
            isinstance(reply, RequestNotSent | ResponseLost)
            or reply.status >= 500
            or reply.status == 429
        ):
            # The download is retried, not the order.
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        if reply.status != _OK:
            raise PictureUndelivered("engine.output_gone", engine=self.name)
        return reply.body

    def _fetch_model_inputs(self, model: str) -> ModelInputs:
        owner, _, version = model.partition(":")
        path = f"/models/{quote(owner)}"
        told = self._get_json(f"{path}/versions/{quote(version)}" if version else path)
        latest = told if version else told.get("latest_version")
        return model_inputs.parse_model_inputs(
            latest.get("openapi_schema") if isinstance(latest, dict) else None, model=model
        )

    def _get_prediction(self, order: str) -> dict[str, Any]:
        return self._get_json(f"/predictions/{quote(order, safe='')}", gone=True)

    def _get_json(self, path: str, *, method: str = "GET", gone: bool = False) -> dict[str, Any]:
        """Return the JSON at a path. With `gone`, status 404 means a lost order, not a missing
        model."""
        reply = self._send_api_request(method, path)
        if isinstance(reply, RequestNotSent | ResponseLost) or reply.status >= 500:
            raise self._unreachable_error()
        if gone and reply.status == 404:
            raise PictureUndelivered("engine.order_lost", engine=self.name)
        if reply.status not in _TAKEN:
            raise self._refusal_error(reply, path.removeprefix("/models/"))
        if not isinstance(told := reply.json_body(), dict):
            raise EngineUnreachable("engine.answer_broken_off", engine=self.name)
        return told

    def _send_api_request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> HttpResponse | RequestNotSent | ResponseLost:
        headers = {"authorization": f"Bearer {self._service.token.get_secret_value()}"}
        if body is not None:
            headers["content-type"] = "application/json"
        data = json.dumps(body).encode() if body is not None else b""
        return self._client.send(
            HttpRequest(method, self._url + path, headers, data, self._deadline, MAX_PAGE)
        )

    def _unreachable_error(self) -> EngineUnreachable:
        return EngineUnreachable("engine.server_down", engine=self.name)

    def _refusal_error(self, reply: HttpResponse, model: str) -> EngineMissing | EngineUnreachable:
        """Return the error for a 4xx response. The text of the response is not included."""
        match reply.status:
            case 401 | 403:
                return EngineMissing("engine.token_refused", engine=self.name)
            case 402:
                return EngineMissing("engine.no_credit", engine=self.name)
            case 404:
                return EngineMissing("engine.model_missing", model=model, engine=self.name)
            case 429:
                return EngineBusy(
                    "engine.server_refused",
                    after=retry_after_seconds(reply),
                    engine=self.name,
                    status=429,
                )
            case _:
                return EngineMissing("engine.order_refused", engine=self.name, status=reply.status)


def retry_after_seconds(reply: HttpResponse) -> float:
    """Return the seconds after which a server that responded with 429 accepts requests again, from
    the header or the text of the response."""
    wait = read_retry_after(reply.headers, now=wall_now())
    stated = _RESETS.search(reply.body[:1000].decode("utf-8", "replace"))
    if wait is not None:
        seconds = wait.total_seconds()
    else:
        seconds = float(stated[1]) if stated else DEFAULT_RETRY_SECONDS
    return min(max(seconds, 1.0), MAX_RETRY_SECONDS)


def _prediction_request(model: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a request. Official models have a separate path; others are
    requested by version."""
    name, _, version = model.partition(":")
    return (
        ("/predictions", {"version": version})
        if version
        else (f"/models/{quote(name)}/predictions", {})
    )


def _prediction_id(told: Any) -> str:
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and len(found) <= 100 else ""


def _prediction_marker(told: Mapping[str, Any]) -> Any:
    given = told.get("input")
    return given.get(OURS) if isinstance(given, dict) else None


def _is_never_started(told: Mapping[str, Any]) -> bool:
    return told.get("status") in ("canceled", "aborted", "failed") and not told.get("started_at")


def _progress_percent(told: Mapping[str, Any]) -> int:
    """Return the progress in percent from the bar that most models write to their log."""
    found = _PERCENT.findall(str(told.get("logs") or "")[-4000:])
    return min(int(found[-1]), WHOLE - 1) if found else 0


def _comes_from(url: str, origin: str) -> bool:
    """Return True if a URL has this origin or one of its subdomains."""
    try:
        one = urlsplit(url)
        known = urlsplit(origin)
        host = (one.hostname or "").lower()
        home = (known.hostname or "").lower()
        same = (one.scheme, one.port) == (known.scheme, known.port) and not one.username
    except ValueError:
        return False
    return same and (host == home or host.endswith("." + home))
