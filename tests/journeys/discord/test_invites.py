"""A fan who joined by the invite of a link, up to the results of the link."""

from datetime import timedelta

from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from gate.contract.units import Rating
from gate.reviews import link_targets
from insights.attribution import link_results
from insights.attribution.credits import AttributionModel
from insights.attribution.link_results import LinkResult
from subscribers.acquisition import invites, links
from subscribers.acquisition.links import (
    AcquisitionLink,
    LinkDestination,
    LinkDetails,
    LinkDraft,
    LinkSource,
)
from tenants.agencies.queries import get_creator
from tests.conftest import wait_until
from tests.fakes.discord.state import ALL, MANAGE_SERVER

# fixtures
from tests.journeys.discord.test_bot import House, connected, fake, house, services  # noqa: F401  see above


def create(house: House, name: str) -> AcquisitionLink:  # noqa: F811  fixture
    draft = LinkDraft(
        house.desk.creator_id,
        LinkDetails(name, LinkSource.AD),
        LinkDestination.DISCORD,
        house.desk.channels["main"],
        f"https://discord.gg/{name}",
    )
    with house.desk.scope() as scope:
        link_targets.register_link_target(
            scope, house.desk.creator_id, draft.url, rating=Rating.G, adult=False
        )
        return links.create_link(
            scope, draft, connectors=house.desk.services.connectors, key=uuid7()
        )


def results(house: House) -> dict[str, LinkResult]:  # noqa: F811  fixture
    with house.desk.scope() as scope:
        creator = get_creator(scope, house.desk.creator_id)
        today = local_day(scope.now, creator.zone)
        report = link_results.load_link_report(
            scope, [creator], today - timedelta(days=1), today, AttributionModel.LAST
        )
    return {one.link.details.name: one for one in report.results}


def read_invites(house: House) -> None:  # noqa: F811  fixture
    with house.desk.scope() as scope:
        invites.schedule_invite_readings(scope)
    house.desk.run()


def test_fan_is_credited_to_the_invite_that_was_used_when_they_joined(
    connected: House,  # noqa: F811  fixture
) -> None:
    house = connected  # noqa: F811  fixture
    create(house, "autumn")
    create(house, "winter")
    house.guild.invites = {"autumn": 3, "winter": 8, "friends": 1}
    read_invites(house)
    assert results(house)["autumn"].joins is None, "the bot lacks the permission"
    role = house.guild.members[house.bot.id][0]
    house.guild.roles[role] = ALL | MANAGE_SERVER
    read_invites(house)
    assert results(house)["autumn"].joins == 0, "earlier uses do not count"
    house.desk.live(minutes=6)
    house.guild.invites["autumn"] += 1
    house.guild.members[house.leo.id] = []
    with house.desk.scope() as scope:
        house.guild.joined[house.leo.id] = scope.now
    house.desk.live(minutes=1)
    ear = house.ear()
    house.fake.write(house.bot, house.leo, "hello")
    wait_until(lambda: len(house.heard()) == 1)
    house.desk.live(minutes=1)
    house.over(ear)
    found = results(house)
    assert (found["autumn"].joins, found["autumn"].chats) == (1, 1)
    assert (found["winter"].joins, found["winter"].chats) == (0, 0)
    assert found["autumn"].roi_gap == "no_cost"
