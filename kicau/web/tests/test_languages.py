"""Dates, times, numbers, plurals, zones and kept sentences, as each language writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from kicau.base.errors import Conflict, NotAllowed, NotFound
from kicau.base.sentences import Sentence, to_stored_pieces
from kicau.channels.models import Channel
from kicau.connector.capabilities import Capabilities, MediaRule
from kicau.connector.checks.conversion import CONVERSION_REASONS
from kicau.connector.checks.formats import MEDIA_KIND_NAMES
from kicau.connector.checks.media import check_media
from kicau.connector.content import Media, MediaKind, Problem, Recipe
from kicau.media import file_types, probe
from kicau.media.probe import UnusableFile
from kicau.notifications.events import EVENTS
from kicau.notifications.wording import fill_template
from kicau.publishing.models import DeliveryState, DraftState
from kicau.publishing.scheduling.schedule import offboarding_problems
from kicau.rights import sentences
from kicau.rights.decisions import RightsVerdict
from kicau.rights.uses import PURPOSES, USES
from kicau.web.core import labels
from kicau.web.templatetags import kicau as tags
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

AT = datetime(2027, 8, 17, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "moment", "size", "money", "days", "late", "until"),
    [
        (
            "en",
            "Tue 17 Aug 2027, 10:05",
            "1.5 MB",
            "$1,234.50",
            "3 days",
            "90 seconds after the scheduled time",
            "17 Aug 2027, 10:05",
        ),
        ("id", "Sel 17 Agu 2027, 10.05", "1,5 MB", "US$1.234,50", "3 hari", "90 detik", "17 Agu 2027, 10.05"),
    ],
)
def test_each_language_writes_its_own(language, moment, size, money, days, late, until):
    kept = Sentence(
        "{network} asked Kicau to pause publishing on this channel until {until}. Kicau then continues. You do not need to do anything.",
        network="Kabar",
        until=AT,
    )
    with translation.override(language), timezone.override(ZoneInfo("Asia/Jakarta")):
        told = {
            "moment": str(tags.moment(AT)),
            "size": tags.file_size(1_500_000),
            "money": tags.money(1_234_500_000, "USD"),
            "days": tags.poll_length(3 * 1440),
            "late": tags.lateness(90_000),
            "kept": labels.localize_sentence(str(kept), to_stored_pieces(kept)),
        }
    for name, part in {
        "moment": moment,
        "size": size,
        "money": money,
        "days": days,
        "late": late,
        "kept": until,
    }.items():
        assert part in told[name], (name, told[name])
    assert ("asked Kicau to pause publishing on this channel until" in told["kept"]) == (language == "en")
    with translation.override(language), timezone.override(ZoneInfo("America/New_York")):
        assert "16 A" in str(tags.moment(datetime(2027, 8, 17, 3, 5, tzinfo=UTC))), "the reader's own day"


@pytest.mark.parametrize("use", USES)
def test_reasons_name_the_use_in_the_readers_language(use):
    reason = replace(sentences.NOBODY_SPOKE, params={"purpose": PURPOSES[use]})
    assert labels.sentence(reason).endswith(f"may be used for {PURPOSES[use]}.")
    with translation.override("id"):
        shown = labels.sentence(reason)
    assert "boleh digunakan untuk " in shown
    assert PURPOSES[use] not in shown


@pytest.mark.parametrize(
    ("language", "conditions", "day", "when", "notice"),
    [
        (
            "en",
            ": crediting the author, paying the rights holder.",
            "On 12 Nov 2026",
            "on 12 Nov 2026, 09:00",
            "2 Dec 2026, 22:09",
        ),
        (
            "id",
            ": mencantumkan nama penulis, pembayaran kepada pemegang hak.",
            "Pada 12 Nov 2026",
            "pada 12 Nov 2026, 09.00",
            "2 Des 2026, 22.09",
        ),
    ],
)
def test_conditions_and_days_within_sentences_are_the_readers(language, conditions, day, when, notice):
    unmet = replace(
        sentences.UNMET_CONDITIONS, params={"conditions": "attribution, payment", "purpose": PURPOSES["train_gen"]}
    )
    refused = replace(
        sentences.LAYER_REASONS["grant", RightsVerdict.NO],
        params={"who": "the author", "day": "2026-11-12", "purpose": PURPOSES["train_gen"]},
    )
    with translation.override(language), timezone.override(ZoneInfo("Asia/Jakarta")):
        assert conditions in labels.sentence(unmet)
        assert conditions in labels.localize_sentence(
            unmet.message.format(**unmet.params), [[unmet.message, unmet.params]]
        )
        assert day in labels.sentence(refused)
        assert (
            labels.localize_sentence(
                "Sent {when}.".format(when="on 2026-11-12 at 09:00"),
                [["Sent {when}.", {"when": "on 2026-11-12 at 09:00"}]],
            )
            == f"Sent {when}."
        )
        assert (
            labels.localize_sentence("Sent 2026-13-40.", [["Sent {day}.", {"day": "2026-13-40"}]]) == "Sent 2026-13-40."
        )
        left = fill_template(
            EVENTS["network.leaving"].one, {"what": "X", "when": "2026-12-02T15:09:00+00:00", "after": 3}
        )
        assert notice in left
        assert "2026-12-02" not in left
        assert "2026-12-02" not in fill_template("{until}", {"until": "2026-12-02"})


@pytest.mark.parametrize(
    ("language", "left", "twin", "weekday"),
    [
        ("en", "stops publishing to x-kopi on 2 Dec 2026, 23:30,", "(row 4)", "Thursday 3 Dec 2026, 06:15"),
        ("id", "pada 2 Des 2026, 23.30,", "(baris 4)", "Kamis 3 Des 2026, 06.15"),
    ],
)
def test_moments_of_problems_are_told_in_the_readers_zone(language, left, twin, weekday):
    leaves = Channel(key="x-kopi", state="active", leaves_at=datetime(2026, 12, 2, 16, 30, tzinfo=UTC))
    (problem,) = offboarding_problems(leaves, datetime(2026, 12, 3, tzinfo=UTC))
    assert "stops publishing to x-kopi on 2026-12-02 16:30 UTC" in problem.sentence, "programs and the shell"
    same = Problem(code="x", message="{channel} has the same text ({when})", params={"channel": "x", "when": "row 4"})
    past = Problem(code="x", message="{text!r} is {when}", params={"text": "a", "when": "Thursday 2026-12-03 06:15"})
    with translation.override(language), timezone.override(ZoneInfo("Asia/Jakarta")):
        assert left in labels.sentence(problem)
        assert twin in labels.sentence(same)
        assert weekday in labels.sentence(past), "its zone stands beside it: nothing is moved"


def test_kinds_of_files_are_told_in_the_readers_language(tmp_path):
    file = tmp_path / "foto.png"
    file.write_bytes(b"Halo, ini bukan gambar.")
    with pytest.raises(UnusableFile) as caught:
        probe.probe_file(file)
    misnamed = Problem(code=caught.value.code, message=caught.value.message, params=caught.value.params)
    mixed = Problem(
        code="mixed-media",
        message="On {network}, one post cannot combine these kinds of files: {kinds}. Keep only one kind of file.",
        params={"network": "Kabar", "kinds": "image and video"},
    )
    assert "the name says a PNG image, but the file contains plain text" in misnamed.sentence
    with translation.override("id"):
        assert "namanya menunjukkan gambar PNG, tetapi isinya teks biasa" in labels.sentence(misnamed)
        assert "gambar dan video" in labels.sentence(mixed)


def test_a_copy_of_a_file_is_announced_in_the_readers_language():
    large = Media(
        ref="cup", kind=MediaKind.IMAGE, mime="image/bmp", size=9_000_000, width=80, height=80, name="cup.bmp"
    )
    rule = MediaRule(mimes=frozenset({"image/jpeg"}), max_size=5_000_000)
    (notice,) = check_media(
        "Kabar",
        0,
        (large,),
        Capabilities(max_length=100, media={MediaKind.IMAGE: rule}),
        convert=True,
        recipe=Recipe(mime="image/jpeg"),
    ).notices
    assert notice.sentence == (
        "Kabar does not accept cup.bmp because of its format (image/bmp) and file size (9 MB > 5 MB). "
        "Kicau will publish a copy in the format JPEG, and your own file stays unchanged."
    )
    with translation.override("id"):
        assert labels.sentence(notice) == (
            "Kabar tidak menerima cup.bmp karena format (image/bmp) dan ukuran berkas (9 MB > 5 MB) tidak sesuai. "
            "Kicau akan menerbitkan salinan dalam format JPEG, dan berkas asli Anda tidak berubah."
        )
    assert set(CONVERSION_REASONS.values()) == set(labels.CONVERSION_REASONS)


def test_every_kind_of_file_has_a_word():
    held = {name for _, name in (*file_types.REJECTED_SIGNATURES, *file_types.UNSUPPORTED_SIGNATURES)} | {
        kind.label for kind in file_types.MEDIA_TYPES.values()
    }
    whats = {kind.label.partition(" ")[2] for kind in file_types.MEDIA_TYPES.values() if kind.pillow} | set(
        MEDIA_KIND_NAMES.values()
    )
    assert held | whats | {f"{kind}s" for kind in MEDIA_KIND_NAMES.values()} <= set(labels.FILE_KIND_NAMES)


@pytest.mark.parametrize(
    ("language", "role", "submitted", "missing"),
    [
        (
            "en",
            "Your role (contributor) does not have this permission: schedule, cancel and publish posts. Ask someone with the role editor or higher to do it.",
            "You can submit only a draft for approval, but this post is already waiting for approval.",
            "Kicau cannot find this item in this workspace",
        ),
        (
            "id",
            "Peran Anda (kontributor) tidak memiliki izin ini: menjadwalkan, membatalkan, dan menerbitkan postingan.",
            "Anda hanya dapat mengajukan draf untuk disetujui, sedangkan status postingan ini sudah menunggu persetujuan.",
            "Kicau tidak menemukan butir ini di ruang kerja ini",
        ),
    ],
)
def test_refusals_name_roles_rights_and_states_in_the_readers_words(language, role, submitted, missing):
    actor = Actor(workspace=Workspace(name="Kopi"), person=None, role="contributor", via="page")
    with pytest.raises(NotAllowed) as refused:
        actor.require(Permission.PUBLISH)
    assert (
        str(refused.value)
        == "Your role (contributor) does not have this permission: publish. Ask someone with the role editor or higher to do it."
    )
    with translation.override(language):
        assert role in labels.error_sentence(refused.value)
        assert (
            labels.error_sentence(
                Conflict(
                    Sentence(
                        "You can submit only a draft for approval, but this post is already {state}.",
                        state=DraftState.SUBMITTED,
                    )
                )
            )
            == submitted
        )
        assert missing in labels.error_sentence(NotFound("post", "018f"))
        assert all(str(labels.DRAFT_STATE_NAMES[s.label]) == str(labels.DRAFT_STATE_NAMES[s]) for s in DeliveryState)


def test_a_sentence_that_somebody_else_wrote_is_told_as_it_stands():
    old = to_stored_pieces(Sentence("{who} canceled the post.", who="Sari"))
    with translation.override("id"):
        assert labels.localize_sentence("Another {reason} now.", old) == "Another {reason} now."
        assert labels.localize_sentence("Sari canceled the post.", old) == "Sari membatalkan postingan ini."
    assert str(Sentence("{a} and {b}", a="{x}", b=1) + "{plain}") == "{x} and 1 {plain}"
