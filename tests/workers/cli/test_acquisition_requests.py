"""Acquisition links on the command line: created from names, listed, and measured."""

import json

import pytest

from foundation.errors import BadInput, NotFound
from gate.contract.units import Rating
from gate.reviews import link_targets
from insights.attribution.credits import AttributionModel
from subscribers.acquisition import links
from subscribers.acquisition.links import LinkDestination, LinkSource
from tests.studio.builders import CreatorStudio
from tests.studio.conftest import nova, services
from workers.cli import acquisition
from workers.cli.acquisition_requests import (
    LinkRequest,
    create_named_link,
    render_figures,
    render_links,
)

__all__ = ["nova", "services"]

BIO = LinkRequest(
    "Instagram bio", "bio", "", "", "https://shop.example.org/", "99.50", "EUR", "2026-01-01", "",
    ("campaign=spring", "utm_source=instagram"),
)  # fmt: skip


@pytest.fixture
def agency(nova: CreatorStudio) -> str:
    """Return the name of the agency."""
    with nova.scope() as scope:
        scope.run(
            "UPDATE agencies SET name = :name WHERE tenant_id = :t",
            name=f"Agency {nova.tenant_id}",
            t=nova.tenant_id,
        )
    return f"Agency {nova.tenant_id}"


def test_link_is_created_listed_and_measured(nova: CreatorStudio, agency: str) -> None:
    about = (nova.services, "nova")
    with nova.scope() as scope:
        link_targets.register_link_target(
            scope, nova.creator_id, BIO.url, rating=Rating.G, adult=False
        )
    assert render_figures(
        *about, first="", last="", model="last", agency=agency, as_json=False
    ).startswith("No acquisition links")
    url = create_named_link(*about, BIO, agency=agency)
    (found,) = json.loads(render_links(*about, agency=agency, archived=False, as_json=True))
    assert (found["short_url"], found["destination"]) == (url, "web")
    assert found["target"].endswith("?utm_source=instagram&utm_campaign=spring")
    assert found["cost"] == {"minor": 9950, "currency": "EUR"}
    table = render_links(*about, agency=agency, archived=False, as_json=False)
    assert "Instagram bio" in table
    assert url in table
    figures = json.loads(
        render_figures(*about, first="", last="", model="linear", agency=agency, as_json=True)
    )
    assert (figures["links"][0]["clicks"], figures["links"][0]["id"]) == (0, found["id"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"utm": ("colour=red",)}, BadInput),
        ({"first": "soon"}, BadInput),
        ({"channel": "No such bot"}, NotFound),
        ({"url": ""}, BadInput),
        ({"cost": "much"}, BadInput),
    ],
)
def test_invalid_link_is_refused(
    nova: CreatorStudio, agency: str, change: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        create_named_link(
            nova.services, "nova", LinkRequest(**{**vars(BIO), **change}), agency=agency
        )
    with nova.scope() as scope:
        assert links.list_links(scope, [nova.creator_id]) == []


def test_the_command_offers_all_sources_destinations_and_models() -> None:
    assert [str(one) for one in acquisition.SourceName] == [str(one) for one in LinkSource]
    assert [str(one) for one in acquisition.DestinationName] == [
        str(one) for one in LinkDestination
    ]
    assert [str(one) for one in acquisition.ModelName] == [str(one) for one in AttributionModel]
