"""Link tracking: which addresses change, and that the preview, the approval, the gate and the
request have the same text."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels.accounts import queries as channel_reads
from channels.accounts.queries import Channel
from channels.links import short_links
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n import web_addresses
from gate.contract.units import Rating, Subject, Text, Unit
from gate.reviews import link_targets
from gate.text import link_readings, urls
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.drafts.previews import PostPreview, preview_draft
from schedules.posts import deliveries, delivery_units, link_tracking
from schedules.posts.content_digest import current_digest
from schedules.posts.link_tracking import LinkChoices, LinkPlan, LinkPolicy
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.posts.transitions import get_delivery
from schedules.publishing import post_removal
from tests.schedules.builders import SandboxAgency, create_sandbox_agency

BASE = "https://go.example.org"
SHORT = LinkPolicy(BASE, "{platform}", "social", "always", "{account}")
SHOP = "https://shop.example.org/a?size=M#top"
TENANT, OTHER = UUID(int=1), UUID(int=2)
SUBJECT = Subject("delivery", UUID(int=3))


def channel(account: str = "lea.rose") -> Channel:
    values = dict.fromkeys(Channel.__dataclass_fields__)
    # only these two fields are read
    return Channel(**{**values, "platform": "x", "account": account})  # type: ignore[arg-type]  # see above


def unit(body: str, *, subject: Subject = SUBJECT) -> Unit:
    return Unit(
        TENANT, OTHER, subject, "x", "post", OTHER, "lea.rose", "public", (Text("body", body),)
    )


def shown(
    body: str, rule: LinkPolicy = SHORT, wanted: LinkChoices = link_tracking.DEFAULT_LINK_CHOICES
) -> str:
    return link_tracking.apply_link_plan(LinkPlan(rule, wanted), channel(), [unit(body)])[
        0
    ].text_of("body")


def test_tracking_parameters_go_between_query_and_fragment() -> None:
    said = LinkPlan(replace(SHORT, base=""), LinkChoices("spring & co"))
    goes = said.tagged_address(SHOP, channel())
    parts = urlsplit(goes)
    assert goes.startswith("https://shop.example.org/a?size=M&utm_source=x&")
    assert parts.fragment == "top"
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    marks = {
        "utm_source": "x",
        "utm_medium": "social",
        "utm_campaign": "spring & co",
        "utm_content": "lea.rose",
    }
    assert asked == {"size": "M", **marks}
    assert (
        said.tagged_address(f"{SHOP[:-4]}&UTM_source=mine", channel())
        == f"{SHOP[:-4]}&UTM_source=mine"
    )
    assert said.tagged_address("https://a.org?", channel()).startswith(
        "https://a.org?utm_source=x&"
    )
    long = "https://a.org/" + "a" * 2030
    assert said.tagged_address(long, channel()) == long


@pytest.mark.parametrize(
    ("before", "address", "after"),
    [
        ("See ", "https://a.example/x", ". Then come!"),
        ("(", "https://a.example/x", ")"),
        ("[here](", "https://a.example/x", ")"),
        ("<", "https://a.example/x", ">"),
        ("“", "https://a.example/x", "”"),
        ("", "HTTPS://A.example", "…"),
        ("\n", "http://a.example:8080/?q=1", "\nmore"),
        ("", "https://a.example/x", "🌸"),
        ("", "https://a.example/?u=https://b.example", ""),
    ],
)
def test_address_ends_before_sentence_punctuation(before: str, address: str, after: str) -> None:
    found = shown(f"{before}{address}{after}")
    slug = short_links.make_link_slug(
        TENANT, SUBJECT, LinkPlan(SHORT).tagged_address(address, channel())
    )
    assert found == f"{before}{BASE}/l/{slug}{after}"


@pytest.mark.parametrize(
    "body",
    [
        "javascript:alert(1) data:text/html,x mailto:a@b.org ftp://a.example/x",
        "https://user:secret@a.example/ https://a.example@evil.example/",
        "https://exämple.org/ https://a.example/é https://a.example\u200b.evil.org/",
        "https://a.example\\@evil.example/",
        "https://a.example/wiki/Lea_(painter)",
        "https://bit.ly/abc https://www.t.co/x",
        f"{BASE}/l/bcfghjlmnpqrt",
        "https://a.example/x,https://b.example/y",
        "https:// https://? https://.. https://[::1]/ https://a.example:port/",
        "https://a.example/" + "a" * 10_000,
        "a.example/x www.a.example xhttps://a.example",
        "https://a.example/it's",
    ],
)
def test_uncertain_address_is_not_changed(body: str) -> None:
    assert shown(body) == body


def test_excluded_address_is_not_changed() -> None:
    body = "https://a.example/1 and https://a.example/2"
    assert shown(body, wanted=LinkChoices(plain=("https://a.example/1",))).startswith(
        "https://a.example/1 and https://go."
    )


def test_number_of_tracked_addresses_is_limited() -> None:
    body = " ".join(f"https://a.example/{number}" for number in range(500))
    done = link_tracking.apply_link_plan(LinkPlan(SHORT), channel(), [unit(body)])[0]
    assert len(done.leads) == link_tracking.MAX_TRACKED_ADDRESSES
    assert done.text_of("body").endswith("https://a.example/499")


def test_same_address_has_one_short_link_per_post() -> None:
    twice = shown("https://a.example and https://a.example")
    assert len(set(twice.split(" and "))) == 1
    other = link_tracking.apply_link_plan(
        LinkPlan(SHORT), channel(), [unit(twice, subject=Subject("delivery", OTHER))]
    )
    assert other[0].text_of("body") == twice  # a short link stays as it is
    again = link_tracking.apply_link_plan(
        LinkPlan(SHORT), channel(), [unit("https://a.example", subject=Subject("delivery", OTHER))]
    )
    assert again[0].text_of("body") not in twice


@given(st.text(max_size=200))
@example("https://a.example/x\x00y")
@example("https://a.example/%00?\"'<>")
@example("https://%61.example")
def test_only_addresses_change_and_can_be_restored(body: str) -> None:
    done = link_tracking.apply_link_plan(
        LinkPlan(SHORT), channel(), [unit(f"https://a.example/x {body} https://b.example")]
    )[0]
    back = done.text_of("body")
    for lead in done.leads:
        assert web_addresses.is_web_address(LinkPlan(SHORT).tagged_address(lead.target, channel()))
        back = back.replace(lead.shown, lead.target)
    assert back == f"https://a.example/x {body} https://b.example"
    assert (
        link_tracking.apply_link_plan(LinkPlan(), channel(), [unit(body)])[0].text_of("body")
        == body
    )


# With a database


def own_base() -> str:
    """Return the base address of short links on the host that the services of an agency serve."""
    return f"https://{urls.own_hosts()[0]}"


def rule(lea: SandboxAgency, given: LinkPolicy = SHORT) -> None:
    if given.base:
        given = replace(given, base=own_base())
    with lea.scope(f"member:{lea.manager}") as scope:
        link_tracking.set_link_policy(scope, lea.creator_id, given)


def known(lea: SandboxAgency, *urls: str) -> None:
    with lea.scope() as scope:
        for url in urls:
            link_targets.register_link_target(
                scope, lea.creator_id, url, rating=Rating.G, adult=False
            )


def seen(lea: SandboxAgency, draft: Draft) -> PostPreview:
    connectors: dict[str, Connector] = dict(lea.services.connectors)
    with lea.scope() as scope:
        return preview_draft(scope, draft, author=f"member:{lea.author}", connectors=connectors)[0]


def leads(lea: SandboxAgency, scope: Scope) -> dict[str, str]:
    rows = scope.run(
        "SELECT slug, target FROM links WHERE tenant_id = :tenant", tenant=lea.tenant_id
    )
    return {row.slug: row.target for row in rows}


def test_preview_equals_published_text_and_short_link_leads_to_target(lea: SandboxAgency) -> None:
    rule(lea)
    known(lea, SHOP)
    body = f"New pictures in the little shop: {SHOP}."
    delivery_id = lea.delivery(body, after=3600)
    with lea.scope() as scope:
        post_id = get_delivery(scope, delivery_id).post_id
        assert leads(lea, scope) == {}
    draft = Draft(lea.creator_id, "", body, (), (lea.channels["main"],))
    ahead = seen(lea, replace(draft, post_id=post_id))
    assert ahead.reasons == ()
    lea.live(hours=2)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts() == [ahead.body]
    slug = ahead.body.split("/l/")[1].rstrip(".")
    with lea.scope() as scope:
        made = leads(lea, scope)
    account = lea.accounts["main"]
    assert made[slug].startswith(
        "https://shop.example.org/a?size=M&utm_source=sandbox&utm_medium=social"
    )
    assert made[slug].endswith("#top")
    assert account.split("-")[0] in made[slug]
    unwritten = seen(lea, draft)
    assert unwritten.length == ahead.length
    assert unwritten.body != ahead.body


def test_unregistered_target_of_short_link_is_held(lea: SandboxAgency) -> None:
    rule(lea)
    delivery_id = lea.delivery(f"Look: {SHOP}")
    lea.run()
    assert lea.why(delivery_id) == "gate.LINK_UNREGISTERED"
    assert lea.texts() == []


def test_tagged_address_is_judged_by_its_base_address(lea: SandboxAgency) -> None:
    rule(lea, replace(SHORT, base=""))
    known(lea, SHOP)
    delivery_id = lea.delivery(f"Look: {SHOP}")
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert "utm_source=sandbox" in lea.texts()[0]
    with lea.scope() as scope:
        assert leads(lea, scope) == {}


def test_links_in_all_parts_of_thread_are_tracked(lea: SandboxAgency) -> None:
    rule(lea)
    known(lea, SHOP, "https://b.example/")
    delivery_id = lea.delivery(
        f"One: {SHOP}", parts=(ThreadPart("Two."), ThreadPart("Three: https://b.example/"))
    )
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert [("/l/" in one) for one in lea.texts()] == [True, False, True]


def test_short_link_is_created_once_despite_crashes(lea: SandboxAgency) -> None:
    rule(lea)
    known(lea, SHOP)
    for at in range(1, 40):
        before = len(lea.texts())
        delivery_id = lea.delivery(f"Look at number {'i' * at}: {SHOP}")
        died = lea.crash(at)
        lea.live(minutes=15)
        assert lea.state(delivery_id) is DeliveryState.PUBLISHED
        assert len(lea.texts()) == before + 1
        with lea.scope() as scope:
            made = leads(lea, scope)
        assert len(made) == at
        assert lea.texts()[-1].split("/l/")[1] in made
        if not died:
            return
    raise AssertionError("every run died")


def test_changed_link_policy_keeps_approved_text(lea: SandboxAgency) -> None:
    rule(lea)
    known(lea, SHOP)
    body = f"Look: {SHOP}"
    delivery_id = lea.delivery(body, after=600)
    rule(lea, LinkPolicy("https://new.example", "other"))
    lea.live(hours=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.texts()[0].startswith(f"Look: {own_base()}/l/")


def test_rewritten_post_uses_current_link_policy_and_needs_approval(lea: SandboxAgency) -> None:
    known(lea, SHOP)
    body = f"Look: {SHOP}"
    delivery_id = lea.delivery(body, after=600)
    rule(lea)
    with lea.scope(f"member:{lea.author}") as scope:
        post_id = get_delivery(scope, delivery_id).post_id
        draft = Draft(lea.creator_id, "", body, (), (lea.channels["main"],))
        assert not drafts.rewrite_post(scope, post_id, draft, author=f"member:{lea.author}")
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.approve(post_id)
    lea.plan(post_id)
    lea.live(hours=1)
    assert "/l/" in lea.texts()[0]


def test_campaign_of_post_needs_no_link_policy(lea: SandboxAgency) -> None:
    known(lea, SHOP)
    delivery_id = lea.delivery(f"Look: {SHOP}", links=LinkChoices("spring"))
    plain = lea.delivery(f"Look again: {SHOP}")
    lea.live(minutes=30)
    assert lea.state(delivery_id) is lea.state(plain) is DeliveryState.PUBLISHED
    assert "utm_campaign=spring" in lea.texts()[0]
    assert "utm_" not in lea.texts()[1]


def test_changed_link_choices_change_digest(lea: SandboxAgency) -> None:
    rule(lea)
    one = lea.write(f"Look: {SHOP}")
    two = lea.write(f"Look: {SHOP}", links=LinkChoices("spring"))
    with lea.scope() as scope:
        digests = {deliveries.get_post(scope, post_id).digest for post_id in (one, two)}
        assert len(digests) == 2
        assert current_digest(scope, deliveries.get_post(scope, one)) in digests


def test_short_link_ends_when_post_is_removed(lea: SandboxAgency) -> None:
    rule(lea)
    known(lea, SHOP)
    delivery_id = lea.delivery(f"Look: {SHOP}")
    lea.run()
    slug = lea.texts()[0].split("/l/")[1]
    found = short_links.find_link(lea.services.tenant, slug)
    assert found is not None
    assert found[1].target
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    found = short_links.find_link(lea.services.tenant, slug)
    assert found is not None
    assert found[1].target is None


def test_link_policy_is_invisible_to_another_agency(lea: SandboxAgency) -> None:
    two = create_sandbox_agency(lea.services, lea.network)
    rule(lea)
    with two.scope() as scope:
        assert link_tracking.link_policy_of_creator(scope, lea.creator_id) == LinkPolicy()
        assert link_tracking.link_policy_of_creator(scope, two.creator_id) == LinkPolicy()


@pytest.mark.parametrize(
    "wrong",
    [
        LinkPolicy("example.org"),
        LinkPolicy("https://example.org/x"),
        LinkPolicy("javascript:alert(1)"),
        LinkPolicy("https://a@b.org"),
        LinkPolicy(source="a\nb"),
        LinkPolicy(medium="x" * 81),
        LinkPolicy(content="{secret}"),
        LinkPolicy("https://ex\x00.org"),
    ],
)
def test_invalid_link_policy_is_refused(lea: SandboxAgency, wrong: LinkPolicy) -> None:
    with lea.scope() as scope, pytest.raises(BadInput):
        link_tracking.set_link_policy(scope, lea.creator_id, wrong)


def test_gate_reads_published_addresses(lea: SandboxAgency) -> None:
    """The gate extracts from the text the same addresses that are published."""
    rule(lea)
    with lea.scope() as scope:
        post_id = lea.write(f"Come, come ({SHOP})! Or https://b.example…")
        owner = deliveries.get_post(scope, post_id)
        found = channel_reads.get_channel(scope, lea.channels["main"])
        first = delivery_units.place_on_channel(scope, unit(owner.body), found, SUBJECT)
        one = link_tracking.apply_link_plan(link_tracking.link_plan_of_post(owner), found, [first])[
            0
        ]
    assert set(link_readings.extract_links([one.text_of("body")])) == {
        lead.shown for lead in one.leads
    }
