"""Wiring of a process: builds every service once and passes each function what it uses."""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar, cast
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from channels.accounts.queries import Channel
from channels.attempts import permit_uses
from channels.connections.account_setup import IsReachable
from channels.links import media_urls
from channels.listening import comments
from channels.manual_tasks import task_lifecycle
from channels.metrics import platform_readings
from channels.sending import reconciliation, step_runner
from channels.sending.step_runner import PreparedStep, SettleAttempt
from connectors.age_verification import providers
from connectors.age_verification.providers import AgeProvider
from connectors.contract.balance import MovementPage, SupportsBalance
from connectors.contract.chats import ChatConnector
from connectors.contract.comments import CommentPage, ModerationAction, SupportsComments
from connectors.contract.connector import Connector, PlatformCopy
from connectors.contract.earnings import Earnings, SupportsEarnings, TimeSpan
from connectors.contract.outcomes import LookupResult, Outcome, Reauthorize
from connectors.contract.paid_media import PaidMessageStatus
from connectors.contract.post_presence import PostPresence
from connectors.registry import loader
from connectors.transport.transport import Transport
from foundation.db.database import Database, OpenScope
from foundation.errors import Unavailable
from foundation.http import address_policy
from foundation.http.address_policy import AddressPolicy
from foundation.http.http_client import HttpClient
from foundation.money import parse_amounts, parse_token_prices
from foundation.ops.clock import wall_now
from foundation.ops.settings import SandboxSettings, Settings, WebSettings
from foundation.sealed import RevealSecret, Sealed, SealSecret
from foundation.storage.archive import Archive, open_archive
from foundation.storage.object_store import ObjectStore, open_library_store
from gate.contract.units import Subject
from gate.log.signed_checkpoints import LogKey
from gate.permits import issuance
from gate.permits.issuance import MintPermit
from gate.policy import active_policy
from gate.text import urls
from generators import registry
from generators.contract.classifier import Classifier
from generators.contract.engines import (
    GeneratedText,
    ImageEngine,
    TextEngine,
    TextJob,
    VisionEngine,
)
from generators.contract.picture_checks import PictureChecks
from generators.contract.speech import SpeechEngine
from generators.contract.video import VideoEngine
from generators.provenance import content_credentials
from generators.provenance.content_credentials import LoadCredential
from generators.retouch.backgrounds import BackgroundRemover
from generators.retouch.upscaler import Upscaler
from studio.costs.text_requests import TextBilling
from studio.ingest.face_comparison import FaceComparison
from subscribers.rails import installed_rails
from subscribers.rails.contract import Rails
from tenants.scope import scope_opener
from tenants.vault import envelope, sealed_intake, unseal

T = TypeVar("T")


def build_once(make: Callable[[], T]) -> Callable[[], T]:
    """Return a function that creates an object at its first call and then returns it, in any
    thread. Engines take seconds and memory to create."""
    lock = threading.Lock()
    made = list[T]()

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


@dataclass(frozen=True)
class Services:
    """The services that handlers, listeners and commands are built from."""

    settings: Settings
    database: Database
    tenant: OpenScope
    store: ObjectStore
    archive: Archive
    log_key: LogKey
    transport: Transport
    connectors: Mapping[str, Connector]
    age_providers: Mapping[str, AgeProvider]
    reveal: RevealSecret
    seal: SealSecret
    read_form: sealed_intake.ReadForm
    may_reach: IsReachable
    mint: MintPermit
    rails: Rails
    image_engine: Callable[[], ImageEngine]
    image_engine_named: Callable[[str], ImageEngine]
    film_engine: Callable[[], VideoEngine]
    text_engine: Callable[[], TextEngine]
    chat_engine: Callable[[], TextEngine]
    vision_engine: Callable[[], VisionEngine]
    speech_engines: Callable[[], Sequence[SpeechEngine]]
    background_cutter: Callable[[], BackgroundRemover | None]
    upscaler: Callable[[], Upscaler | None]
    credential: LoadCredential
    classifier: Classifier | None
    picture_checks: PictureChecks | None
    face_comparison: FaceComparison

    @property
    def chat_connectors(self) -> Mapping[str, ChatConnector]:
        """Return the connectors that support chats."""
        able = {name: one for name, one in self.connectors.items() if one.capabilities.can_chat}
        return cast(Mapping[str, ChatConnector], able)

    def run_steps(self, armed: PreparedStep, settle: SettleAttempt | None = None) -> Outcome:
        """Run the steps of a prepared attempt to its end and settle it."""
        arm_next = partial(
            step_runner.prepare_next_step, connectors=self.connectors, mint=self.mint
        )
        end = step_runner.run_steps(
            armed, tenant=self.tenant, transport=self.transport, arm_next=arm_next, settle=settle
        )
        if isinstance(end, step_runner.StagedUploads):
            raise TypeError("a send does not end staged")
        return end

    def run_upload_steps(self, armed: PreparedStep) -> Outcome | step_runner.StagedUploads:
        """Run the uploads of a prepared attempt until only its last step is left."""
        arm_next = partial(
            step_runner.prepare_next_step, connectors=self.connectors, mint=self.mint
        )
        return step_runner.run_steps(
            armed, tenant=self.tenant, transport=self.transport, arm_next=arm_next
        )

    def look_up_delivery(self, tenant_id: UUID, subject: Subject, part: int = 0) -> LookupResult:
        """Look up the content that an attempt may have published."""
        return reconciliation.look_up_attempt(
            tenant_id,
            subject,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
            part=part,
        )

    def write_reply(self, job: TextJob) -> GeneratedText:
        """Write a chat reply with the configured engine."""
        return self.chat_engine().write(job)

    def read_metrics(
        self, tenant_id: UUID, channel_id: UUID, native_id: str
    ) -> Mapping[str, int] | None:
        """Return the metrics of a post."""
        return platform_readings.read_metrics(
            tenant_id,
            channel_id,
            native_id,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    @property
    def billing(self) -> TextBilling:
        """Return the prices of text models and the spending cap of each agency."""
        known = self.settings.generators
        return TextBilling(
            parse_token_prices(known.text_prices), parse_amounts(known.spending_caps)
        )

    @property
    def metered_platforms(self) -> frozenset[str]:
        """Return the platforms that charge for each request."""
        return frozenset(
            name for name, one in self.connectors.items() if one.capabilities.cost == "used"
        )

    @property
    def earnings_platforms(self) -> Mapping[str, str]:
        """Return the platforms that report an account's earnings, with their names in
        accounting."""
        return {
            name: one.earns_as
            for name, one in self.connectors.items()
            if isinstance(one, SupportsEarnings)
        }

    def read_earnings(
        self, tenant_id: UUID, channel_id: UUID, span: TimeSpan
    ) -> Earnings | Reauthorize | None:
        """Return the earnings of an account."""
        return platform_readings.read_earnings(
            tenant_id,
            channel_id,
            span,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    @property
    def transaction_platforms(self) -> frozenset[str]:
        """Return the platforms that list an account's transactions."""
        return frozenset(
            name for name, one in self.connectors.items() if isinstance(one, SupportsBalance)
        )

    def list_transactions(
        self, tenant_id: UUID, channel_id: UUID, start: int
    ) -> MovementPage | None:
        """Return a page of an account's transactions."""
        return platform_readings.read_movements(
            tenant_id,
            channel_id,
            start,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def read_unlock_state(
        self, tenant_id: UUID, channel_id: UUID, copy: PlatformCopy, since: datetime
    ) -> PaidMessageStatus | None:
        """Return the payment status of a locked message."""
        return platform_readings.read_paid_message(
            tenant_id,
            channel_id,
            copy,
            since,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def check_live_post(
        self, tenant_id: UUID, channel_id: UUID, native_id: str, counted: bool
    ) -> PostPresence | None:
        """Check that a post is still live. `counted` is True if its metrics were just read."""
        return platform_readings.check_live_post(
            tenant_id,
            channel_id,
            native_id,
            counted=counted,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def count_followers(self, tenant_id: UUID, channel_id: UUID) -> int | None:
        """Return the number of an account's followers."""
        return platform_readings.read_followers(
            tenant_id,
            channel_id,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def read_invites(self, tenant_id: UUID, channel_id: UUID) -> Mapping[str, int] | None:
        """Return the uses of the invites of an account's community by code."""
        return platform_readings.read_invites(
            tenant_id,
            channel_id,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def read_join_time(self, tenant_id: UUID, channel_id: UUID, fan: str) -> datetime | None:
        """Return the time at which a user joined an account's community."""
        return platform_readings.read_join_time(
            tenant_id,
            channel_id,
            fan,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    @property
    def comment_poll_intervals(self) -> Mapping[str, timedelta]:
        """Return the minimum interval between two reads of comments, by platform."""
        able = {
            name: one for name, one in self.connectors.items() if isinstance(one, SupportsComments)
        }
        return {
            name: timedelta(minutes=one.capabilities.remarks_every) for name, one in able.items()
        }

    def fetch_comments(
        self, tenant_id: UUID, channel_id: UUID
    ) -> tuple[Channel, CommentPage] | None:
        """Return the comments on an account since the last read."""
        return comments.read_comments(tenant_id, channel_id, ear=self._comment_reader)

    def moderate_comment(
        self, tenant_id: UUID, channel_id: UUID, native_id: str, author: str, act: ModerationAction
    ) -> Outcome:
        """Moderate a comment."""
        return comments.moderate_comment(
            tenant_id, channel_id, native_id, author, act, ear=self._comment_reader
        )

    @property
    def _comment_reader(self) -> comments.CommentReader:
        return comments.CommentReader(self.tenant, self.transport, self.connectors)


def permit_signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key that signs permits, from the settings. Raises Unavailable without one."""
    try:
        raw = base64.b64decode(settings.gate.signing_key.get_secret_value(), validate=True)
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError as error:
        raise Unavailable("wiring.no_signing_key") from error


@contextmanager
def build_services(settings: Settings, *, pool_size: int, application: str) -> Iterator[Services]:
    """Build all services of a process and release them at the end. Raises Unavailable."""
    master_key = envelope.parse_master_key(settings.tenants.master_key.get_secret_value())
    key = permit_signing_key(settings)
    known = settings.generators
    active_policy.set_trusted_keys(settings.gate.policy_keys)
    urls.set_own_hosts(own_page_hosts(settings))
    database = Database(
        settings.database.work_url.get_secret_value(), pool_size=pool_size, application=application
    )
    tenant = scope_opener(database)
    store = open_library_store(settings)
    reveal, seal = unseal.vault_functions(tenant, master_key)
    classifier = registry.load_classifier(known)
    reach = allowed_reach(settings)
    http = HttpClient(reach=reach)
    try:
        yield Services(
            settings=settings,
            database=database,
            tenant=tenant,
            store=store,
            archive=open_archive(settings),
            log_key=LogKey.derive(master_key),
            transport=_build_transport(
                settings, tenant, http=http, store=store, reveal=reveal, seal=seal, key=key
            ),
            connectors=loader.load_connectors(),
            age_providers=providers.load_age_providers(),
            reveal=reveal,
            seal=seal,
            read_form=partial(_read_form, master_key, seal),
            may_reach=partial(address_policy.can_connect, reach=reach),
            mint=partial(issuance.mint_permit, key=key, own_hosts=own_page_hosts(settings)),
            rails=installed_rails.load_rails(order_signing_key(master_key)),
            image_engine=build_once(lambda: registry.load_image_engine(known)),
            image_engine_named=_named_engines(settings),
            film_engine=build_once(lambda: registry.load_video_engine(known)),
            text_engine=build_once(lambda: registry.load_text_engine(known)),
            chat_engine=build_once(lambda: registry.load_chat_engine(known)),
            # loaded each time, since models are installed and removed
            vision_engine=partial(registry.load_vision_engine, known),
            speech_engines=build_once(lambda: registry.load_speech_engines(known)),
            background_cutter=build_once(lambda: registry.load_background_remover(known)),
            upscaler=build_once(lambda: registry.load_upscaler(known)),
            credential=build_once(lambda: _load_signing_credential(settings)),
            classifier=classifier,
            picture_checks=registry.load_picture_checks(known),
            face_comparison=FaceComparison(
                tenant,
                store,
                classifier,
                reveal,
                seal,
                alike=known.faces_alike_percent,
            ),
        )
    finally:
        http.close()
        database.close()


def _load_signing_credential(settings: Settings) -> content_credentials.SigningCredential:
    return content_credentials.load_credential(settings.home / "provenance", now=wall_now())


def _build_transport(
    settings: Settings,
    tenant: OpenScope,
    *,
    http: HttpClient,
    store: ObjectStore,
    reveal: RevealSecret,
    seal: SealSecret,
    key: Ed25519PrivateKey,
) -> Transport:
    return Transport(
        http=http,
        reveal=reveal,
        seal=seal,
        read_object=store.get,
        verify_key=key.public_key(),
        record=partial(permit_uses.record_permit_use, tenant=tenant),
        hand_over=partial(task_lifecycle.create_manual_task, tenant=tenant),
        lend=partial(media_urls.create_media_url, tenant=tenant, base=media_base_url(settings)),
    )


def _named_engines(settings: Settings) -> Callable[[str], ImageEngine]:
    """Return a function that returns an engine by the name in a recipe. Each is built at its first
    use."""
    makers = {
        name: build_once(partial(registry.load_image_engine, settings.generators, name))
        for name in registry.ENGINE_SETTINGS
    }
    return lambda name: makers[name]()


def _read_form(
    master_key: bytes, seal: SealSecret, tenant_id: UUID, letter: bytes, secret: frozenset[str]
) -> Mapping[str, str | Sealed]:
    """Return the fields of a form that a member submitted; secret ones are sealed."""
    form = sealed_intake.unseal_form(master_key, tenant_id, letter)
    return {
        name: seal(tenant_id, typed) if typed and name in secret else typed
        for name, typed in form.items()
    }


def allowed_reach(settings: Settings) -> AddressPolicy:
    """Return the addresses that requests to platforms may reach: the public internet and those in
    the settings."""
    return address_policy.PublicAddressPolicy(
        [
            *_local_origins(settings.web),
            *_local_origins(settings.sandbox),
            settings.web.public_url,
            *settings.connectors.base_urls.values(),
            *settings.reachable_origins,
        ],
        hosts=_sandbox_host(settings.sandbox),
    )


def outside_reach(settings: Settings) -> AddressPolicy:
    """Return the addresses that URLs typed by members (feeds, webhooks) may reach.

    These are the public internet and the origins that the operator allowed, but not this
    installation. Outside production the test network is included.
    """
    sandbox = () if settings.environment == "production" else _local_origins(settings.sandbox)
    return address_policy.PublicAddressPolicy(
        [*sandbox, *settings.reachable_origins], hosts=_sandbox_host(settings.sandbox)
    )


def _local_origins(place: WebSettings | SandboxSettings) -> list[str]:
    """Return the origins under which our own processes reach one of our servers."""
    here = [f"http://{host}:{place.port}" for host in dict.fromkeys((place.host, "127.0.0.1"))]
    return here + (
        [place.inside_url] if isinstance(place, WebSettings) and place.inside_url else []
    )


def _sandbox_host(sandbox: SandboxSettings) -> dict[str, str]:
    """Return the host that listens for the address of the test network, if it is not this machine:
    its links lead to the address that a browser reaches."""
    if not sandbox.inside_host:
        return {}
    return {sandbox.public_url: sandbox.inside_host}


def media_base_url(settings: Settings) -> str:
    """Return the base URL from which platforms fetch files, or "" if they cannot reach this
    installation."""
    test = settings.environment == "test"
    return settings.public_url if test or settings.public_url.startswith("https://") else ""


def order_signing_key(master_key: bytes) -> bytes:
    """Return the key that signs the payload of invoices, derived from the master key (HKDF, RFC
    5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"greenroom order payload").derive(
        master_key
    )


def own_page_hosts(settings: Settings) -> tuple[str, ...]:
    """Return the hosts of creators' pages. Links to them need no registration."""
    return (urlsplit(settings.web.public_url).netloc,)
