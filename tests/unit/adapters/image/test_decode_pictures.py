"""What is seen of pictures, whole and damaged; harmless ones, so they are decoded right here."""

import io
from itertools import pairwise

import pytest
from PIL import Image, ImageCms

from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.adapters.image.decode.pictures import (
    BROKEN_OFF,
    CUT,
    GAPS,
    DecodedFile,
    DevelopedFrame,
    EvenSample,
    decode_file,
)
from gaveld.domain.media import MediaRefusal, MediaRefused
from gaveld.domain.media_formats import MediaFormat
from tests.pictures import (
    ANIMATED_FORMATS,
    CORNERS,
    GREEN,
    RED,
    STILL_FORMATS,
    YELLOW,
    animated,
    encoded,
    media_file,
    noise,
    plain,
    png_of_size,
    png_with,
    quarters,
    shades,
    text_bomb,
    text_of,
)

LIMITS = DecodeLimits()


def decoded(data: bytes, limits: DecodeLimits = LIMITS) -> DecodedFile:
    return decode_file(data, media_file(data).format, limits)


def image_of(frame: DevelopedFrame) -> Image.Image:
    return Image.frombytes("RGB", (frame.width, frame.height), frame.rgb)


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 24) -> bool:
    return all(abs(have - want) <= tolerance for have, want in zip(colour, wanted, strict=True))


def corners(frame: DevelopedFrame) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters."""
    image = image_of(frame)
    across, down = (
        (image.width // 4, image.width * 3 // 4),
        (image.height // 4, image.height * 3 // 4),
    )
    return [image.getpixel((x, y)) for y in down for x in across]


def refusal(data: bytes, limits: DecodeLimits = LIMITS) -> MediaRefused:
    with pytest.raises(MediaRefused) as refused:
        decoded(data, limits)
    return refused.value


@pytest.mark.parametrize("name", STILL_FORMATS)
def test_every_format_shows_its_picture(name: str):
    """Law: whatever the format, the same picture is seen, in its own size."""
    seen = decoded(encoded(quarters(), name))
    assert (seen.width, seen.height, seen.frame_count, seen.unread) == (96, 64, 1, "")
    assert all(map(is_near, corners(seen.frames[0]), CORNERS))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "I", "F", "CMYK", "LAB"])
def test_every_mode_becomes_rgb(mode: str):
    """Law: however pixels are kept, light is light and dark is dark in what is handed on."""
    light_below = Image.new("L", (8, 8), 20)
    light_below.paste(235, (0, 4, 8, 8))
    if mode == "I;16":
        picture = light_below.convert("I").point(lambda value: value * 256).convert("I;16")
    elif mode == "LAB":
        picture = Image.merge("LAB", (light_below, *[Image.new("L", (8, 8), 128)] * 2))
    else:
        picture = light_below.convert(mode)
    frame = decoded(encoded(picture, "TIFF")).frames[0]
    upper, lower = (image_of(frame).getpixel((4, y)) for y in (1, 6))
    assert max(upper) < 100
    assert min(lower) > 150


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_pictures_stand_upright(name: str, orientation: int):
    """Law: EXIF orientation is applied, to the pixels and to the size."""
    turned = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    picture = quarters()
    for turn in turned:  # the inverse of what the tag asks for
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = decoded(encoded(picture, name, exif=exif))
    assert (seen.width, seen.height) == (96, 64)
    assert all(map(is_near, corners(seen.frames[0]), CORNERS))


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b""])
def test_exif_that_is_garbage_turns_nothing(exif: bytes):
    """Law: a tag that can't be read is as if there were none."""
    seen = decoded(encoded(quarters(), "JPEG", exif=exif))
    assert (seen.width, seen.height, seen.unread) == (96, 64, "")


def swapped_profile() -> bytes:
    """The profile of a screen that shows green for red and red for green."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_colours_are_those_that_a_viewer_shows(name: str):
    """Law: ICC profiles are applied, so that colours can't be hidden behind one."""
    data = encoded(plain(RED), name, icc_profile=swapped_profile())
    red, green, _ = image_of(decoded(data).frames[0]).getpixel((5, 5))
    assert (green > 180, red < 80) == (True, True)


@pytest.mark.parametrize("profile", [b"no profile", swapped_profile()[:200], b"\0" * 128])
def test_a_profile_of_no_use_is_ignored(profile: bytes):
    """Law: a broken profile neither refuses nor changes a picture."""
    seen = decoded(encoded(plain(RED), "JPEG", icc_profile=profile))
    assert is_near(image_of(seen.frames[0]).getpixel((5, 5)), RED)


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "black")])
def test_what_is_drawn_on_nothing_is_seen(ink: str, paper: str):
    """Law: a transparent picture is put on the paper that shows it, white unless it is light."""
    picture = Image.new("RGBA", (32, 32))
    picture.paste(ink, (8, 8, 24, 24))
    image = image_of(decoded(encoded(picture, "PNG")).frames[0])
    assert image.getpixel((16, 16)) == Image.new("RGB", (1, 1), ink).getpixel((0, 0))
    assert image.getpixel((1, 1)) == Image.new("RGB", (1, 1), paper).getpixel((0, 0))


@pytest.mark.parametrize("size", [(300, 200), (4000, 3), (1, 9000)])
@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_frames_are_bounded_and_keep_their_shape(name: str, size: tuple[int, int]):
    """Law: a large picture is handed on smaller, at its aspect ratio; its facts are its own."""
    limits = DecodeLimits(max_frame_pixels=2_500)
    seen = decoded(encoded(quarters(*size), name), limits)
    frame = seen.frames[0]
    assert (seen.width, seen.height) == size
    assert 1_000 < frame.width * frame.height <= 2_500
    if min(size) > 3:
        assert frame.width / frame.height == pytest.approx(size[0] / size[1], rel=0.05)
        assert all(map(is_near, corners(frame), CORNERS))


@pytest.mark.parametrize("name", ANIMATED_FORMATS)
def test_animations_are_their_frames(name: str):
    """Law: GIF, animated PNG, WEBP and AVIF, and pages of a TIFF, are seen frame by frame."""
    seen = decoded(animated([plain(RED), plain(GREEN), plain(YELLOW)], name, 250))
    assert (seen.frame_count, seen.unread) == (3, "")
    assert [frame.index for frame in seen.frames] == [0, 1, 2]
    colours = [image_of(frame).getpixel((9, 9)) for frame in seen.frames]
    assert all(map(is_near, colours, (RED, GREEN, YELLOW)))
    if name != "TIFF":
        assert seen.duration_seconds == pytest.approx(0.75)
        assert [frame.start_seconds for frame in seen.frames] == pytest.approx([0, 0.25, 0.5])


def test_equal_frames_are_seen_once():
    """Law: one odd frame among hundreds of equal ones is handed on, with its place."""
    # Every frame differs from its neighbours by a dot, so that no encoder joins them.
    shown = [plain("white"), plain("black")]
    data = animated([shown[number % 2] for number in range(300)] + [plain(RED)], "GIF")
    seen = decoded(data)
    assert seen.frame_count == 301
    assert [frame.index for frame in seen.frames] == [0, 1, 300]


def test_many_distinct_frames_are_sampled_evenly():
    """Law: beyond the cap, frames are evenly spaced over the whole animation."""
    seen = decoded(animated(shades(100), "GIF"), DecodeLimits(max_judged_frames=8))
    places = [frame.index for frame in seen.frames]
    gaps = {later - earlier for earlier, later in pairwise(places)}
    assert 4 <= len(places) <= 8
    assert places[0] == 0
    assert len(gaps) == 1
    assert places[-1] + max(gaps) > 99


@pytest.mark.parametrize("offered", [1, 5, 6, 11, 100, 1_000])
def test_a_sample_is_never_too_large_nor_less_than_half_full(offered: int):
    """Law: between half and all of the capacity is used, in the frames' order."""
    sample = EvenSample(5)
    for number in range(offered):
        sample.offer(DevelopedFrame(number, 0.0, 1, 1, b"\0\0\0"))
    places = [frame.index for frame in sample.kept]
    assert min(offered, 3) <= len(places) <= 5
    assert places == sorted(places)


def test_an_animation_that_takes_too_long_is_cut_short_and_says_so():
    """Law: what was decoded in time is judged; that there is more is said."""
    data = animated(shades(40), "GIF")
    seen = decoded(data, DecodeLimits(cpu_seconds=1e-9))
    assert (seen.frame_count, len(seen.frames), seen.unread) == (40, 1, CUT)
    assert seen.duration_seconds is None


@pytest.mark.parametrize("name", ["PNG", "JPEG", "BMP", "TIFF", "GIF"])
def test_most_of_a_picture_is_judged_and_marked(name: str):
    """Law: three quarters of a file show three quarters of the picture, which is said."""
    data = encoded(noise(), name)
    seen = decoded(data[: len(data) * 3 // 4])
    assert (seen.width, seen.height, seen.unread) == (96, 64, GAPS)
    middle = [image_of(shown.frames[0]).getpixel((48, 32)) for shown in (seen, decoded(data))]
    assert is_near(*middle, tolerance=2)


@pytest.mark.parametrize("name", STILL_FORMATS)
def test_a_scrap_of_a_picture_is_refused(name: str):
    """Law: what is mostly missing is damaged, not judged as if it were all."""
    data = encoded(noise(), name)
    refused = refusal(data[: len(data) // 5])
    assert refused.refusal is MediaRefusal.DAMAGED
    assert refused.detail == {"format": name}


def test_half_a_progressive_jpeg_shows_all_of_it_coarsely():
    """Law: a picture that comes in passes is judged from the first ones, and marked."""
    data = encoded(quarters(640, 480), "JPEG", progressive=True)
    seen = decoded(data[: len(data) * 3 // 4])
    assert seen.unread == GAPS
    assert all(
        is_near(have, want, 60) for have, want in zip(corners(seen.frames[0]), CORNERS, strict=True)
    )


@pytest.mark.parametrize("name", ["GIF", "PNG"])
def test_an_animation_that_breaks_off_shows_its_whole_frames(name: str):
    """Law: the frames before a break are judged, and that some are missing is said."""
    frames = [noise(40, 40).point(lambda value, by=number: value + by) for number in range(8)]
    data = animated(frames, name)
    seen = decoded(data[: len(data) * 3 // 4])
    assert 3 <= len(seen.frames) < 8
    assert seen.unread == BROKEN_OFF
    assert seen.duration_seconds is None


def test_an_animation_that_lost_most_frames_is_refused():
    """Law: where a file says how many frames it has, half of them must be there."""
    frames = [noise(40, 40).point(lambda value, by=number: value + by) for number in range(8)]
    data = animated(frames, "PNG")
    assert refusal(data[: len(data) // 3]).refusal is MediaRefusal.DAMAGED


def test_a_text_in_a_picture_is_never_inflated():
    """Law: a text bomb costs nothing, and the picture that carries it is judged whole."""
    seen = decoded(text_bomb())
    assert seen.unread == ""
    assert all(map(is_near, corners(seen.frames[0]), CORNERS))
    assert decoded(text_of(quarters(), "words" * 1000)).unread == ""


@pytest.mark.parametrize("size", [(65_535, 65_535), (8_000, 7_000), (1, 60_000_000)])
def test_too_many_pixels_are_refused_by_the_header(size: tuple[int, int]):
    """Law: a picture beyond the limit is refused before a pixel of it is decoded."""
    refused = refusal(png_of_size(*size))
    assert refused.refusal is MediaRefusal.TOO_MANY_PIXELS
    assert refused.detail == {"limit": "pixels", "maximum": "50000000"}


@pytest.mark.parametrize("name", STILL_FORMATS)
def test_the_pixel_limit_holds_for_every_format(name: str):
    """Law: each format's size is found out before its pixels are decoded."""
    limits = DecodeLimits(max_pixels=6_000)
    assert refusal(encoded(quarters(), name), limits).refusal is MediaRefusal.TOO_MANY_PIXELS
    assert decoded(encoded(quarters(90, 64), name), limits).width == 90


@pytest.mark.parametrize("name", ["GIF", "PNG", "TIFF", "WEBP", "AVIF"])
def test_the_frame_limit_holds_for_every_format(name: str):
    """Law: one frame more than is allowed refuses the file; exactly so many are judged."""
    limits = DecodeLimits(max_frames=5)
    refused = refusal(animated(shades(6), name), limits)
    assert refused.refusal is MediaRefusal.TOO_MANY_FRAMES
    assert refused.detail == {"limit": "frames", "maximum": "5"}
    assert decoded(animated(shades(5), name), limits).frame_count == 5


def test_a_later_page_may_not_outgrow_the_limit():
    """Law: each page of a TIFF is held to the limit, not only the first."""
    data = animated([quarters(10, 10), quarters(100, 100)], "TIFF")
    limits = DecodeLimits(max_pixels=5_000)
    assert refusal(data, limits).refusal is MediaRefusal.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    "data",
    [
        png_with(quarters(), after=b"PK\x03\x04" + b"more" * 500),
        encoded(quarters(), "JPEG", comment=b"<script>alert(1)</script>"),
        encoded(quarters(), "JPEG") + b"<html><svg onload=x>",
        encoded(quarters(), "GIF") + b"/*=1;*/",
    ],
    ids=["png+zip", "jpeg+script", "jpeg+html", "gif+js"],
)
def test_a_polyglot_is_the_picture_that_it_is(data: bytes):
    """Law: what else a file might be to others changes nothing of what is seen."""
    seen = decoded(data)
    assert seen.unread == ""
    assert all(
        is_near(have, want, 40) for have, want in zip(corners(seen.frames[0]), CORNERS, strict=True)
    )


@pytest.mark.parametrize("of", [MediaFormat(name) for name in STILL_FORMATS])
@pytest.mark.parametrize("body", [b"", b"\0" * 64, b"<svg/>", encoded(plain(RED), "BMP")])
def test_a_file_of_another_format_is_damaged(of: MediaFormat, body: bytes):
    """Law: only the decoder of the format named is asked; it never guesses another."""
    if of is MediaFormat.BMP and body[:2] == b"BM":
        body = body[:20]
    with pytest.raises(MediaRefused) as refused:
        decode_file(body, of, LIMITS)
    assert refused.value.refusal is MediaRefusal.DAMAGED


def test_a_multi_picture_jpeg_is_its_first_picture():
    """Law: pictures that a JPEG hides behind its first are shown by no viewer, and not judged."""
    buffer = io.BytesIO()
    quarters().save(buffer, "MPO", save_all=True, append_images=[plain(RED, (96, 64))])
    seen = decoded(buffer.getvalue())
    assert (seen.frame_count, len(seen.frames)) == (1, 1)
    assert all(
        is_near(have, want, 40) for have, want in zip(corners(seen.frames[0]), CORNERS, strict=True)
    )
