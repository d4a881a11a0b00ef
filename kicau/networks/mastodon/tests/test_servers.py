"""What different servers say of themselves, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from kicau.connector.capabilities import Ability
from kicau.connector.content import MediaKind
from kicau.connector.contract import ContractSession
from kicau.connector.serialization import from_json, to_json
from kicau.networks.mastodon import servers
from kicau.networks.mastodon.connector import connector
from kicau.networks.mastodon.limits import baseline, capabilities_of_server
from kicau.networks.mastodon.render import render
from kicau.networks.mastodon.sandbox import SNAC_DIFFERENCES, Server
from kicau.networks.mastodon.tests.cast import CUP, saying

TODAY = date(2026, 11, 24)


def can(**answer: Any) -> Any:
    return capabilities_of_server(
        servers.parse_server_info({"version": "4.5.0", **answer}, "kopi.social", "https://kopi.social/api/v2/instance"),
        TODAY,
    )


@pytest.mark.parametrize(
    ("version", "source", "software"),
    [
        ("4.5.0", "", "mastodon"),
        ("4.4.0-rc.1", "https://github.com/mastodon/mastodon", "mastodon"),
        ("4.6.0-alpha.2+glitch", "", "mastodon"),
        ("4.5.0-nightly.2025-07-11", "", "mastodon"),
        ("2.7.2 (compatible; Pleroma 2.6.0)", "", "pleroma"),
        ("2.7.2 (compatible; Akkoma 3.13.2-0-gabc)", "", "akkoma"),
        ("4.0.0 (not true; really snac/2.75)", "https://comam.es/what-is-snac", "snac"),
        ("0.17.3+git-abc", "https://codeberg.org/superseriousbusiness/gotosocial", "gotosocial"),
        ("4.2.1 (compatible; Iceshrimp.NET/2025.1)", "", "iceshrimp"),
        ("1.0", "", ""),
        ("", "", ""),
    ],
)
def test_software(version: str, source: str, software: str) -> None:
    assert servers.software_name(version, source) == software


def test_only_those_that_are_known_to_keep_keys_are_relied_upon() -> None:
    kept = {
        name
        for name in ("mastodon", "pleroma", "akkoma", "snac", "gotosocial", "")
        if servers.ServerInfo(host="h", version="", software=name, source="").keeps_keys
    }
    assert kept == {"mastodon", "pleroma", "akkoma"}


def test_a_server_that_says_nothing_is_as_usual() -> None:
    asked, usual = can(api_versions={"mastodon": 7}), baseline
    assert (asked.max_length, asked.media, asked.poll, asked.options) == (
        usual.max_length,
        usual.media,
        usual.poll,
        usual.options,
    )
    assert asked.facts["host"].value == "kopi.social"


def test_limits_are_the_servers_own() -> None:
    asked = can(
        configuration={
            "statuses": {"max_characters": 5000, "max_media_attachments": 8, "characters_reserved_per_url": 25},
            "media_attachments": {
                "description_limit": 10_000,
                "image_size_limit": 1000,
                "image_matrix_limit": 2000,
                "video_size_limit": 3000,
                "video_frame_rate_limit": 60,
                "video_matrix_limit": 4000,
                "supported_mime_types": ["image/png", "image/jpeg", "video/mp4", "audio/ogg"],
            },
            "polls": {"max_options": 8, "max_characters_per_option": 100, "min_expiration": 90, "max_expiration": 7200},
        }
    )
    image, video = asked.media[MediaKind.IMAGE], asked.media[MediaKind.VIDEO]
    assert (asked.max_length, asked.max_media, image.max_count) == (5000, 8, 8)
    assert (image.max_size, image.max_pixels, image.max_alt, image.mimes) == (
        999,
        2000,
        10_000,
        {"image/png", "image/jpeg"},
    )
    assert (video.max_size, video.max_pixels, video.max_fps, video.mimes) == (2999, 4000, 60, {"video/mp4"})
    assert (asked.poll.max_options, asked.poll.max_option_length, asked.poll.min_minutes, asked.poll.max_minutes) == (
        8,
        100,
        2,
        120,
    )
    assert asked.facts["max-length"].source == "https://kopi.social/api/v2/instance: statuses.max_characters"
    assert asked.facts["max-length"].checked == TODAY
    made = render(saying("https://kopi.id/menu"), asked)
    assert (made.parts[0].used, made.parts[0].limit) == (25, 5000)
    assert from_json(type(asked), to_json(asked)) == asked


def test_limits_of_servers_that_keep_them_elsewhere() -> None:
    asked = can(
        version="2.7.2 (compatible; Pleroma 2.6.0)",
        max_toot_chars=4000,
        description_limit=5000,
        upload_limit=16_000_000,
        poll_limits={"max_options": 20, "max_option_chars": 200, "min_expiration": 0, "max_expiration": 31_536_000},
    )
    assert (asked.max_length, asked.media[MediaKind.IMAGE].max_alt, asked.media[MediaKind.VIDEO].max_size) == (
        4000,
        5000,
        15_999_999,
    )
    assert (asked.poll.max_options, asked.poll.max_option_length) == (20, 200)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "x",
        [],
        {"statuses": None},
        {"statuses": {"max_characters": "500"}},
        {"statuses": {"max_characters": -1}},
        {"statuses": {"max_characters": True}},
        {"media_attachments": {"supported_mime_types": "png"}},
    ],
)
def test_nonsense_is_as_if_nothing_was_said(broken: Any) -> None:
    assert can(configuration=broken).max_length == 500


def test_quotes_are_offered_where_the_server_takes_them() -> None:
    assert "quote" in {o.name for o in can(api_versions={"mastodon": 7}).options}
    older = can(api_versions={"mastodon": 6})
    assert not {"quote", "quotes"} & {o.name for o in older.options}
    assert [p.code for p in render(saying("x", options={"quote": "1"}), older).problems] == ["unknown-option"]


def test_what_snac_lacks_is_not_offered() -> None:
    snac = can(version="4.0.0 (not true; really snac/2.75)")
    assert (snac.poll, Ability.POLL in snac.abilities, Ability.DELETE in snac.abilities) == (None, False, False)
    (visibility,) = (o for o in snac.options if o.name == "visibility")
    assert [value for value, _ in visibility.choices] == ["public", "private"]
    assert "focus" not in {o.name for o in snac.options}


def test_what_snac_would_change_is_told_and_mended() -> None:
    snac = can(version="4.0.0 (not true; really snac/2.75)")
    told = render(saying("🏴󠁧󠁢󠁳󠁣󠁴󠁿", replace(CUP, alt="satu\ndua")), snac)
    assert [notice.code for notice in told.notices] == ["alt-one-line", "garbled"]
    assert told.parts[0].media[0].media.alt == "satu dua"
    assert render(saying("🏴󠁧󠁢󠁳󠁣󠁴󠁿", replace(CUP, alt="satu\ndua")), can()).notices == ()


async def test_a_server_is_asked(box: Server, kopi: ContractSession) -> None:
    box.max_characters = 1234
    asked = await connector.capabilities(kopi)
    assert (asked.max_length, asked.facts["version"].value, asked.facts["host"].value) == (1234, "4.5.0", "kopi.social")


async def test_a_server_with_only_the_older_call_is_asked(box: Server, kopi: ContractSession) -> None:
    box.lacks, box.version, box.max_characters = SNAC_DIFFERENCES, "4.0.0 (not true; really snac/2.75)", 99
    asked = await connector.capabilities(kopi)
    assert (asked.max_length, asked.facts["software"].value) == (99, "snac")
