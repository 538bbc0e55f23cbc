"""The composition root: builds every part once for a process and hands each function just what it uses."""

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

from channels import carrying, handing, lending, reading, reconciling
from channels import remarks as said
from channels.carrying import Armed, Settle
from channels.enrolling import MayReach, ReadForm
from channels.reads import Channel
from connectors import ages
from connectors import registry as connector_registry
from connectors.ages import AgeProvider
from connectors.contract import ChatConnector, Connector, Copy
from connectors.earning import Earned, Earnings, Span
from connectors.locking import Locked
from connectors.outcomes import Outcome, Reauthorize, Sighting
from connectors.purse import Listed, Lists
from connectors.remarks import Act, Remarked, Remarks
from connectors.standing import Stand
from connectors.transport import Transport
from foundation import addresses
from foundation.addresses import Reach
from foundation.archive import Archive, archive
from foundation.clock import wall_now
from foundation.database import Database, OpenScope
from foundation.errors import Unavailable
from foundation.http import HttpClient
from foundation.money import amounts, token_prices
from foundation.sealed import Reveal, Seal, Sealed
from foundation.settings import Settings
from foundation.storage import ObjectStore, library
from gate import inforce, minting
from gate.checkpoints import LogKey
from gate.permit import Permit
from gate.units import Subject
from generators import provenance
from generators import registry as engines
from generators.animating import FilmEngine
from generators.classifying import Classifier
from generators.contract import ImageEngine, SeeingEngine, TextEngine, TextJob, Written
from generators.cutouts import Cutter
from generators.provenance import Credential
from generators.speech import SpeechEngine
from generators.upscaling import Upscaler
from studio.comparing import Comparing
from studio.text_costs import Billing
from subscribers.rails import registry as rail_registry
from subscribers.rails.contract import Rails
from tenants import letterbox, unseal, vault
from tenants.scope import opener

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """Made at its first use and then kept, whatever the thread: engines take seconds and memory."""
    lock, made = threading.Lock(), list[T]()

    def get() -> T:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


Mint = Callable[..., Permit]


@dataclass(frozen=True)
class Services:
    """What handlers, listeners and commands are made of."""

    settings: Settings
    database: Database
    tenant: OpenScope
    store: ObjectStore
    archive: Archive
    log_key: LogKey
    transport: Transport
    connectors: Mapping[str, Connector]
    age_providers: Mapping[str, AgeProvider]
    reveal: Reveal
    seal: Seal
    read_form: ReadForm
    may_reach: MayReach
    mint: Mint
    rails: Rails
    image_engine: Callable[[], ImageEngine]
    image_engine_named: Callable[[str], ImageEngine]
    film_engine: Callable[[], FilmEngine]
    text_engine: Callable[[], TextEngine]
    chat_engine: Callable[[], TextEngine]
    seeing_engine: Callable[[], SeeingEngine]
    speech_engines: Callable[[], Sequence[SpeechEngine]]
    cutter: Callable[[], Cutter | None]
    upscaler: Callable[[], Upscaler | None]
    credential: Callable[[], Credential]
    classifier: Classifier | None
    comparing: Comparing

    @property
    def chat_connectors(self) -> Mapping[str, ChatConnector]:
        """The connectors one can talk through."""
        able = {name: one for name, one in self.connectors.items() if one.capabilities.can_chat}
        return cast(Mapping[str, ChatConnector], able)

    def carry(self, armed: Armed, settle: Settle | None = None) -> Outcome:
        """Carry an armed step to its end, and settle it there."""
        arm_next = partial(carrying.arm_next, connectors=self.connectors, mint=self.mint)
        end = carrying.carry(armed, tenant=self.tenant, transport=self.transport, arm_next=arm_next, settle=settle)
        if isinstance(end, carrying.Staged):
            raise TypeError("a send does not end staged")
        return end

    def upload(self, armed: Armed) -> Outcome | carrying.Staged:
        """Carry an armed upload, and those that follow, until only the last step is left."""
        arm_next = partial(carrying.arm_next, connectors=self.connectors, mint=self.mint)
        return carrying.carry(armed, tenant=self.tenant, transport=self.transport, arm_next=arm_next)

    def look(self, tenant_id: UUID, subject: Subject, part: int = 0) -> Sighting:
        """Look for what an attempt may have made visible."""
        return reconciling.look(
            tenant_id, subject, tenant=self.tenant, transport=self.transport, connectors=self.connectors, part=part
        )

    def write(self, job: TextJob) -> Written:
        """Write a chat's answer with the engine of this installation."""
        return self.chat_engine().write(job)

    def read(self, tenant_id: UUID, channel_id: UUID, native_id: str) -> Mapping[str, int] | None:
        """The numbers of a copy."""
        return reading.read(
            tenant_id,
            channel_id,
            native_id,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    @property
    def billing(self) -> Billing:
        """What text models cost, and what each agency may spend."""
        known = self.settings.generators
        return Billing(token_prices(known.text_prices), amounts(known.spending_caps))

    @property
    def dear(self) -> frozenset[str]:
        """Platforms that charge for each request."""
        return frozenset(name for name, one in self.connectors.items() if one.capabilities.cost == "used")

    @property
    def earns(self) -> Mapping[str, str]:
        """Platforms that tell what an account earned, with their names in books."""
        return {name: one.earns_as for name, one in self.connectors.items() if isinstance(one, Earned)}

    def earnings(self, tenant_id: UUID, channel_id: UUID, span: Span) -> Earnings | Reauthorize | None:
        """What an account earned."""
        return reading.earnings(
            tenant_id, channel_id, span, tenant=self.tenant, transport=self.transport, connectors=self.connectors
        )

    @property
    def lists(self) -> frozenset[str]:
        """Platforms that list the movements of an account's money."""
        return frozenset(name for name, one in self.connectors.items() if isinstance(one, Lists))

    def movements(self, tenant_id: UUID, channel_id: UUID, start: int) -> Listed | None:
        """A page of what moved on an account."""
        return reading.movements(
            tenant_id, channel_id, start, tenant=self.tenant, transport=self.transport, connectors=self.connectors
        )

    def locked(self, tenant_id: UUID, channel_id: UUID, copy: Copy, since: datetime) -> Locked | None:
        """Whether a message behind a price was bought."""
        return reading.locked(
            tenant_id,
            channel_id,
            copy,
            since,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def still(self, tenant_id: UUID, channel_id: UUID, native_id: str, counted: bool) -> Stand | None:
        """Whether a post stands where it was put; `counted`: its numbers were told just now."""
        return reading.still(
            tenant_id,
            channel_id,
            native_id,
            counted=counted,
            tenant=self.tenant,
            transport=self.transport,
            connectors=self.connectors,
        )

    def followers(self, tenant_id: UUID, channel_id: UUID) -> int | None:
        """How many follow an account."""
        return reading.followers(
            tenant_id, channel_id, tenant=self.tenant, transport=self.transport, connectors=self.connectors
        )

    @property
    def remarks_every(self) -> Mapping[str, timedelta]:
        """How long each platform is left alone between two questions for what people say there."""
        able = {name: one for name, one in self.connectors.items() if isinstance(one, Remarked)}
        return {name: timedelta(minutes=one.capabilities.remarks_every) for name, one in able.items()}

    def remarks(self, tenant_id: UUID, channel_id: UUID) -> tuple[Channel, Remarks] | None:
        """What people said on an account since the last time."""
        return said.heard(tenant_id, channel_id, ear=self._ear)

    def moderate(self, tenant_id: UUID, channel_id: UUID, native_id: str, author: str, act: Act) -> Outcome:
        """Act on what somebody said."""
        return said.moderate(tenant_id, channel_id, native_id, author, act, ear=self._ear)

    @property
    def _ear(self) -> said.Ear:
        return said.Ear(self.tenant, self.transport, self.connectors)


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The permit key from settings. Raises Unavailable without one."""
    try:
        raw = base64.b64decode(settings.gate.signing_key.get_secret_value(), validate=True)
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError as error:
        raise Unavailable("wiring.no_signing_key") from error


@contextmanager
def wire(settings: Settings, *, pool_size: int, application: str) -> Iterator[Services]:
    """Every part of a process, given back at the end. Raises Unavailable when a key is missing."""
    master_key = vault.master(settings.tenants.master_key.get_secret_value())
    key = signing_key(settings)
    inforce.trust(settings.gate.policy_keys)
    database = Database(settings.database.work_url.get_secret_value(), pool_size=pool_size, application=application)
    tenant = opener(database)
    store = library(settings)
    reveal, seal = unseal.revealing(tenant, master_key)
    classifier = engines.classifier(settings.generators)
    reach = reach_of(settings)
    http = HttpClient(reach=reach)
    try:
        yield Services(
            settings=settings,
            database=database,
            tenant=tenant,
            store=store,
            archive=archive(settings),
            log_key=LogKey.derived(master_key),
            transport=Transport(
                http=http,
                reveal=reveal,
                seal=seal,
                read_object=store.get,
                verify_key=key.public_key(),
                hand_over=partial(handing.hand_over, tenant=tenant),
                lend=partial(lending.lend, tenant=tenant, base=fetched_from(settings)),
            ),
            connectors=connector_registry.load(),
            age_providers=ages.load(),
            reveal=reveal,
            seal=seal,
            read_form=partial(_read_form, master_key, seal),
            may_reach=partial(addresses.may_reach, reach=reach),
            mint=partial(minting.mint, key=key, own_hosts=own_hosts(settings)),
            rails=rail_registry.load(rail_key(master_key)),
            image_engine=once(lambda: engines.image_engine(settings.generators)),
            image_engine_named=_named_engines(settings),
            film_engine=once(lambda: engines.film_engine(settings.generators)),
            text_engine=once(lambda: engines.text_engine(settings.generators)),
            chat_engine=once(lambda: engines.chat_engine(settings.generators)),
            seeing_engine=partial(engines.seeing_engine, settings.generators),  # asked each time: models come and go
            speech_engines=once(lambda: engines.speech_engines(settings.generators)),
            cutter=once(lambda: engines.cutter(settings.generators)),
            upscaler=once(lambda: engines.upscaler(settings.generators)),
            credential=once(lambda: provenance.credential_in(settings.home / "provenance", now=wall_now())),
            classifier=classifier,
            comparing=Comparing(tenant, store, classifier, reveal, seal, alike=settings.generators.faces_alike_percent),
        )
    finally:
        http.close()
        database.close()


def _named_engines(settings: Settings) -> Callable[[str], ImageEngine]:
    """The engines that recipes name, each built once, when it is first asked for."""
    makers = {name: once(partial(engines.image_engine, settings.generators, name)) for name in engines.REAL}
    return lambda name: makers[name]()


def _read_form(
    master_key: bytes, seal: Seal, tenant_id: UUID, letter: bytes, secret: frozenset[str]
) -> Mapping[str, str | Sealed]:
    """The fields of a form a person filled in; the secret ones leave here sealed."""
    form = letterbox.read(master_key, tenant_id, letter)
    return {name: seal(tenant_id, typed) if typed and name in secret else typed for name, typed in form.items()}


def reach_of(settings: Settings) -> Reach:
    """Where requests may go: in production to the public internet and to what the settings name."""
    if settings.environment != "production":
        return addresses.anywhere
    places = (settings.web, settings.sandbox)
    here = [f"http://{host}:{place.port}" for place in places for host in (place.host, "127.0.0.1")]
    named = [place.inside_url for place in places if place.inside_url]
    return addresses.PublicOnly([*here, *named, settings.web.public_url, *settings.connectors.addresses.values()])


def fetched_from(settings: Settings) -> str:
    """What platforms call this installation by to fetch a file; "" where nobody outside can."""
    test = settings.environment == "test"
    return settings.public_url if test or settings.public_url.startswith("https://") else ""


def rail_key(master_key: bytes) -> bytes:
    """The key that signs what travels with invoices, derived from the master key (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"greenroom order payload").derive(master_key)


def own_hosts(settings: Settings) -> tuple[str, ...]:
    """Hosts our own pages lie on; links to them need no registration."""
    return (urlsplit(settings.web.public_url).netloc,)
