"""Link targets: normalization of URLs, declarations by members, and their limits."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.permits import issuance
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkOwner, LinkTargetDeclared, LinkTargetEnded
from gate.text import link_readings, urls
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import World, unit, world
from tests.gate.side_effects import find_notice, list_audit_entries, list_stored_tasks

URL = "https://shop.test/mia"

REFUSED = {
    "javascript:alert(1)": "link.scheme",
    "data:text/html,x": "link.scheme",
    "ftp://shop.test/x": "link.scheme",
    "mailto:mia@shop.test": "link.scheme",
    "https://mia.test@evil.test/": "link.named",
    "mia@shop.test": "link.named",
    "https://shop.test\\@evil.test/": "link.invalid",
    "https://ѕhop.test/": "link.lookalike",
    "https://xn--hop-2nc.test/": "link.lookalike",
    "https://shop.test/caf\u00e9": "link.lookalike",
    "http://localhost:8501/": "link.private",
    "http://127.0.0.1/": "link.private",
    "http://10.0.0.3/x": "link.private",
    "http://2130706433/": "link.private",
    "http://0x7f.1/": "link.private",
    "http://[::1]/": "link.private",
    "https://db.internal/": "link.private",
    "https://printer.local./": "link.private",
    "https://bit.ly/abc": "link.short",
    "https://www.tinyurl.com/abc": "link.short",
    "https://out.test/?to=https://evil.test/": "link.leads_on",
    "https://out.test/?to=https%253A%252F%252Fevil.test": "link.leads_on",
    "https://out.test/https://evil.test/": "link.leads_on",
    "https://out.test/?u=evil.com": "link.leads_on",
    "": "link.invalid",
    "   ": "link.invalid",
    "shop": "link.invalid",
    "https://": "link.invalid",
    "https://shop.test:99999/": "link.invalid",
    "https://shop.test/a b": "link.invalid",
    "https://shop.test/(a)": "link.invalid",
    "https://shop..test/": "link.invalid",
    "https://shop.test/\x00": "link.invalid",
    f"https://shop.test/{'a' * 3000}": "link.invalid",
}

SAME = {
    "https://shop.test": "https://shop.test/",
    "shop.test/mia": URL,
    " HTTPS://Shop.TEST:443/mia ": URL,
    "http://shop.test:80/Mia": "http://shop.test/Mia",
    "https://shop.test?a=1": "https://shop.test/?a=1",
    "https://shop.test:8443/x#top": "https://shop.test:8443/x#top",
}


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


@pytest.mark.parametrize(
    ("typed", "code"), REFUSED.items(), ids=[repr(one)[:40] for one in REFUSED]
)
def test_unregistrable_url_is_refused_with_reason(typed: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        urls.parse_registrable_url(typed)
    assert refused.value.message.code == code
    assert urls.canonical_url(typed) == ""


@pytest.mark.parametrize(("typed", "kept"), SAME.items())
def test_equivalent_urls_are_normalized(typed: str, kept: str) -> None:
    assert urls.parse_registrable_url(typed) == kept
    assert urls.parse_registrable_url(kept) == kept


@given(
    st.text(max_size=60) | st.from_regex(r"(https?://)?[a-z0-9@:\\/.?=#%-]{0,40}", fullmatch=True)
)
def test_typed_url_is_normalized_or_refused(typed: str) -> None:
    kept = urls.canonical_url(typed)
    if kept:
        assert urls.canonical_url(kept) == kept
        assert link_readings.extract_links((f"see {kept} today",)) == (kept,)


def reasons(here: World, words: str, **more: object) -> tuple[Reason, ...]:
    with here.scope() as scope:
        return issuance.preview_decision(
            scope, unit(here, text=words, **more), author="system:x"
        ).reasons


def said(here: World, member: UUID, **more: object) -> Callable[..., None]:
    values = {"owner": LinkOwner.SHOP, "rating": Rating.G, "adult": False, **more}

    def say(url: str = URL) -> None:
        with here.scope(f"member:{member}") as scope:
            # keywords of several types
            link_targets.declare_link_target(scope, here.creator_id, url, **values)  # type: ignore[arg-type]  # see above

    return say


def test_text_may_use_any_form_of_registered_url(here: World) -> None:
    said(here, here.ann)()
    for words in (URL, "shop.test/mia", "HTTPS://SHOP.test/mia", f"{URL}."):
        assert reasons(here, f"my shop: {words}") == ()
    for words in (
        "https://shop.test/Mia",
        f"{URL}?x=1",
        "http://shop.test/mia",
        "https://shop.test@evil.test/mia",
    ):
        assert reasons(here, f"my shop: {words}") == (Reason.LINK_UNREGISTERED,)


def test_url_is_registered_for_one_creator(here: World) -> None:
    with here.scope() as scope:
        other = agencies.add_creator(
            scope,
            slug="lou",
            name="Lou",
            kind="human",
            zone="Europe/Paris",
            languages=["fr"],
            rating_ceiling="E",
        )
    said(here, here.ann)()
    assert reasons(here, f"my shop: {URL}", creator_id=other) == (Reason.LINK_UNREGISTERED,)
    with here.scope() as scope:
        assert link_targets.list_link_targets(scope, other) == []


def test_another_agency_cannot_see_or_end_target(here: World, tenant: OpenScope) -> None:
    said(here, here.ann)()
    with here.scope() as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
    there = world(tenant, uuid7())
    assert reasons(there, f"my shop: {URL}") == (Reason.LINK_UNREGISTERED,)
    with there.scope(f"member:{there.ann}") as scope:
        assert link_targets.list_link_targets(scope, here.creator_id) == []
        with pytest.raises(NotFound):
            link_targets.end_link_target(scope, row.id)


def test_ended_target_can_be_registered_again(here: World) -> None:
    say = said(here, here.ann)
    say()
    with here.scope(f"member:{here.ann}") as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
        assert (row.url, row.owner, row.by) == (URL, LinkOwner.SHOP, f"member:{here.ann}")
        link_targets.end_link_target(scope, row.id)
        assert link_targets.list_link_targets(scope, here.creator_id) == []
        with pytest.raises(NotFound):
            link_targets.end_link_target(scope, row.id)
    assert reasons(here, URL) == (Reason.LINK_UNREGISTERED,)
    say()
    assert reasons(here, URL) == ()
    with here.scope() as scope:
        acts = [act for _, act, _, _ in list_audit_entries(scope, "link.registered", "link.ended")]
    assert acts == ["link.registered", "link.ended", "link.registered"]


def test_registered_url_expires(here: World) -> None:
    with here.scope() as scope:
        link_targets.register_link_target(
            scope,
            here.creator_id,
            URL,
            rating=Rating.G,
            adult=False,
            lives=timedelta(microseconds=1),
        )
    assert reasons(here, URL) == (Reason.LINK_CHANGED,)
    said(here, here.ann)()
    assert reasons(here, URL) == ()


def test_harmless_declaration_does_not_allow_adult_links(here: World) -> None:
    for url in ("https://onlyfans.com/mia", "https://www.fansly.com/mia", "https://mia.xxx/"):
        with pytest.raises(BadInput) as refused:
            said(here, here.rob)(url)
        assert refused.value.message.code == "link.adult_known"
    said(here, here.ann, rating=Rating.E)("https://a.test/")
    with here.scope() as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
        assert row.adult
    for place in ("instagram.post", "tiktok.post"):
        platform = place.partition(".")[0]
        found = reasons(here, "look https://a.test/", platform=platform, surface=place)
        assert {Reason.LINK_ADULT_FORBIDDEN, Reason.RATING_EXCEEDS_SURFACE} <= set(found)
    with pytest.raises(BadInput):
        said(here, here.rob, rating=Rating.X)()


@pytest.mark.parametrize(
    "before", [{"adult": True}, {"rating": Rating.S}], ids=["adult", "suggestive"]
)
def test_milder_declaration_requires_another_member(here: World, before: dict[str, object]) -> None:
    said(here, here.rob, **before)()
    for url in ("https://www.shop.test/mia/", "http://shop.test/mia?x=1", URL):
        with pytest.raises(Refused) as refused:
            said(here, here.rob)(url)
        assert refused.value.message.code == "link.milder_alone"
    with here.scope(f"member:{here.rob}") as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
        link_targets.end_link_target(scope, row.id)
    with pytest.raises(Refused):
        said(here, here.rob)()
    said(here, here.ann)()
    assert reasons(here, URL) == ()


def test_stricter_declaration_applies_immediately(here: World) -> None:
    said(here, here.ann)()
    said(here, here.ann, adult=True)()
    with here.scope() as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
        assert row.adult


def test_only_planning_members_declare_targets(here: World) -> None:
    with pytest.raises(Refused), here.scope() as scope:
        link_targets.declare_link_target(
            scope, here.creator_id, URL, owner=LinkOwner.SHOP, rating=Rating.G, adult=False
        )
    with here.scope() as scope:
        chatter = agencies.add_member(
            scope, name="Cy", email="cy@example.test", role=Role.CHATTER, language="en", zone="UTC"
        )
    with pytest.raises(Refused):
        said(here, chatter)()
    with here.scope(f"member:{chatter}") as scope, pytest.raises(Refused):
        link_targets.request_link_target(
            scope, here.creator_id, URL, owner=LinkOwner.SHOP, rating=Rating.G, adult=False
        )


def test_workers_process_submitted_declaration(here: World) -> None:
    with here.scope(f"member:{here.ann}") as scope:
        kept = link_targets.request_link_target(
            scope,
            here.creator_id,
            "shop.test/mia",
            owner=LinkOwner.SHOP,
            rating=Rating.N,
            adult=False,
        )
        (event,) = list_stored_tasks(scope, LinkTargetDeclared.kind)
    assert (kept, event.args["adult"]) == (URL, True)
    wanted = LinkTargetDeclared(here.tenant_id, here.creator_id, **event.args)
    link_targets.handle_link_target(wanted, tenant=here.open)
    with here.scope(f"member:{here.ann}") as scope:
        (row,) = link_targets.list_link_targets(scope, here.creator_id)
        assert row.rating is Rating.N
        link_targets.request_link_target_end(scope, row.id)
    link_targets.handle_link_target_end(
        LinkTargetEnded(here.tenant_id, row.id, f"member:{here.ann}"), tenant=here.open
    )
    with here.scope() as scope:
        assert link_targets.list_link_targets(scope, here.creator_id) == []
    link_targets.handle_link_target_end(
        LinkTargetEnded(here.tenant_id, row.id, f"member:{here.ann}"), tenant=here.open
    )
    with here.scope() as scope:
        notice = find_notice(scope, f"link.end:{row.id}")
    assert notice is not None
    assert notice.code == "link.unknown"


def test_declaration_without_right_is_reported(here: World) -> None:
    wanted = LinkTargetDeclared(
        here.tenant_id, here.creator_id, URL, "shop", "G", adult=False, by="system:x"
    )
    link_targets.handle_link_target(wanted, tenant=here.open)
    with here.scope() as scope:
        notice = find_notice(scope, f"link.register:{here.creator_id}")
    assert notice is not None
    assert notice.code == "link.people_only"
    assert reasons(here, URL) == (Reason.LINK_UNREGISTERED,)
