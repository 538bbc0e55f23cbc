"""What a person and the engines do in the morning: pictures, captions, ratings, approvals, the plan.

Every act is made once: a day that was interrupted is gone on with, and one that was lived is found as it is.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import cycle
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import BadInput, Unavailable
from foundation.money import Money
from gate import ratings
from gate.units import Rating
from generators import registry as engines
from generators.contract import Label
from schedules import approvals, planning, yeses
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, zone_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio import captions, ingesting, jobs, library, packs, recipes, word_lists
from studio.captions import Caption, Voice
from studio.ingesting import Prepared
from studio.states import JobState
from studio.text_costs import Purpose, Sitting, words_of
from subscribers import offers, persona
from subscribers.rails.contract import PaymentRail
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from tenants.roles import Right, Role, may
from workers import day_photos
from workers.brief import PHOTOS, Brief, PackPart, SlotPart
from workers.clockwork import Clockwork
from workers.timeline import WATCHING, Timeline
from workers.wiring import Services

BRIEF = "brief"
"""Where these posts come from."""

MAX_OWN = 12
"""Photos of the library that a day draws on when none are given."""

LIBRARY = 1000
"""How far back the library is looked through, in pictures."""

OWN = frozenset({str(Label.NONE), str(Label.DRAWN)})
"""Photographed, or drawn where the demonstration would show a photograph."""

MAKING = timedelta(hours=2)
"""From 06:00 to 08:00; pictures that are not there by then are not waited for."""

UNREAD = yeses.MISSING
"""Why a post is on hold whose time came before anybody had said yes. What was changed since is no business of ours."""

Pictures = Mapping[str, Sequence[UUID]]
"""Assets by source: `photos`, or the name of a recipe."""


class Work:
    """The morning of one creator."""

    def __init__(
        self,
        services: Services,
        tenant_id: UUID,
        creator: Creator,
        brief: Brief,
        photos: Sequence[Prepared],
        *,
        clock: Clockwork,
        timeline: Timeline,
    ) -> None:
        self._s, self._tenant_id, self._creator, self._brief = services, tenant_id, creator, brief
        self._photos, self._clock, self._timeline = photos, clock, timeline

    def check(self) -> None:
        """Everything the brief names exists. Raises NotFound, BadInput or Unavailable that says what and where."""
        zone_of(self._creator.zone)
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            for recipe in self._brief.recipes:
                word_lists.check(scope, self._creator.id, recipe.name, recipe.prompt, also=self._brief.lists)
            known = [channel.name for channel in channel_reads.channels_of(scope, self._creator.id)]
            for number, slot in enumerate(self._brief.slots, start=1):
                for name in slot.channels:
                    if name not in known:
                        where = f"slots.{number}.channels"
                        raise BadInput("brief.channel_unknown", name=name, where=where, known=", ".join(known) or "–")
            self._approvers(scope)
            photos = len(self._photos) or len(self._own(scope))
        for pack in self._brief.packs:
            self._rail(pack)
        self._enough(photos)

    def _enough(self, photos: int) -> None:
        for slot in self._brief.slots:
            if slot.picture == PHOTOS and not photos:
                raise BadInput("day.no_pictures", picture=PHOTOS)
        for pack in self._brief.packs:
            if pack.picture == PHOTOS and pack.pictures > photos:
                raise BadInput("day.too_few_photos", title=pack.title, wanted=pack.pictures, count=photos)

    def begun(self, day: date) -> bool:
        """Whether a post of this creator's brief stands for that day already."""
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            return bool(schedule_reads.written(scope, BRIEF, self._key(day)))

    def entries(self, day: date) -> list[Entry]:
        """Where the posts of that day's brief go, and how they stand."""
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            ours = set(schedule_reads.written(scope, BRIEF, self._key(day)).values())
            found = schedule_reads.day(scope, self._creator.id, day, self._creator.zone)
        return [entry for entry in found if entry.post_id in ours]

    def _key(self, day: date, at: str = "") -> str:
        return f"{self._creator.id}:{day}:{at}"

    # pictures

    def generate(self, day: date) -> Pictures:
        """Bring the photos in, run the recipes, wait for their pictures, have somebody rate them all.

        Raises Unavailable when a recipe fails or takes too long.
        """
        made: dict[str, list[UUID]] = {PHOTOS: self._bring() if self._photos else self._own_photos(day)}
        running = {recipe.name: self._start(recipe, day) for recipe in self._brief.recipes}
        known = {name for name, job_id in running.items() if self._over([job_id])}
        if not self._clock.wait_for(lambda: self._over(running.values()), at_most=MAKING):
            raise Unavailable("day.pictures_late")
        for name, job_id in running.items():
            made[name] = self._made(name, job_id, tell=name not in known)
        self._rate([asset for assets in made.values() for asset in assets])
        self._persona()
        return made

    def _own_photos(self, day: date) -> list[UUID]:
        """Without photos of the day: those of the library that are no engine's work, in another order each day."""
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            own = self._own(scope)
        turn = day.toordinal() % len(own) if own else 0
        return [*own[turn:], *own[:turn]][:MAX_OWN]

    def _own(self, scope: Scope) -> list[UUID]:
        allowed = Rating(self._brief.rating).rank
        items = library.items(scope, self._creator.id, limit=LIBRARY)
        own = [item for item in items if item.label in OWN and (item.rating is None or item.rating.rank <= allowed)]
        return [item.asset_id for item in own]

    def _bring(self) -> list[UUID]:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            known = library.made(scope, self._creator.id, [photo.source.key for photo in self._photos])
        bring = partial(ingesting.bring, tenant_id=self._tenant_id, creator_id=self._creator.id)
        by = (self._s.tenant, self._s.store)
        assets = [bring(*by, prepared=day_photos.whole(photo), classifier=self._s.classifier) for photo in self._photos]
        if len(known) < len(assets):
            self._say("day.photos", count=len(assets) - len(known))
        return assets

    def _start(self, spec: recipes.Spec, day: date) -> UUID:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            for name in word_lists.named(spec.prompt):
                if name in self._brief.lists:
                    word_lists.put(scope, self._creator.id, name, self._brief.lists[name])
            recipe_id = recipes.save(scope, self._creator.id, spec)
            key = f"day:{self._creator.id}:{day}:{spec.name}"
            return jobs.start(
                scope, creator_id=self._creator.id, recipe_id=recipe_id, seed=self._seed(day, spec.name), key=key
            )

    def _over(self, running: Iterable[UUID]) -> bool:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            states = [jobs.progress(scope, job_id)[0] for job_id in running]
        return all(state in (JobState.DONE, JobState.FAILED) for state in states)

    def _made(self, name: str, job_id: UUID, *, tell: bool) -> list[UUID]:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            state, _, _ = jobs.progress(scope, job_id)
            assets, why = jobs.assets(scope, job_id), jobs.why(scope, job_id)
            items = [library.item(scope, asset) for asset in assets]
        if state is JobState.FAILED:
            if why is not None:
                self._say(why.code, **why.params)
            raise Unavailable("day.recipe_failed", recipe=name)
        for item in items if tell else ():
            self._say("day.picture", engine=item.engine, model=item.model, prompt=item.prompt)
        return assets

    def _rate(self, assets: Sequence[UUID]) -> None:
        """Somebody looks at the pictures and says what they show; who that is stands in the rating."""
        approver, rated = self._first_approver(), 0
        with self._s.tenant(self._tenant_id, f"member:{approver.id}") as scope:
            for asset in assets:
                sha256 = library.item(scope, asset).sha256
                if ratings.effective(scope, sha256) is None:
                    ratings.rate(scope, sha256, Rating(self._brief.rating), source=f"member:{approver.id}")
                    rated += 1
        if rated:
            self._say("day.rated", member=approver.name, count=rated)

    def _persona(self) -> None:
        part = self._brief.persona
        if part is None:
            return
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            now = persona.active(scope, self._creator.id)
            wanted = persona.Persona(
                name=self._creator.name,
                virtual=self._creator.kind == "virtual",
                level=now.level if now is not None else "copilot",
                card=part.card,
                voice=part.voice,
                rules=tuple(part.rules),
                forbidden=tuple(part.forbidden),
                languages=tuple(self._brief.languages),
            )
            if now != wanted:
                persona.activate(scope, persona.write(scope, self._creator.id, wanted))

    # posts and packs

    def write(self, day: date, pictures: Pictures) -> list[UUID]:
        """One post for each slot, with a picture and a caption; and the packs of the brief. Returns the posts."""
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            known = schedule_reads.written(scope, BRIEF, self._key(day))
        queues = {source: cycle(assets) for source, assets in pictures.items() if assets}
        posts = []
        for slot in self._brief.slots:
            asset, post_id = next(queues[slot.picture]), known.get(self._key(day, slot.at))
            posts.append(post_id or self._post(day, slot, asset))
        self._destinations(day, posts)
        self._make_packs(pictures)
        return posts

    def _post(self, day: date, slot: SlotPart, asset: UUID) -> UUID:
        key = self._key(day, slot.at)
        sitting = self._sitting(key)
        caption = self._caption(asset, day, slot, sitting)
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            post_id = planning.write_post(
                scope,
                creator_id=self._creator.id,
                title="",
                body=caption.text,
                media=[asset],
                origin=BRIEF,
                origin_key=key,
                author=WATCHING,
                text_ai=caption.ai,
            )
            if caption.ai != "none":
                sitting.kept(scope)
        self._say("day.caption", engine=caption.engine, model=caption.model, text=caption.text)
        return post_id

    def _sitting(self, key: str) -> Sitting:
        of = (self._s.tenant, self._tenant_id, self._creator.id, Purpose.POST, words_of(BRIEF, key))
        return Sitting(*of, self._s.billing)

    def _caption(self, asset: UUID, day: date, slot: SlotPart, sitting: Sitting) -> Caption:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            item = library.item(scope, asset)
        voice = Voice(
            self._creator.name, self._brief.tone, self._brief.languages[0], virtual=self._creator.kind == "virtual"
        )
        scene = item.prompt or item.alt or self._creator.name
        model, seed = sitting.model(self._s.text_engine()), self._seed(day, slot.at)
        return captions.write(model, engines.templates(), voice=voice, scene=scene, seed=seed)

    def _destinations(self, day: date, posts: Sequence[UUID]) -> None:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            for slot, post_id in zip(self._brief.slots, posts, strict=True):
                for name in slot.channels:
                    channel = channel_reads.by_name(scope, self._creator.id, name)
                    at = WallTime(day, slot.clock, self._creator.zone)
                    planning.add_delivery(scope, post_id, channel.id, at=at)

    def _make_packs(self, pictures: Pictures) -> None:
        """A pack stays what it was when it was made, for somebody may have bought it; its price is the brief's."""
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            known = {pack.slug for pack in packs.packs_of(scope, self._creator.id)}
            for part in self._brief.packs:
                assets = list(pictures[part.picture])[: part.pictures]
                pack_id = packs.make(
                    scope,
                    creator_id=self._creator.id,
                    slug=part.slug,
                    title=part.title,
                    description=part.description,
                    assets=assets,
                )
                price = Money(part.price.amount, part.price.currency)
                offers.set_price(scope, self._creator.id, pack_id, self._rail(part).name, price)
                code = "day.pack_stays" if part.slug in known else "day.pack"
                self._say(code, title=part.title, price=str(price), count=len(packs.pack(scope, pack_id).media))

    def _rail(self, part: PackPart) -> PaymentRail:
        for rail in self._s.rails.values():
            if rail.currency == part.price.currency:
                return rail
        known = ", ".join(sorted({rail.currency for rail in self._s.rails.values()}))
        raise BadInput("day.no_rail", currency=part.price.currency, title=part.title, known=known)

    # the yes, and the calendar

    def plan(self, day: date, posts: Sequence[UUID]) -> None:
        """Other people than the author say yes; then all goes on the calendar."""
        waiting = {entry.post_id for entry in self.entries(day) if _is_unread(entry)}
        new = [post_id for post_id in posts if post_id in waiting]
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            approvers = self._approvers(scope)
        for tier, approver in enumerate(approvers, start=1):
            with self._s.tenant(self._tenant_id, f"member:{approver.id}") as scope:
                for post_id in new:
                    approvals.approve(scope, post_id, member_id=approver.id, tier=tier)
            if new:
                self._say("day.approved", member=approver.name, count=len(new))
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            planned = [planning.plan_post(scope, post_id) for post_id in new if planning.has_approved(scope, post_id)]
        if planned:
            self._say("day.planned", posts=len(planned), count=sum(map(len, planned)))

    def _first_approver(self) -> Member:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            return self._approvers(scope)[0]

    def _approvers(self, scope: Scope) -> list[Member]:
        """One person for each yes that the creator's rule asks for. Raises BadInput when there are too few."""
        wanted = self._brief.approver.casefold()
        able = [one for one in tenant_reads.members(scope) if may(one.role, Right.APPROVE)]
        able = [one for one in able if not one.creators or self._creator.slug in one.creators]
        able.sort(key=lambda one: (one.email.casefold() != wanted, one.role is not Role.MANAGER, one.name))
        people = list({one.principal_id: one for one in reversed(able)}.values())[::-1]
        asked = max(self._creator.approval_tiers, 1)
        if len(people) < asked or (wanted and people[0].email.casefold() != wanted):
            raise BadInput("day.nobody_approves", approver=self._brief.approver or "–", count=asked)
        return people[:asked]

    def _say(self, code: str, **params: str | int) -> None:
        self._timeline.say(self._clock.now(), code, **params)

    def _seed(self, day: date, what: str) -> int:
        digest = hashlib.sha256(f"{self._creator.id}:{day}:{what}".encode()).digest()
        return int.from_bytes(digest[:6], "big")


def _is_unread(entry: Entry) -> bool:
    return entry.state is DeliveryState.DRAFT or (entry.reason is not None and entry.reason.code in UNREAD)
