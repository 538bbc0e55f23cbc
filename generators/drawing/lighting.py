"""The light of a scene: colours of sky, sun and distance by time of day and weather."""

from dataclasses import dataclass, replace

from generators.drawing.canvas import Colour, mix_colours, tint_colour
from generators.drawing.scene_prompt import SceneSetting


@dataclass(frozen=True)
class SceneLight:
    """The colours of the air. `zenith` to `horizon` are the sky; `light` tints objects; `dark` is
    the fraction of light that is lost."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    light: Colour
    cloud: Colour
    shade: Colour
    dark: float
    sun_height: float
    night: bool = False
    haze: float = 0.75

    def in_light(self, local: Colour, distance: float = 0.0) -> Colour:
        """Return an object's colour in this light, with `distance` from 0 (near) to 1 (invisible in
        haze)."""
        near = mix_colours(tint_colour(local, self.light), self.shade, self.dark)
        return mix_colours(
            near, mix_colours(self.horizon, self.middle, 0.25), min(1.0, distance * self.haze)
        )


_MOODS = {
    "day": SceneLight(
        zenith=(66, 132, 196),
        middle=(132, 186, 224),
        horizon=(222, 236, 238),
        sun=(255, 250, 232),
        light=(255, 251, 242),
        cloud=(255, 255, 255),
        shade=(58, 84, 116),
        dark=0.06,
        sun_height=0.16,
    ),
    "sunset": SceneLight(
        zenith=(58, 72, 128),
        middle=(202, 118, 128),
        horizon=(255, 196, 122),
        sun=(255, 226, 164),
        light=(255, 208, 168),
        cloud=(255, 160, 128),
        shade=(72, 48, 92),
        dark=0.30,
        sun_height=0.40,
    ),
    "dawn": SceneLight(
        zenith=(104, 134, 186),
        middle=(196, 180, 206),
        horizon=(255, 220, 196),
        sun=(255, 240, 212),
        light=(255, 232, 222),
        cloud=(255, 214, 206),
        shade=(92, 92, 140),
        dark=0.20,
        sun_height=0.38,
    ),
    "night": SceneLight(
        zenith=(10, 16, 42),
        middle=(24, 38, 80),
        horizon=(66, 86, 132),
        sun=(236, 240, 250),
        light=(150, 172, 224),
        cloud=(70, 84, 124),
        shade=(8, 14, 36),
        dark=0.58,
        sun_height=0.18,
        night=True,
    ),
}


def _desaturate(colour: Colour, towards: Colour, share: float) -> Colour:
    return mix_colours(colour, towards, share)


def light_of(setting: SceneSetting) -> SceneLight:
    """Return the light of a setting. Bad weather greys the sky, and mist shortens the view."""
    mood = _MOODS[setting.hour]
    if setting.weather in ("rain", "mist", "cloudy"):
        grey: Colour = (52, 60, 78) if mood.night else (168, 178, 188)
        share = {"rain": 0.62, "mist": 0.5, "cloudy": 0.22}[setting.weather]
        mood = replace(
            mood,
            zenith=_desaturate(mood.zenith, grey, share),
            middle=_desaturate(mood.middle, grey, share),
            horizon=_desaturate(
                mood.horizon, mix_colours(grey, (255, 255, 255), 0.0 if mood.night else 0.3), share
            ),
            cloud=_desaturate(mood.cloud, grey, share * 0.8),
            light=_desaturate(mood.light, (226, 230, 236), share * 0.8),
            haze={"mist": 1.15, "rain": 0.95}.get(setting.weather, mood.haze),
        )
    return mood
