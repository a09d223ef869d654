"""The playground's calls: copied and run elsewhere, refused, with a key, without a server."""

import shlex
import subprocess
import sys

import pytest

from tests.browser.test_media import clip, note
from tests.browser.test_texts import INSULT
from tests.browser.visitor import Visitor

TRICKY = 'It\'s "$HOME" and `id` and \\n, 50% off: 😀 you idiot'
RUN_SECONDS = 60


def copied(visitor: Visitor, rpc: str, language: str) -> str:
    """Copy a call as a visitor does; return what lands in the clipboard."""
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    part = visitor.page.locator("details").filter(has_text=f"The same call: {rpc}").last
    if not part.evaluate("(details) => details.open"):
        part.locator("summary").first.click()
    block = part.locator("details.code").filter(has=visitor.page.get_by_text(language, exact=True))
    if not block.evaluate("(details) => details.open"):
        block.locator("summary").click()
    button = block.get_by_role("button")
    button.click()
    block.get_by_text("Copied", exact=True).wait_for()
    return visitor.page.evaluate("navigator.clipboard.readText()")


def run(command: list[str], folder) -> str:
    """Run what was copied; return what it printed."""
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("text", [INSULT, TRICKY])
def test_a_copied_call_does_the_same_elsewhere(visitor, server, tmp_path, text):
    """Law: curl and Python, as copied, send the very text and get the page's verdict."""
    visitor.write(text)
    visitor.judge()
    told = visitor.answers["/v1/text:moderate"]
    again = run(["bash", "-c", copied(visitor, "ModerateText", "curl")], tmp_path)
    assert f'"contentSha256":"{told["contentSha256"]}"' in again
    assert f'"action":"{told["verdict"]["action"]}"' in again
    script = copied(visitor, "ModerateText", "Python").replace(":50051", f":{server.port}")
    printed = run([sys.executable, "-c", script], tmp_path)
    assert f'content_sha256: "{told["contentSha256"]}"' in printed


def test_grpcurl_gets_what_curl_gets(visitor):
    """Law: both command lines send the same message, and grpcurl names the RPC."""
    visitor.write(TRICKY)
    visitor.judge()
    curl, grpcurl = (
        shlex.split(copied(visitor, "ModerateText", tool).replace("\\\n", ""))
        for tool in ("curl", "grpcurl")
    )
    assert grpcurl[:3] == ["grpcurl", "-plaintext", "-d"]
    assert grpcurl[3] == curl[curl.index("-d") + 1]
    assert grpcurl[-2:] == ["127.0.0.1:50051", "gavel.v1.ModerationService/ModerateText"]


def test_a_copied_call_reads_the_file_by_name(visitor, server, tmp_path):
    """Law: of a picture the snippets hold the name, and read it where they are run."""
    (tmp_path / "note.png").write_bytes(note())
    visitor.page.get_by_label("Context, if any").fill("costs $5 in `the` shop")
    visitor.drop("note.png", "image/png", note())
    visitor.judge()
    told = visitor.answers["/v1/images:moderate"]
    again = run(["bash", "-c", copied(visitor, "ModerateImage", "curl")], tmp_path)
    assert f'"contentSha256":"{told["contentSha256"]}"' in again
    script = copied(visitor, "ModerateImage", "Python").replace(":50051", f":{server.port}")
    assert told["contentSha256"] in run([sys.executable, "-c", script], tmp_path)
    assert "<<JSON" in copied(visitor, "ReviewImage", "grpcurl")


def test_a_copied_stream_runs_in_python(visitor, server, tmp_path):
    """Law: what only a stream can do is copied as Python that streams."""
    visitor.pick("Conversation")
    visitor.page.get_by_label("Conversation to judge").fill("Ann: Good morning\nBen: Hello")
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "H2", Block_from="0.9")
    visitor.judge()
    script = copied(visitor, "StreamConversation", "Python").replace(":50051", f":{server.port}")
    printed = run([sys.executable, "-c", script], tmp_path)
    assert printed.count("turn_review {") == 2
    assert "final {" in printed


def test_a_copied_stream_of_a_video_runs_in_python(visitor, server, tmp_path):
    """Law: a video that goes in pieces from the page goes in pieces from the copy."""
    (tmp_path / "clip.webm").write_bytes(clip())
    visitor.drop("clip.webm", "video/webm", clip())
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "P1", May_act="false")
    visitor.judge()
    script = copied(visitor, "StreamVideo", "Python").replace(":50051", f":{server.port}")
    assert "final {" in run([sys.executable, "-c", script], tmp_path)


def test_an_error_is_shown_as_the_server_said_it(visitor):
    """Law: message, reason, and every field with its description; the field itself is marked."""
    visitor.judge()
    visitor.expect_refusals()
    refused = visitor.answers["/v1/text:moderate"]
    alert = visitor.page.get_by_role("alert").first.inner_text()
    assert refused["message"] in alert
    assert "HTTP 400" in alert
    for violation in refused["details"][1]["fieldViolations"]:
        assert violation["field"] in alert
        assert violation["description"] in alert
    field = visitor.page.get_by_label("Text to judge")
    assert field.get_attribute("aria-invalid") == "true"
    assert visitor.status().startswith("The call failed")
    visitor.photograph("playground-error")
    visitor.write("Good morning")
    visitor.judge()
    assert field.get_attribute("aria-invalid") is None
    assert visitor.page.get_by_role("alert").count() == 0


def test_reviewers_limits_are_the_servers(visitor):
    """Law: the page forbids nothing by itself: what is out of range is the server's to refuse."""
    visitor.write("Good morning")
    visitor.unfold("Reviewers")
    visitor.page.get_by_label("How many, 1 to 10").fill("99")
    answer = visitor.judge()
    visitor.expect_refusals()
    assert "amount" in answer.get_by_role("alert").inner_text()
    assert visitor.page.locator("#amount").get_attribute("aria-invalid") == "true"
    assert answer.locator(".headline .verdict").all_inner_texts() == ["The call failed", "Allow"]


def test_a_call_can_be_stopped(visitor):
    """Law: a call that takes too long is given up when the visitor says so."""
    visitor.intercept("**/v1/text:moderate", lambda route: None, "/playground")
    visitor.write("Good morning")
    visitor.page.get_by_role("button", name="Judge", exact=True).click()
    visitor.page.get_by_role("button", name="Stop").click()
    visitor.page.get_by_text("Stopped.", exact=True).wait_for()
    assert visitor.page.locator("#answer .side").count() == 0


def test_a_server_that_is_gone_is_said_to_be(visitor):
    """Law: no answer is told apart from an answer that is an error."""
    visitor.intercept("**/v1/text:moderate", lambda route: route.abort(), "/playground")
    visitor.intercept("**/v1/compliance/**", lambda route: route.abort(), "/playground")
    visitor.write("Good morning")
    answer = visitor.judge()
    assert "The server can't be reached" in answer.get_by_role("alert").first.inner_text()
    visitor.expect_refusals()


def test_it_reads_answers_in_declared_names_too(visit, serve_for_all):
    """Law: `rest.declared_field_names` changes the answers, and the page reads them still."""
    visitor = visit(serve_for_all(GAVEL_REST__DECLARED_FIELD_NAMES="true"))
    visitor.write(INSULT)
    answer = visitor.judge()
    assert "content_sha256" in visitor.answers["/v1/text:moderate"]
    assert {"idiot", "ann@example.com"} <= set(answer.locator("mark").all_inner_texts())
    assert answer.locator(".votes li").count() == 10


def test_a_key_opens_a_locked_server_and_stays_in_the_page(visit, locked):
    """Law: the key goes with calls and streams, and nowhere else: no storage, no snippet."""
    server, key = locked
    visitor = visit(server)
    visitor.write("Good morning")
    answer = visitor.judge()
    assert "HTTP 401, API_KEY_MISSING" in answer.get_by_role("alert").first.inner_text()
    visitor.expect_refusals()
    visitor.unfold("API key")
    visitor.page.get_by_label("Key, where the server asks for one").fill(key)
    answer = visitor.judge()
    assert answer.locator(".headline .verdict").inner_text() == "Allow"
    assert key not in visitor.page.locator("body").evaluate("(body) => body.outerHTML")
    assert "$GAVEL_KEY" in copied(visitor, "ModerateText", "curl")
    assert "GAVEL_KEY" in copied(visitor, "ModerateText", "Python")
    visitor.pick("Conversation")
    visitor.page.get_by_label("Conversation to judge").fill("Ann: Good morning")
    visitor.unfold("Policy")
    visitor.change("Changes for this call", "H2", Block_from="0.9")
    answer = visitor.judge()
    assert answer.locator(".turns .chip").all_inner_texts() == ["Allow"]
    kept = visitor.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]
