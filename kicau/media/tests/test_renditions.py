import struct
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from kicau.connector.content import MediaKind, Recipe
from kicau.media import renditions as module
from kicau.media.probe import UnusableFile
from kicau.media.renditions import compute_layout, convert, thumbnail
from kicau.media.tests import samples
from kicau.media.tests.samples import animation, picture, saved, video

JPEG = Recipe(mime="image/jpeg")


@pytest.fixture
def made(tmp_path: Path):
    """Convert these bytes; what was found, and the copy opened."""

    def made(data: bytes, recipe: Recipe = JPEG):
        source, target = tmp_path / "original", tmp_path / "copies" / "copy"
        source.write_bytes(data)
        found = convert(source, recipe, target)
        assert source.read_bytes() == data
        assert [p.name for p in target.parent.iterdir()] == ["copy"]
        with Image.open(target) as image:
            image.load()
        return found, image

    return made


def near(pixel, wanted, by=6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(pixel, wanted, strict=True))


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_picture_can_become_every_copy(made, form, mime):
    found, image = made(saved(picture(), form), Recipe(mime=mime))
    assert (found.kind, found.mime, found.width, found.height) == (MediaKind.IMAGE, mime, 60, 40)
    assert (image.mode, image.size) == ("RGB", (60, 40))


def test_the_same_copy_comes_out_each_time(tmp_path):
    (tmp_path / "a").write_bytes(saved(picture((300, 200)), "PNG"))
    recipe = Recipe(mime="image/jpeg", max_width=200, min_aspect=2.0, max_size=9_000)
    found = [convert(tmp_path / "a", recipe, tmp_path / name).sha256 for name in ("b", "c")]
    assert found[0] == found[1]


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_copy_stands_upright(made, turn):
    upright = Image.new("RGB", (60, 40), "white")
    upright.paste("red", (0, 0, 30, 20))
    upright.paste("blue", (30, 0, 60, 20))
    step = Image.Transpose
    stored = {
        1: None,
        2: step.FLIP_LEFT_RIGHT,
        3: step.ROTATE_180,
        4: step.FLIP_TOP_BOTTOM,
        5: step.TRANSPOSE,
        6: step.ROTATE_90,
        7: step.TRANSVERSE,
        8: step.ROTATE_270,
    }[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    for form in ("JPEG", "PNG", "TIFF"):
        data = saved(upright.transpose(stored) if stored is not None else upright, form, exif=exif)
        found, image = made(data, Recipe(mime="image/png"))
        assert (found.width, found.height) == (60, 40)
        assert near(image.getpixel((10, 8)), (255, 0, 0))
        assert near(image.getpixel((50, 8)), (0, 0, 255))


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
def test_nothing_but_pixels_is_kept(made, mime):
    exif = Image.Exif()
    exif[0x010F] = "Camera of Siti"
    exif.get_ifd(0x8825).update({1: "S", 2: (6.0, 10.0, 0.0), 3: "E", 4: (106.0, 49.0, 0.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(
        picture(), "JPEG", exif=exif, icc_profile=profile, comment=b"at home", xmp=b"<x:xmpmeta/>", dpi=(300, 300)
    )
    assert b"Siti" in data
    found, image = made(data, Recipe(mime=mime))
    assert dict(image.getexif()) == {}
    assert not set(image.info) & {"exif", "icc_profile", "comment", "xmp", "photoshop", "dpi"}
    assert found.misnamed == ""


def test_colours_are_brought_to_srgb(made, tmp_path):
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = swapped.index(b"rXYZ", 128), swapped.index(b"gXYZ", 128)
    profile = bytearray(swapped)  # a colour space whose first channel is green
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    _, image = made(saved(Image.new("RGB", (20, 20), (255, 0, 0)), "PNG", icc_profile=bytes(profile)))
    assert near(image.getpixel((5, 5)), (0, 255, 0), 20)


@pytest.mark.parametrize(
    "profile", [b"nonsense", b"\0" * 200, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_makes_no_sense_is_passed_over(made, profile):
    _, image = made(saved(Image.new("RGB", (20, 20), (200, 30, 40)), "PNG", icc_profile=profile))
    assert near(image.getpixel((5, 5)), (200, 30, 40))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "CMYK", "I;16", "LAB"])
def test_every_colour_mode_becomes_rgb(made, mode):
    form = "TIFF" if mode in ("CMYK", "LAB") else "PNG"
    if mode == "LAB":
        lab = ImageCms.profileToProfile(
            Image.new("RGB", (20, 20), (200, 200, 200)),
            ImageCms.createProfile("sRGB"),
            ImageCms.createProfile("LAB"),
            outputMode="LAB",
        )
        data, wanted = saved(lab, form), (200, 200, 200)
    elif mode == "I;16":
        data, wanted = (
            saved(Image.frombytes("I;16", (20, 20), struct.pack("<400H", *[200 * 257] * 400)), form),
            (200, 200, 200),
        )
    else:
        wanted = (255, 255, 255) if mode == "1" else (200, 200, 200)
        data = saved(Image.new("RGB", (20, 20), wanted).convert(mode), form)
    _, image = made(data)
    assert image.mode == "RGB"
    assert near(image.getpixel((5, 5)), wanted, 8)


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
def test_what_shines_through_is_the_background(made, mime):
    _, image = made(saved(Image.new("RGBA", (20, 20), (255, 0, 0, 0)), "PNG"), Recipe(mime=mime, background="#102030"))
    assert near(image.getpixel((9, 9)), (0x10, 0x20, 0x30))
    _, image = made(saved(Image.new("P", (20, 20), 0), "PNG", transparency=0), Recipe(mime=mime, background="#102030"))
    assert near(image.getpixel((9, 9)), (0x10, 0x20, 0x30))


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({}, (60, 40)),
        ({"max_width": 30}, (30, 20)),
        ({"max_height": 10}, (15, 10)),
        ({"max_width": 30, "max_height": 10}, (15, 10)),
        ({"max_width": 4000, "max_height": 4000}, (60, 40)),
        ({"min_aspect": 2.0}, (80, 40)),
        ({"max_aspect": 1.0}, (60, 60)),
        ({"min_aspect": 0.8, "max_aspect": 1.91}, (60, 40)),
        ({"min_aspect": 2.0, "max_width": 40}, (40, 20)),
    ],
)
def test_a_copy_lies_within_the_limits(made, limits, wanted):
    found, _ = made(saved(picture(), "PNG"), Recipe(mime="image/png", **limits))
    assert (found.width, found.height) == wanted


def test_padding_is_even_and_of_the_background(made):
    _, image = made(
        saved(Image.new("RGB", (60, 40), "red"), "PNG"), Recipe(mime="image/png", max_aspect=1.0, background="#00ff00")
    )
    column = [image.getpixel((30, y)) for y in (0, 9, 10, 49, 50, 59)]
    assert column == [(0, 255, 0), (0, 255, 0), (255, 0, 0), (255, 0, 0), (0, 255, 0), (0, 255, 0)]


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (1079, 1921), (4032, 3024), (333, 777)])
@pytest.mark.parametrize(("low", "high"), [(0.8, 1.91), (1.0, 1.0), (0.5625, 0.5625), (0.0, 0.0)])
def test_no_rounding_leads_out_of_the_limits(size, low, high):
    recipe = Recipe(mime="image/jpeg", max_width=1440, max_height=1800, min_aspect=low, max_aspect=high)
    laid = compute_layout(*size, recipe)
    assert 1 <= laid.width <= laid.canvas_width <= 1440
    assert 1 <= laid.height <= laid.canvas_height <= 1800
    assert laid.width <= size[0]
    assert laid.height <= size[1]
    aspect = laid.canvas_width / laid.canvas_height
    assert not low or low - 0.002 <= aspect <= high + 0.002 or max(laid.width, laid.height) < 20


def test_quality_is_lowered_before_dimensions(made):
    data = saved(picture((200, 150)), "PNG")
    whole, _ = made(data)
    tight, _ = made(data, Recipe(mime="image/jpeg", max_size=whole.size * 2 // 3))
    assert (tight.width, tight.height) == (200, 150)
    assert tight.size <= whole.size * 2 // 3
    tiny, _ = made(data, Recipe(mime="image/jpeg", max_size=whole.size // 6, min_aspect=2.0))
    assert tiny.size <= whole.size // 6
    assert tiny.width < 200
    assert abs(tiny.width / tiny.height - 2.0) < 0.05


def test_a_png_is_made_smaller_until_it_fits(made):
    found, _ = made(saved(picture((200, 150)), "PNG"), Recipe(mime="image/png", max_size=20_000))
    assert found.size <= 20_000
    assert found.width < 200


def test_what_cannot_fit_is_told(made, tmp_path):
    with pytest.raises(UnusableFile, match="the limit is 50") as caught:
        made(saved(picture(), "PNG"), Recipe(mime="image/jpeg", max_size=50))
    assert caught.value.code == "cannot-fit"
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize(
    ("data", "recipe", "code"),
    [
        (animation(3), JPEG, "unconvertible"),
        (animation(3, "AVIF"), JPEG, "unconvertible"),
        (video(), JPEG, "unconvertible"),
        (samples.pdf(1), JPEG, "unconvertible"),
        (saved(picture(), "PNG"), Recipe(mime="image/gif"), "unmakeable-type"),
        (saved(picture((200, 200)), "JPEG")[:3000], JPEG, "cut-off"),
        (samples.huge_png(), JPEG, "too-many-pixels"),
        (b"no picture", JPEG, "unknown-type"),
        (b"", JPEG, "empty"),
    ],
)
def test_what_cannot_be_converted_is_told(made, data, recipe, code):
    with pytest.raises(UnusableFile) as caught:
        made(data, recipe)
    assert caught.value.code == code
    assert "{" not in str(caught.value)


def test_a_full_disk_leaves_nothing_half_done(made, tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    target = tmp_path / "copies" / "copy"
    made(saved(picture(), "PNG"))
    before, source = target.read_bytes(), tmp_path / "original"
    with monkeypatch.context() as patched:
        patched.setattr(module.Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            convert(source, Recipe(mime="image/webp"), target)
    assert target.read_bytes() == before
    assert [p.name for p in target.parent.iterdir()] == ["copy"]


@pytest.fixture
def small(tmp_path: Path):
    def small(data: bytes, edge: int = 480) -> Image.Image | None:
        source, target = tmp_path / "original", tmp_path / "small.jpg"
        source.write_bytes(data)
        if not thumbnail(source, target, edge):
            assert not target.exists()
            return None
        with Image.open(target) as image:
            image.load()
        assert image.format == "JPEG"
        return image

    return small


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_thumbnail_fits_its_edge(small, form):
    assert small(saved(picture((600, 300)), form), 100).size == (100, 50)
    assert small(saved(picture((60, 30)), form), 100).size == (60, 30)


def test_an_animation_shows_its_first_frame(small):
    assert near(small(animation(3)).getpixel((5, 5)), (0, 80, 255), 12)


@pytest.mark.parametrize("data", [video(dark=4), video("webm", "libvpx", dark=4), samples.header_first(video())])
def test_a_video_shows_a_frame_with_something_on_it(small, data):
    image = small(data, 32)
    assert image.size == (32, 24)
    low, high = image.convert("L").getextrema()
    assert high - low > 60


def test_a_black_video_shows_black(small):
    assert small(video(dark=10)).size == (64, 48)


def test_a_turned_video_is_shown_upright(small):
    assert small(samples.turned(video())).size == (48, 64)


@pytest.mark.parametrize("data", [samples.pdf(1), samples.word()])
def test_documents_have_no_thumbnail(small, data):
    assert small(data) is None


def test_a_damaged_picture_has_no_thumbnail_and_says_so(small):
    with pytest.raises(UnusableFile):
        small(saved(picture((200, 200)), "PNG")[:500])


def test_a_picture_is_cropped_as_it_is_shown_and_its_original_stays(tmp_path):
    turned = Image.new("RGB", (40, 60), "#ff0000")
    turned.paste("#0000ff", (0, 0, 40, 30))  # shown upside down: red above, blue below
    exif = Image.Exif()
    exif[0x0112] = 3
    turned.save(tmp_path / "a", "JPEG", quality=95, exif=exif)
    module.crop(tmp_path / "a", (0.25, 0.0, 0.5, 0.5), tmp_path / "b")
    with Image.open(tmp_path / "b") as cut:
        assert (cut.format, cut.size) == ("JPEG", (20, 30))
        assert near(cut.getpixel((10, 5)), (254, 0, 0), by=12)
    (tmp_path / "v").write_bytes(video())
    with pytest.raises(UnusableFile):
        module.crop(tmp_path / "v", (0, 0, 1, 1), tmp_path / "c")


def test_a_frame_of_a_video_becomes_a_copy(made):
    dark = video(dark=6)  # black for the first 0.6 s
    for at, wanted in ((0, (0, 0, 0)), (200, (0, 0, 0))):
        assert near(made(dark, replace(JPEG, frame_ms=at))[1].getpixel((32, 24)), wanted, 24), at
    _, last = made(dark, replace(JPEG, frame_ms=60_000, max_width=32))
    assert last.size == (32, 24)
    assert last.convert("L").getextrema()[1] > 60, "the last frame, where the video is shorter"
    assert made(samples.turned(dark), replace(JPEG, frame_ms=0))[1].size == (48, 64)
    with pytest.raises(UnusableFile) as told:
        made(dark[: len(dark) // 8], replace(JPEG, frame_ms=0))
    assert told.value.code in ("no-frame", "cut-off", "damaged")
