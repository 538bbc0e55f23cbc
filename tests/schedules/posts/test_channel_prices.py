"""Prices of posts: approved with the post, sold where the platform can sell, and never published
free elsewhere."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.accounts import queries as channel_reads
from channels.accounts.queries import Channel
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from schedules.approvals import revisions
from schedules.calendar import exports
from schedules.drafts import channel_requirements, drafts, previews
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries
from schedules.posts.channel_overrides import PAID_CONTENT_SHOWN_FREE, ChannelOverride, PostContent
from schedules.posts.content_digest import current_digest
from schedules.posts.models import Post
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.recurrence import evergreen_pools, series
from tests.schedules.ab_test_builders import get_ab_test, start_ab_test
from tests.schedules.builders import SandboxAgency
from tests.schedules.csv_files import FileImporter, format_csv
from tests.schedules.recurrence.test_evergreen_pools import settled
from tests.schedules.series_builders import DAILY, approve_and_release, build_recurrence

STARS, CENTS = Money(50, "XTR"), Money(1200, "USD")
NOWHERE = "http://127.0.0.1:9"


def elsewhere(lea: SandboxAgency, platform: str, surface: str) -> UUID:
    """Connect an account of Léa on a host that does not respond."""
    return lea.connect_to(
        platform, account=f"{platform}-{lea.tenant_id}", token="t", platform=platform, surface=surface,
        base_url=NOWHERE,
    )  # fmt: skip


def on(lea: SandboxAgency, channel: str) -> Channel:
    with lea.scope() as scope:
        return channel_reads.get_channel(scope, lea.channels[channel])


def checked(lea: SandboxAgency, post_id: UUID) -> None:
    with lea.scope() as scope:
        channel_requirements.check_post_requirements(
            scope, post_id, connectors=lea.services.connectors
        )


def reason(lea: SandboxAgency, delivery_id: UUID) -> tuple[DeliveryState, Message | None]:
    return lea.state(delivery_id), lea.entry(delivery_id).reason


def test_changed_price_needs_new_approval(lea: SandboxAgency) -> None:
    elsewhere(lea, "fanvue", "fanvue.post")
    photo = lea.photo(1)
    ask = ChannelOverride("fanvue", price=CENTS)
    post_id = lea.write(media=(photo,), others=[ask])
    lea.wish(post_id, "fanvue", after=3600)
    lea.approve(post_id)
    lea.plan(post_id)
    dearer = Draft(
        lea.creator_id, "", "hello", (photo,), (), others=(replace(ask, price=Money(1300, "USD")),)
    )
    with lea.scope(f"member:{lea.author}") as scope:
        before = deliveries.get_post(scope, post_id).digest
        assert not drafts.rewrite_post(scope, post_id, dearer, author=f"member:{lea.author}")
        assert deliveries.get_post(scope, post_id).digest != before
        assert {one.state for one in deliveries.deliveries_of_post(scope, post_id)} == {
            DeliveryState.DRAFT
        }
        since = revisions.revision_since_verdict(scope, post_id)
    assert since is not None
    (told,) = since.changes
    assert (
        told.place,
        told.field,
        "".join(run.words for run in told.runs if run.kind != "gone"),
    ) == (
        "fanvue",
        "price",
        "13.00 USD",
    )


@pytest.mark.parametrize("price", [STARS, Money(300, "USD")])
def test_post_with_unsupported_price_fails_without_request(
    lea: SandboxAgency, price: Money
) -> None:
    """The sandbox cannot sell: a priced post fails when it is due, without a request."""
    post_id = lea.write(media=(lea.photo(2),), others=[ChannelOverride("sandbox", price=price)])
    lea.wish(post_id)
    with pytest.raises(BadInput, match=r"price\.not_here"):
        checked(lea, post_id)
    lea.approve(post_id)
    lea.run()
    (row,) = lea.act(deliveries.deliveries_of_post, post_id)
    assert reason(lea, row.id) == (DeliveryState.FAILED, Message("price.not_here"))
    assert (lea.posts(), lea.asked(), lea.asked(kind="files")) == ([], [], [])


def test_paid_photo_is_never_published_free(lea: SandboxAgency) -> None:
    """Paid photos are held wherever the post is moved or scheduled; text and other photos are
    published."""
    elsewhere(lea, "fanvue", "fanvue.post")
    sold, teaser = lea.photo(3), lea.photo(4)
    asks = ChannelOverride("fanvue", price=CENTS)
    free = lea.write("look", media=(sold,), others=[asks])
    held = lea.wish(free)
    lea.approve(free)
    told = lea.write(
        "a teaser", media=(sold,), others=[asks, ChannelOverride("sandbox", media=(teaser,))]
    )
    lea.wish(told)
    lea.approve(told)
    words = lea.write(
        "words alone", media=(sold,), others=[asks, ChannelOverride("sandbox", media=())]
    )
    lea.wish(words)
    lea.approve(words)
    lea.run()
    assert reason(lea, held) == (DeliveryState.HELD, PAID_CONTENT_SHOWN_FREE)
    assert sorted(lea.texts()) == ["a teaser", "words alone"]
    with pytest.raises(BadInput, match=r"price\.given_away"):
        checked(lea, free)
    checked(lea, told)


def test_preview_reports_price_problems(lea: SandboxAgency) -> None:
    fanvue, bot = (
        elsewhere(lea, "fanvue", "fanvue.post"),
        elsewhere(lea, "telegram", "telegram.public_channel"),
    )
    photo, places = lea.photo(5), (fanvue, lea.channels["main"], bot)
    others = (ChannelOverride("fanvue", price=CENTS), ChannelOverride(str(bot), price=CENTS))
    draft = Draft(lea.creator_id, "", "hello", (photo,), places, others=others)
    with lea.scope(f"member:{lea.author}") as scope:
        found = previews.preview_draft(
            scope, draft, author=f"member:{lea.author}", connectors=lea.services.connectors
        )
    assert [one.said.price for one in found] == [CENTS, None, CENTS]
    assert [rule.name for rule in found[2].rule.said] == [
        "telegram.public_channel",
        "telegram.paid_media",
    ]
    said = [[each.code for each in one.reasons if each.code.startswith("price.")] for one in found]
    assert said == [[], ["price.given_away"], ["price.out_of_range_stars"]]


def test_text_variant_keeps_price(lea: SandboxAgency) -> None:
    """Without the price, a text variant of a pool or a series would be published free."""
    elsewhere(lea, "fanvue", "fanvue.post")
    photo = lea.photo(6)
    first = lea.write(media=(photo,), others=[ChannelOverride("fanvue", price=CENTS, body="there")])
    settled(lea)
    entry = lea.act(evergreen_pools.add_post_to_pool, first)
    other = lea.act(
        evergreen_pools.add_pool_variant,
        entry,
        "other words entirely",
        key=uuid7(),
        author=f"member:{lea.author}",
    )
    with lea.scope() as scope:
        copy = deliveries.get_post(scope, other)
        assert channel_overrides.content_for_channel(copy, on(lea, "fanvue")).price == CENTS
        assert channel_overrides.is_paid_content_free(copy, on(lea, "main"))


@pytest.mark.parametrize("place", ["fanvue", ""])
def test_ab_test_variant_keeps_price(lea: SandboxAgency, place: str) -> None:
    account = elsewhere(lea, "fanvue", "fanvue.post")
    asks = (ChannelOverride(place or str(account), price=CENTS),)
    author = f"member:{lea.author}"
    draft = Draft(lea.creator_id, "", "hello", (lea.photo(7),), (account,), others=asks)
    with lea.scope(author) as scope:
        planned = series.plan_series(
            scope, draft, build_recurrence(lea, DAILY), key=uuid7(), author=author, confirmed=True
        )
    approve_and_release(lea, planned.post_id)
    one = get_ab_test(lea, start_ab_test(lea, planned.post_id))
    with lea.scope() as scope:
        assert (
            channel_overrides.content_for_channel(
                deliveries.get_post(scope, one.b_id), on(lea, "fanvue")
            ).price
            == CENTS
        )
    assert one.differ == {"words"}


def test_ab_test_of_prices_changes_the_price_by_date(lea: SandboxAgency) -> None:
    account = elsewhere(lea, "fanvue", "fanvue.post")
    asks = (ChannelOverride(str(account), price=CENTS),)
    author = f"member:{lea.author}"
    draft = Draft(lea.creator_id, "", "hello", (lea.photo(7),), (account,), others=asks)
    with lea.scope(author) as scope:
        planned = series.plan_series(
            scope, draft, build_recurrence(lea, DAILY), key=uuid7(), author=author, confirmed=True
        )
    approve_and_release(lea, planned.post_id)
    for wrong in (Money(900, "EUR"), Money(0, "USD")):
        with pytest.raises(BadInput) as told:
            start_ab_test(lea, planned.post_id, body=None, price=wrong)
        assert told.value.message.code == "variants.no_price"
    one = get_ab_test(lea, start_ab_test(lea, planned.post_id, body=None, price=Money(900, "USD")))
    with lea.scope() as scope:
        prices = [
            channel_overrides.content_for_channel(
                deliveries.get_post(scope, post_id), on(lea, "fanvue")
            ).price
            for post_id in one.posts.values()
        ]
    assert (prices, one.differ) == ([CENTS, Money(900, "USD")], {"price"})


@pytest.mark.parametrize("place", ["fanvue", ""])
def test_exported_price_is_imported_unchanged(lea: SandboxAgency, place: str) -> None:
    account, photo = elsewhere(lea, "fanvue", "fanvue.post"), lea.photo(9)
    first = lea.write(
        media=(photo,), others=[ChannelOverride(place or str(account), price=CENTS)], late_ok=None
    )
    lea.wish(first, "fanvue", after=7200)
    with lea.scope() as scope:
        found = exports.load_export_rows(
            scope, [lea.creator_id], scope.now, scope.now + timedelta(days=1)
        )
        file = exports.render_csv(
            [replace(one, key="again", body="once more") for one in found], {}
        )
    assert b"12.00 USD" in file
    clerk = FileImporter(lea)
    brought = clerk.write(file)
    assert [one for one in clerk.shown(brought).findings if one.grave] == []
    with lea.scope() as scope:
        (made,) = scope.run("SELECT id FROM posts WHERE origin <> 'test'").scalars()
        row = deliveries.get_post(scope, made)
        assert channel_overrides.overrides_of_post(row) == (ChannelOverride("fanvue", price=CENTS),)
        assert current_digest(scope, row) == row.digest, "the approved version is published"


@pytest.mark.parametrize(
    ("more", "column", "code"),
    [
        ({"price_fanvue": "12"}, "price_fanvue", "import.price_unreadable"),
        ({"price_fanvue": "-1 USD"}, "price_fanvue", "import.price_unreadable"),
        ({"price_fanvue": "0 USD"}, "price_fanvue", "import.price_unreadable"),
        ({"price_fanvue": "12 usd"}, "price_fanvue", "import.price_unreadable"),
        ({"price_fanvue": "1.00 USD"}, "body", "price.out_of_range"),
        ({"price_fanvue": "12 USD", "media": ""}, "body", "price.no_media"),
        ({"price_sandbox": "12 USD", "channels": "main"}, "body", "price.not_here"),
        (
            {"price_fanvue": "12 USD", "channels": "main|fanvue"},
            "price_sandbox",
            "price.given_away",
        ),
    ],
)
def test_imported_price_is_validated(
    lea: SandboxAgency, more: dict[str, str], column: str, code: str
) -> None:
    elsewhere(lea, "fanvue", "fanvue.post")
    clerk = FileImporter(lea)
    line = clerk.row(1, **{"channels": "fanvue", "media": str(lea.photo(10)), **more})
    brought = clerk.bring(format_csv([line]))
    assert [
        (one.column, one.message.code) for one in clerk.shown(brought).findings if one.grave
    ] == [(column, code)]


PHOTOS = [uuid4() for _ in range(4)]
MEDIA = st.lists(st.sampled_from(PHOTOS), max_size=3, unique=True).map(tuple)
PLACE = st.sampled_from(["fanvue", "telegram", "sandbox", "account"])
ACCOUNT = uuid4()


@st.composite
def places(draw: st.DrawFn) -> list[ChannelOverride]:
    wanted = draw(st.lists(PLACE, max_size=4, unique=True))
    prices, media = st.none() | st.just(CENTS), st.none() | MEDIA
    return [
        ChannelOverride(
            str(ACCOUNT) if one == "account" else one, media=draw(media), price=draw(prices)
        )
        for one in wanted
    ]


@given(MEDIA, places(), st.sampled_from(["fanvue", "telegram", "sandbox"]))
def test_channel_price_wins_and_paid_media_is_never_free(
    media: tuple[UUID, ...], others: list[ChannelOverride], platform: str
) -> None:
    kept: Any = {"title": "", "body": "x", "parts": [], "media": [str(one) for one in media]}
    row = Post(**kept, overrides=channel_overrides.dump_overrides(others))
    assert set(channel_overrides.overrides_of_post(row)) == {
        one for one in others if not one.is_idle
    }
    channel: Any = type("Known", (), {"platform": platform, "id": ACCOUNT})
    said = {one.place: one for one in others}
    own, general = said.get(str(ACCOUNT)), said.get(platform)
    asked = next(
        (one.price for one in (own, general) if one is not None and one.price is not None), None
    )
    found = channel_overrides.content_for_channel(row, channel)
    assert found.price == asked
    assert {one.place for one in channel_overrides.price_overrides(row)} == {
        one.place for one in others if one.price is not None
    }
    sold = {
        asset
        for place, one in channel_overrides.content_by_place(row)
        if one.price is not None
        for asset in one.media
    }
    assert channel_overrides.is_paid_content_free(row, channel) == (
        asked is None and bool(sold & set(found.media))
    )


@pytest.mark.parametrize(
    "price",
    [Money(0, "USD"), Money(-5, "USD"), Money(channel_overrides.MAX_PRICE_MINOR + 1, "XTR")],
)
def test_invalid_price_is_refused(price: Money) -> None:
    with pytest.raises(BadInput, match="price_wrong"):
        channel_overrides.check_content(
            PostContent("", "x", (), ()), [ChannelOverride("fanvue", price=price)]
        )


def test_thread_cannot_have_price(lea: SandboxAgency) -> None:
    elsewhere(lea, "telegram", "telegram.public_channel")
    parts = (ThreadPart("and more"),)
    post_id = lea.write(
        media=(lea.photo(8),), parts=parts, others=[ChannelOverride("telegram", price=STARS)]
    )
    lea.wish(post_id, "telegram")
    with pytest.raises(BadInput, match=r"price\.one_part"):
        checked(lea, post_id)
