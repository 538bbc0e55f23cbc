"""Generated outages of platforms, through the real claim, transport, look-ups and settlement.

With every built-in connector that publishes a text, the first post of an account arrives at most
once, and as soon as the platform answers again if a repeat is safe.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from channels.sending.reconciliation import MIN_LOOK_INTERVAL
from connectors.conformance.world import ConnectorWorld
from connectors.platforms.mastodon.publisher import KEY_SECONDS
from connectors.registry import loader
from gate.policy import emergency_stops
from schedules.drafts import drafts
from schedules.posts.states import DeliveryState
from tests.conftest import Cluster
from tests.connectors.conformance.conftest import platforms  # noqa: F401  a fixture
from tests.connectors.conformance.worlds.running_fakes import RunningFakes
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wired
from workers.wiring import Services

pytestmark = pytest.mark.heavy

STEP = timedelta(seconds=10)
ARRIVES_WITHIN = timedelta(seconds=60)
"""After the end of an outage: the next probe, the look-up and the repeat."""

PROBE_SHARE = 8
MAX_PROBE_SHARE = timedelta(seconds=90)
"""After some minutes, the delay of a probe is about an eighth of the duration of the outage."""

KEYED = ("mastodon", "bluesky", "discord", "own_page")
UNKEYED = ("x", "threads", "facebook", "reddit", "fanvue", "post", "post_key")
MODES = ("status:502", "status:503", "reset_before")


@dataclass(frozen=True)
class Outage:
    """An outage that begins before the publish request, while its answer is sent, or after the
    request was lost on its way."""

    begins: str
    mode: str
    length: timedelta

    def __str__(self) -> str:
        return f"{self.begins}-{self.mode}-{self.length.seconds}s"


def generate_outages(kind: str) -> Iterator[Outage]:
    """Yield an outage of each beginning, in an order, with a mode and a length (log-uniform, up to
    15 minutes) that depend on the kind of account."""
    random = Random(kind)
    for begins in random.sample(("before", "while", "after"), 3):
        length = timedelta(seconds=round(900 ** random.random()))
        yield Outage(begins, random.choice(MODES), length)


@dataclass
class OutageScene:
    """An agency with one new account on a fake platform."""

    lea: SandboxAgency
    world: ConnectorWorld
    platforms: RunningFakes

    def live(self, during: timedelta, *, step: timedelta = STEP) -> None:
        """Let time pass for the installation and the platform."""
        until = self.lea.now() + during
        while (now := self.lea.now()) < until:
            self.lea.live(seconds=min(step, until - now).total_seconds())
            self.world.clock.advance((self.lea.now() - self.world.clock()).total_seconds())

    def publish_during(self, outage: Outage) -> UUID:
        """Schedule the first post of the account, and return its delivery after the outage."""
        self.live(timedelta(seconds=1))
        if outage.begins != "before":
            lost = "reset_after" if outage.begins == "while" else "reset_before"
            self.world.inject_fault(lost, "posts")
        self.world.inject_fault(outage.mode, "*", times=10**6)
        delivery_id = self.lea.delivery("once", channel="there", late_ok=None)
        self.live(outage.length, step=timedelta(seconds=30))
        self.platforms.clear()
        return delivery_id

    def count_posts(self) -> int:
        """Return the number of posts that the platform accepted."""
        return len(self.world.fake.accepted_posts())


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def scene(
    request: pytest.FixtureRequest,
    services: Services,
    platforms: RunningFakes,  # noqa: F811  a fixture
) -> Iterator[OutageScene]:
    lea = create_sandbox_agency(services, platforms.network)
    world = platforms.world(request.param)
    account = world.account
    assert account.token is not None
    lea.connect_to(
        "there",
        account=account.account,
        token=account.token.box.decode(),
        platform=world.connector.capabilities.platform,
        surface=world.surface,
        base_url=account.base_url,
    )
    yield OutageScene(lea, world, platforms)
    platforms.clear()


def _cases(kinds: tuple[str, ...], outages: int) -> list[object]:
    return [
        pytest.param(kind, outage, id=f"{kind}-{outage}")
        for kind in kinds
        for outage in list(generate_outages(kind))[:outages]
    ]


@pytest.mark.parametrize(("scene", "outage"), _cases(KEYED, 2), indirect=["scene"])
def test_first_post_arrives_when_the_platform_answers_again(
    scene: OutageScene, outage: Outage
) -> None:
    can, sent_at = scene.world.connector.capabilities, scene.lea.now()
    delivery_id = scene.publish_during(outage)
    allowed = ARRIVES_WITHIN + min(outage.length / PROBE_SHARE, MAX_PROBE_SHARE)
    if scene.lea.now() + allowed > can.repeat_safe_until(sent_at, under=""):
        allowed += MIN_LOOK_INTERVAL  # the key has expired: two look-ups prove the absence
    scene.live(allowed)
    assert (scene.lea.state(delivery_id), scene.count_posts()) == (DeliveryState.PUBLISHED, 1)
    scene.live(timedelta(minutes=30), step=timedelta(minutes=5))
    assert scene.count_posts() == 1


@pytest.mark.parametrize("minutes", [20, 51])
@pytest.mark.parametrize("scene", ["mastodon"], indirect=True)
def test_repeat_waits_for_a_member_once_its_key_has_expired(
    scene: OutageScene, minutes: int
) -> None:
    """A look-up proved the absence while the key was valid; then an emergency stop held the
    repeat. The post may have been accepted and be missing from the list."""
    lea = scene.lea
    scene.world.inject_fault("reset_before", "posts")
    delivery_id = lea.delivery("once", channel="there", late_ok=None)
    lea.run()
    lea.act(emergency_stops.close_switch, "tenant", "", "sending", reason="a look")
    scene.live(timedelta(minutes=minutes), step=timedelta(minutes=5))
    assert scene.count_posts() == 0
    lea.act(emergency_stops.reopen_switch, "tenant", "", "sending", reason="seen")
    scene.live(timedelta(minutes=6), step=timedelta(minutes=1))
    if timedelta(minutes=minutes) < timedelta(seconds=KEY_SECONDS):
        assert (lea.state(delivery_id), scene.count_posts()) == (DeliveryState.PUBLISHED, 1)
        return
    assert (lea.state(delivery_id), scene.count_posts()) == (DeliveryState.HELD, 0)
    assert lea.why(delivery_id) == "delivery.key_expired"
    assert f"delivery:{delivery_id}" in lea.notices()
    lea.act(drafts.retry_delivery, delivery_id)  # the member has looked
    scene.live(timedelta(minutes=2))
    assert (lea.state(delivery_id), scene.count_posts()) == (DeliveryState.PUBLISHED, 1)


@pytest.mark.parametrize(("scene", "outage"), _cases(UNKEYED, 1), indirect=["scene"])
def test_post_without_a_key_never_arrives_twice(scene: OutageScene, outage: Outage) -> None:
    delivery_id = scene.publish_during(outage)
    scene.live(timedelta(minutes=40), step=timedelta(minutes=2))
    scene.live(timedelta(hours=3), step=timedelta(hours=1))
    count, state = scene.count_posts(), scene.lea.state(delivery_id)
    assert count <= 1
    if state is DeliveryState.PUBLISHED:
        assert count == 1
    else:  # a member is asked
        assert state is DeliveryState.UNCERTAIN
        assert f"delivery:{delivery_id}" in scene.lea.notices()
    if outage.begins == "while":
        assert count == 1


def test_every_connector_with_a_safe_repeat_is_tried(
    platforms: RunningFakes,  # noqa: F811  a fixture
) -> None:
    """YouTube publishes only videos; its repeat is tried in the conformance suite."""
    kinds = {
        one.capabilities.platform
        for one in loader.load_builtin_connectors().values()
        if one.capabilities.resend_is_look or one.capabilities.repeat_seconds
        if not one.capabilities.hand_over
    }
    assert kinds - {"youtube"} == {
        platforms.world(kind).connector.capabilities.platform for kind in KEYED
    }
