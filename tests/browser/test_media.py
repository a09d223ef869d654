"""Pictures and videos on the playground: dropped, chosen, judged, and shown with their boxes."""

import json
import struct

import pytest
from playwright.sync_api import expect

from tests.pictures import encoded, plain, written
from tests.videos import video

CLIP_SECONDS = 4.0
SHOWN_FROM_SECONDS = 2.0


def note() -> bytes:
    """A picture of a note that has something to find in it, at two places."""
    lines = ("You are an idiot, Ben.", "Write to ann@example.com", "Kind regards, Zoe")
    return encoded(written(*lines, height=34), "PNG")


def clip() -> bytes:
    """A video that shows an address in its second half."""
    scenes = tuple(
        (at, written(text, height=36, size=(640, 320)))
        for at, text in ((0.0, "Good morning"), (SHOWN_FROM_SECONDS, "Write to ann@example.com"))
    )
    return video("webm", "libvpx", seconds=CLIP_SECONDS, size=(640, 320), scenes=scenes)


def test_a_dropped_picture_is_shown_with_boxes(visitor):
    """Law: boxes stand where the server says, as fractions of the picture as it is shown."""
    visitor.drop("note.png", "image/png", note())
    assert "note.png" in visitor.page.locator("#picture-chosen").inner_text()
    answer = visitor.judge()
    told = visitor.answers["/v1/images:moderate"]
    boxes = {
        json.dumps(entry["box"])
        for entry in told["findings"]
        if "box" in entry and entry["action"] != "ACTION_ALLOW"
    }
    assert len(boxes) >= 2
    frames = answer.locator(".stage .box")
    assert frames.count() == len(boxes)
    expect(answer.locator(".stage img")).to_have_js_property("naturalWidth", 640)  # it has come
    picture = answer.locator(".stage img").bounding_box()
    shown = [frames.nth(place).bounding_box() for place in range(frames.count())]
    for box in map(json.loads, boxes):
        assert any(is_at(box, frame, picture) for frame in shown), (box, picture, shown)
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.photograph("playground-picture")


def is_at(box: dict, frame: dict, picture: dict) -> bool:
    """Whether a frame on the page stands where a box of the contract is, to 2 pixels."""
    wanted = (
        picture["x"] + box.get("left", 0) * picture["width"],
        picture["y"] + box.get("top", 0) * picture["height"],
        box["width"] * picture["width"],
        box["height"] * picture["height"],
    )
    is_ = (frame["x"], frame["y"], frame["width"], frame["height"])
    return all(abs(one - other) <= 2 for one, other in zip(wanted, is_, strict=True))


def test_one_finding_can_be_shown_alone(visitor):
    """Law: a finding's own button leaves its box alone on the picture."""
    visitor.drop("note.png", "image/png", note())
    answer = visitor.judge()
    answer.get_by_role("button", name="Show finding 1").click()
    expect(answer.locator(".stage .box")).to_have_count(1)
    label = answer.locator(".stage .box").get_attribute("aria-label")
    assert label.startswith("Finding 1: ")


def test_what_a_picture_was_not_checked_for_is_said(visitor):
    """Law: a required check that no classifier made is named first, and why."""
    visitor.pick("Picture")
    visitor.page.locator("#picture-file").set_input_files(
        {"name": "blue.png", "mimeType": "image/png", "buffer": encoded(plain("blue"), "PNG")}
    )
    answer = visitor.judge()
    told = visitor.answers["/v1/images:moderate"]["verdict"]["coverage"]
    required = [e["categoryId"] for e in told["uncheckedCategories"] if e.get("required")]
    assert required
    assert "Some of what the policy requires was not checked." in answer.inner_text()
    first = answer.locator(".unchecked").first.inner_text()
    assert all(category in first for category in required)


def test_what_is_no_picture_is_refused_beside_its_field(visitor):
    """Law: the server's own words for a bad file, at the field that the file came by."""
    visitor.drop("note.png", "image/png", b"this is no picture at all")
    answer = visitor.judge()
    visitor.expect_refusals()
    refused = visitor.answers["/v1/images:moderate"]
    assert answer.get_by_role("alert").count() == 2  # the verdict's call and the reviewers'
    assert refused["message"] in answer.get_by_role("alert").first.inner_text()
    (reason,) = [entry["reason"] for entry in refused["details"] if "ErrorInfo" in entry["@type"]]
    assert reason in answer.get_by_role("alert").first.inner_text()


def test_a_video_is_judged_and_its_findings_lead_into_it(visitor):
    """Law: a finding's button goes to the moment that the server names, and shows the box."""
    visitor.drop("clip.webm", "video/webm", clip())
    answer = visitor.judge()
    told = visitor.answers["/v1/compliance/video:review"]
    assert told["decision"] == "DECISION_UNSAFE"
    assert answer.locator(".headline .verdict").inner_text() == "Unsafe"
    player = answer.locator("video")
    assert player.evaluate("(video) => video.error") is None
    answer.get_by_role("button", name="Show finding 1").click()
    start = float(told["findings"][0]["timeRange"]["start"].rstrip("s"))
    assert start >= SHOWN_FROM_SECONDS - 0.5
    assert player.evaluate("(video) => video.currentTime") == pytest.approx(start, abs=0.05)
    assert answer.locator(".stage .box").count() == ("box" in told["findings"][0])


def test_a_large_video_goes_as_a_stream_with_progress(visitor):
    """Law: what one message can't hold is sent in pieces, and judged all the same."""
    data = video("mp4", seconds=1.0, options={"movflags": "faststart"})
    padding = struct.pack(">I4s", 5_000_000, b"free") + bytes(5_000_000 - 8)
    visitor.page.evaluate(
        """() => {
          window.progress = [];
          const bar = document.getElementById("progress");
          const note = () => { if (!bar.hidden) window.progress.push(bar.value / bar.max); };
          new MutationObserver(note).observe(bar, {attributes: true});
        }"""
    )
    visitor.drop("long.mp4", "video/mp4", data + padding)
    assert "goes as a stream" in visitor.page.locator("#video-chosen").inner_text()
    answer = visitor.judge()
    assert answer.get_by_text("The same call: StreamVideo").is_visible()
    assert answer.locator(".headline .verdict").inner_text() in {"Allow", "Review", "Block"}
    steps = visitor.page.evaluate("window.progress")
    assert len(steps) > 3
    assert max(steps) == 1
    assert "/v1/compliance/video:review" not in visitor.answers


def test_a_file_that_is_too_large_is_refused_in_the_servers_words(visitor):
    """Law: the page says beforehand what a message holds, and shows the refusal that comes."""
    visitor.pick("Picture")
    data = note() + bytes(7_000_000)
    visitor.page.locator("#picture-file").set_input_files(
        {"name": "large.png", "mimeType": "image/png", "buffer": data}
    )
    assert "up to 4.0 MB" in visitor.page.locator("#picture-chosen").inner_text()
    answer = visitor.judge()
    visitor.expect_refusals()
    alert = answer.get_by_role("alert").first.inner_text()
    assert visitor.answers["/v1/images:moderate"]["message"] in alert
    assert "HTTP 413, MESSAGE_TOO_LARGE" in alert


def test_a_format_that_browsers_lack_is_judged_all_the_same(visitor):
    """Law: what can't be shown is said to be so, and the judgement stands beside it."""
    visitor.drop("blue.tiff", "image/tiff", encoded(plain("blue"), "TIFF"))
    answer = visitor.judge()
    answer.get_by_text("This browser can't show this kind of file").wait_for()
    assert visitor.answers["/v1/images:moderate"]["facts"]["format"] == "TIFF"
    assert answer.locator(".headline .verdict").inner_text() == "Review"
