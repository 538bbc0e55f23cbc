"""Clicks are those of people: in-app browsers are people, link previews and scripts are not."""

import json
import os
from itertools import product
from pathlib import Path

import crawleruseragents
import pytest

from web.links.user_agents import is_machine_agent

IOS = "Mozilla/5.0 (iPhone; CPU iPhone OS {os} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
ANDROID = (
    "Mozilla/5.0 (Linux; Android {os}; {phone}) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 "
)
APPS = (
    "Snapchat/13.10.0.20 (like Safari/8619.2.8, panda)",
    "Instagram 325.0.3.34.91 (iPhone14,5; iOS 17_4; fr_FR; fr; scale=3.00; 1170x2532; 580000000)",
    "[FBAN/FBIOS;FBAV/465.0.0.39.103;FBBV/602060281;FBDV/iPhone15,2;FBLC/fr_FR;FBOP/80]",
    "trill_340102 JsSdk/1.0 NetType/WIFI Channel/googleplay BytedanceWebview/d8a21c6",
    "musical_ly_34.1.0 BytedanceFullVersion/34.1.0",
    "[Pinterest/iOS]",
    "Barcelona 325.0.0.0 (iPhone14,5; iOS 17_4)",
    "[LinkedInApp]/9.29.8163",
    "Line/14.3.1/IAB",
    "MicroMessenger/8.0.47 NetType/WIFI Language/zh_CN",
    "KAKAOTALK 10.5.5",
    "GSA/313.0.626156906",
    "Twitter for iPhone/10.33",
    "Reddit/2024.12.0/iOS",
    "DuckDuckGo/7",
    "EdgA/126.0.0.0",
    "OPR/80.4",
    "SamsungBrowser/25.0",
    "",
)
DESKTOP = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Opera/9.80 (Android; Opera Mini/80.0/191.273; U; en) Presto/2.12.423 Version/12.16",
)
PEOPLE = [
    *DESKTOP,
    *(
        (IOS.format(os=version) + f"Mobile/15E148 {app}").strip()
        for version, app in product(("16_7", "17_4", "18_1"), APPS)
    ),
    *(
        (ANDROID.format(os=version, phone=phone) + app).strip()
        for version, phone, app in product(
            ("10", "14"), ("Pixel 8", "SM-S911B", "CUBOT P80", "CUBOT_KINGKONG Build/X"), APPS
        )
    ),
]
MACHINES = (
    "",
    " ",
    "TelegramBot (like TwitterBot)",
    "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots",
    "WhatsApp/2.23.20.0 A",
    "Viber/22.0",
    "Signal/7.1",
    "http.rb/5.2.0 (Mastodon/4.3.0; +https://social.example/)",
    "Misskey/2024.5.0 (https://social.example)",
    "Lemmy/0.19.3; +https://social.example",
    "Bluesky Cardyb/1.1; +mailto:support@bsky.app",
    "node-fetch/1.0",
    "undici",
    "Java/17.0.2",
    "SomethingNew/1.0",
    "Mozilla/5.0 (compatible; NewFetcher/1.0)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; NewBot/1.0; +https://new.example)"
    " Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko)"
    " Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
)


@pytest.mark.parametrize("agent", PEOPLE)
def test_browsers_of_people_are_people(agent: str) -> None:
    assert not is_machine_agent(agent)


@pytest.mark.parametrize("agent", MACHINES)
def test_previews_bots_and_scripts_are_machines(agent: str) -> None:
    assert is_machine_agent(agent)


def test_every_example_of_the_maintained_list_is_a_machine() -> None:
    examples = [
        each for row in crawleruseragents.CRAWLER_USER_AGENTS_DATA for each in row["instances"]
    ]
    assert len(examples) > 1000
    assert [each for each in examples if not is_machine_agent(each)] == []


def test_long_agent_is_read_in_part() -> None:
    assert not is_machine_agent(DESKTOP[0] + " x" * 100_000 + " Googlebot/2.1")


@pytest.mark.skipif("GREENROOM_SHARED" not in os.environ, reason="needs the shared field files")
def test_agents_from_the_field() -> None:
    path = Path(os.environ["GREENROOM_SHARED"]) / "data" / "field2" / "texts.json"
    agents = json.loads(path.read_text())["agents"]
    assert not any(map(is_machine_agent, agents["people"].values()))
    assert all(map(is_machine_agent, agents["machines"].values()))
