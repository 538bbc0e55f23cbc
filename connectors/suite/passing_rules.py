"""The rule of posts that a platform shows once more to whoever follows their place; it gives the breaches it saw."""

from dataclasses import replace

from connectors.contract import Connector
from connectors.options import YES
from connectors.outcomes import Published
from connectors.suite.comment_rules import DAYS
from connectors.suite.house import House
from connectors.suite.world import World
from gate.units import PASSED_ON, Setting


def posts_are_passed_on_once(world: World, connector: Connector) -> list[str]:
    """A post is passed on once, whatever became of the request, and told so; what was passed on can be taken back."""
    can = connector.capabilities
    if not can.passes_on or world.viewer:
        return []
    if world.passed_on is None:
        return ["nobody can see whether posts are passed on"]
    house, breaches = House(world, connector), list[str]()
    for mode in DAYS:
        unit = replace(world.unit(), parts=2, options=(Setting(can.passes_on, (YES,)),))
        post = house.publish(unit).outcome
        if not isinstance(post, Published) or world.passed_on(post.native_id):
            return [*breaches, "its post was never published, or passed on by itself"]
        if mode:
            world.ask(mode, "passes")
        again = replace(unit, surface=can.passes_to, comment=PASSED_ON, reply_to=post.native_id, options=())
        story = house.publish(again)
        if not isinstance(story.outcome, Published) or not world.passed_on(post.native_id):
            breaches.append(f"{mode or 'a good day'}: told as {type(story.outcome).__name__}")
        elif not isinstance(house.remove(again, story.outcome.native_id), Published):
            breaches.append("what was passed on cannot be taken back")
    return breaches
