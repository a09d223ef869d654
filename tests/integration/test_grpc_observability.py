"""What a call leaves behind: one log line, its metrics, its request id, and nothing private."""

import grpc
import pytest
from gavel.v1 import moderation_service_pb2 as api
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.moderate import ModerateText
from tests.fakes.api_keys import FakeApiKeyStore
from tests.integration.grpc_stand import (
    BrokenClassifier,
    Serve,
    WordClassifier,
    failure_of,
)

LABELS = {
    "grpc_type": "unary",
    "grpc_service": "gavel.v1.ModerationService",
    "grpc_method": "ModerateText",
}


def lines(logs: LogCapture) -> list[dict]:
    """Return the access log's lines."""
    return [entry for entry in logs.entries if entry["event"] == "call"]


async def test_one_line_a_call_says_how_it_ended(serve: Serve, logs: LogCapture):
    """Law: every call, answered or refused, has exactly one line with method, code and time."""
    running = await serve()
    await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    await failure_of(running.moderation.ModerateText(api.ModerateTextRequest()))
    assert [(e["method"], e["code"], e["reason"], e["project"]) for e in lines(logs)] == [
        ("/gavel.v1.ModerationService/ModerateText", code, reason, "default")
        for code, reason in (("OK", ""), ("INVALID_ARGUMENT", "INVALID_ARGUMENT"))
    ]
    assert all(0 <= entry["seconds"] < 30 for entry in lines(logs))


@pytest.mark.parametrize(
    ("field", "header", "expected"),
    [
        ("from-field", "from-header", "from-field"),
        ("", "from-header", "from-header"),
        ("", "x" * 128, "x" * 128),
        ("", "x" * 129, None),
        ("", "two words", None),
        ("", "", None),
    ],
)
async def test_a_call_has_one_request_id_everywhere(
    serve: Serve, logs: LogCapture, field: str, header: str, expected: str | None
):
    """Law: answer, trailers and log name the call alike; an ill-formed header is replaced."""
    running = await serve()
    call = running.moderation.ModerateText(
        api.ModerateTextRequest(text="hello", request_id=field),
        metadata=(("x-request-id", header),) if header else (),
    )
    answer = await call
    trailers = dict(await call.trailing_metadata())
    (line,) = lines(logs)
    assert answer.request_id == trailers["x-request-id"] == line["request_id"]
    assert answer.request_id == (expected or answer.request_id)
    assert expected or len(answer.request_id) == 32


async def test_calls_are_counted_and_timed(serve: Serve):
    """Law: started, handled, seconds and in-flight move as calls come and go."""
    running = await serve()
    await running.moderation.ModerateText(api.ModerateTextRequest(text="hello"))
    await failure_of(running.moderation.ModerateText(api.ModerateTextRequest()))
    assert running.metric("grpc_server_started_total", **LABELS) == 2
    for code in ("OK", "INVALID_ARGUMENT"):
        assert running.metric("grpc_server_handled_total", **LABELS, grpc_code=code) == 1
    assert running.metric("grpc_server_handling_seconds_count", **LABELS) == 2
    assert running.metric("gavel_server_in_flight_calls", **LABELS) == 0


async def test_served_methods_are_shown_before_the_first_call(serve: Serve):
    """Law: a rate over a counter is right from the first call on, so it starts at zero."""
    running = await serve()
    assert running.registry.get_sample_value("grpc_server_started_total", LABELS) == 0


async def test_nothing_private_is_left_behind(serve: Serve, logs: LogCapture):
    """Law: content, personal data and secrets are in no log, no metric and no error."""
    store = FakeApiKeyStore()
    key, secret = new_api_key(project="shop")
    await store.add(key)
    running = await serve(
        classifiers=(WordClassifier(), BrokenClassifier()), authenticate=Authenticate(store)
    )
    canary = "canary jane@example.org 4111111111111111"
    request = api.ModerateTextRequest(
        text=f"kill {canary}", actor_id="canary-actor", content_id="canary-content"
    )
    request.context.parent_text = "canary-context"
    request.fields["note"].string_value = "canary-field"
    request.metadata.update({"note": "canary-metadata"})
    good = (("x-api-key", secret),)
    await running.moderation.ModerateText(request, metadata=good)
    errors = []
    for text, metadata in (
        (f"{canary} \x00", (("x-api-key", "canary-key"),)),
        ("canary" * 200_000, good),
    ):
        request.text = text
        errors.append(await failure_of(running.moderation.ModerateText(request, metadata=metadata)))
    raw = running.channel.unary_unary("/gavel.v1.ModerationService/ModerateText")
    errors.append(await failure_of(raw(b"canary\xff\x0a\x06canary", metadata=good)))
    batch = api.BatchModerateTextRequest(requests=[request])
    answer = await running.moderation.BatchModerateText(batch, metadata=good)
    errors.append(answer.results[0].error)
    assert answer.results[0].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    for left in (logs.entries, _exposed(running.registry), errors):
        assert "canary" not in str(left)
        assert secret.rpartition("_")[2] not in str(left)
        assert "jane@" not in str(left)


async def test_a_batch_item_that_fails_unforeseen_is_logged_without_its_text(
    serve: Serve, logs: LogCapture, monkeypatch: pytest.MonkeyPatch
):
    """Law: a defect met in a batch is that item's INTERNAL, and the log has its place only."""

    async def fail(*_args: object, **_kwargs: object) -> None:
        raise KeyError("canary-in-exception")

    monkeypatch.setattr(ModerateText, "__call__", fail)
    running = await serve()
    batch = api.BatchModerateTextRequest(requests=[api.ModerateTextRequest(text="hello")])
    answer = await running.moderation.BatchModerateText(batch)
    (result,) = answer.results
    assert result.error.code == grpc.StatusCode.INTERNAL.value[0]
    (line,) = (entry for entry in logs.entries if entry["event"] == "batch item failed")
    assert line["cause"].startswith("KeyError at ")
    assert "canary" not in str(logs.entries)


def _exposed(registry: CollectorRegistry) -> str:
    return generate_latest(registry).decode()
