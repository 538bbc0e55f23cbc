"""What a post chooses on a platform: approved with it, judged with it, kept with it, refused where nobody knows it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import storing
from connectors import options, registry
from connectors.capabilities import Capabilities, Option
from foundation.errors import BadInput
from foundation.ids import uuid7
from gate.units import Setting, Subject, Unit
from schedules import changes, drafting, linking, overrides, planning, previewing
from schedules.drafting import Draft
from schedules.linking import Rule
from schedules.models import Post
from schedules.overrides import Override
from schedules.states import DeliveryState as S
from tests.schedules.builders import Desk
from tests.schedules.test_prices import checked, elsewhere, on

HIDDEN = Override("mastodon", options=(("visibility", "unlisted"),))


def test_another_choice_is_approved_anew(lea: Desk) -> None:
    elsewhere(lea, "mastodon", "mastodon.post")
    post_id = lea.write(others=[HIDDEN])
    lea.wish(post_id, "mastodon", after=3600)
    lea.approve(post_id)
    lea.plan(post_id)
    open_ = replace(HIDDEN, options=(("visibility", "public"),))
    draft = Draft(lea.creator_id, "", "hello", (), (), others=(open_,))
    with lea.scope(f"member:{lea.author}") as scope:
        before = planning.post(scope, post_id).digest
        assert not drafting.rewrite(scope, post_id, draft, author=f"member:{lea.author}")
        assert planning.post(scope, post_id).digest != before
        assert {one.state for one in planning.deliveries_of(scope, post_id)} == {S.DRAFT}
        since = changes.since(scope, post_id)
    assert since is not None
    assert [(one.place, one.field) for one in since.changes] == [("mastodon", "option:visibility")]


@pytest.mark.parametrize(
    ("place", "chosen", "code"),
    [
        ("mastodon", {"nobody": "x"}, "option.unknown"),
        ("mastodon", {"visibility": "direct"}, "option.no_such_choice"),
        ("mastodon", {"visibility": True}, "option.wrong_kind"),
        ("mastodon", {"warning": "x" * 201}, "option.too_long"),
        ("mastodon", {"language": "français"}, "option.too_long"),
        ("youtube", {"readers": "private"}, "option.no_such_choice"),
        ("bluesky", {"languages": ["fr", "en", "de", "it"]}, "option.too_many"),
        ("sandbox", {"visibility": "public"}, "option.unknown"),
        ("nowhere", {"visibility": "public"}, "option.nowhere"),
    ],
)
def test_what_no_platform_knows_is_refused(lea: Desk, place: str, chosen: dict[str, Any], code: str) -> None:
    post_id = lea.write(others=[Override(place, options=overrides.chosen(chosen))])
    with pytest.raises(BadInput, match=code.replace(".", r"\.")):
        checked(lea, post_id)


def test_a_choice_leaves_what_becomes_of_addresses(lea: Desk) -> None:
    """A rule for what is written from now on took hold of a post of before, once its warning was changed."""
    here = elsewhere(lea, "mastodon", "mastodon.post")
    post_id = lea.write("https://lea.example.org/shop")
    lea.wish(post_id, "mastodon", after=3600)
    lea.act(linking.set_rule, lea.creator_id, Rule(source="{platform}", campaign="now"))
    lea.act(drafting.choose, post_id, here, (("warning", "Sea"),), author=f"member:{lea.author}")
    with lea.scope() as scope:
        owner = planning.post(scope, post_id)
        assert overrides.content(owner, on(lea, "mastodon")).options
        assert linking.read(owner) == linking.AS_IT_STANDS


def test_an_account_chooses_before_its_platform_and_what_is_read_is_judged(lea: Desk) -> None:
    here = elsewhere(lea, "mastodon", "mastodon.post")
    words = "EXPLICIT-MARKER-A"
    others = (
        replace(HIDDEN, options=(("language", "fr"), ("visibility", "unlisted"))),
        Override(str(here), options=(("visibility", "private"), ("warning", words))),
    )
    post_id = lea.write(others=others)
    with lea.scope(f"member:{lea.author}") as scope:
        owner = planning.post(scope, post_id)
        assert overrides.read(owner) == tuple(sorted(others, key=lambda one: one.place))
        said = overrides.content(owner, on(lea, "mastodon"))
        assert dict(said.options) == {"language": "fr", "visibility": "private", "warning": words}
        kept, loud = (
            previewing.previews(
                scope,
                Draft(lea.creator_id, "", "hello", (), (here,), others=given),
                author=f"member:{lea.author}",
                connectors=lea.services.connectors,
            )[0]
            for given in ((HIDDEN,), others)
        )
    before, after = ({one.code for one in shown.reasons} for shown in (kept, loud))
    assert before < after, (before, after)


UNIT = Unit(uuid7(), uuid7(), Subject("delivery", uuid7()), "x", "x.post", uuid7(), "a", "public")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
SETTINGS = st.builds(Setting, TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), st.booleans())


@given(st.lists(SETTINGS, max_size=3).map(tuple))
def test_a_unit_keeps_its_options_and_adds_words_to_none_of_the_judged(chosen: tuple[Setting, ...]) -> None:
    unit = replace(UNIT, options=chosen)
    assert storing.unit_from_json(storing.unit_to_json(unit)) == unit
    assert (unit.digest() == UNIT.digest(), unit.shown() == UNIT.shown()) == (not chosen, not chosen)
    assert set(unit.visible_texts) == {value for one in chosen if one.read for value in one.values}
    assert unit.place == UNIT.place
    assert unit.flags == UNIT.flags


@pytest.mark.parametrize("platform", sorted(registry.own()))
def test_every_option_takes_its_example_and_its_default(platform: str) -> None:
    can: Capabilities = registry.own()[platform].capabilities
    for option in can.options:
        for value in _values(option):
            assert options.trouble(((option.name, value),), can) is None, (option.name, value)


def _values(option: Option) -> list[options.Value]:
    if option.kind == "flag":
        return [True, False]
    if option.kind == "list":
        return [(option.example,)]
    return list(option.choices or filter(None, (option.example, option.default)))


CHOSEN = st.dictionaries(st.sampled_from(["visibility", "warning", "language"]), st.sampled_from(["a", "b"])).map(
    overrides.chosen
)
ACCOUNTS = [uuid7() for _ in range(3)]


@given(st.dictionaries(st.sampled_from(["mastodon", "x", *map(str, ACCOUNTS)]), CHOSEN), CHOSEN)
def test_a_choice_on_one_account_changes_that_account_alone(said: dict[str, Any], wanted: Any) -> None:
    kept: Any = {"title": "", "body": "x", "parts": [], "media": []}
    before = Post(**kept, overrides=overrides.stored([Override(one, options=there) for one, there in said.items()]))
    platforms = zip(ACCOUNTS, ("mastodon", "mastodon", "x"), strict=True)
    channels: list[Any] = [type("Known", (), {"platform": name, "id": one}) for one, name in platforms]
    after = Post(**kept, overrides=overrides.stored(overrides.choosing(before, channels, channels[0], wanted)))
    assert overrides.content(after, channels[0]).options == wanted
    for other in channels[1:]:
        assert overrides.content(after, other) == overrides.content(before, other)
    again = overrides.choosing(after, channels, channels[0], wanted)
    assert overrides.stored(again) == after.overrides, "pressed twice it is the same post"
