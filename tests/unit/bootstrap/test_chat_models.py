"""Settings of chat models: what is refused by name, and the reviewers that they make."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gaveld.application.panels import ReviewWishes
from gaveld.bootstrap.chat_models import chat_reviewers
from gaveld.bootstrap.container import build
from gaveld.bootstrap.settings import Settings, SettingsError, load_settings
from gaveld.domain.reviews import ContentKind, Decision, TextContent
from tests.chat_models import TEMPLATES, Obedient, review
from tests.chat_reviewers import task_of
from tests.chat_server import chat_server, says

PLAIN = {"name": "one", "url": "http://127.0.0.1:1/v1", "model": "m"}


def loaded(*models: dict) -> Settings:
    return load_settings(overrides={"panel": {"chat_models": models}})


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "Not A Name"}, "panel.chat_models.0.name"),
        ({"name": "gavel-strict"}, "panel.chat_models.0.name: gavel-strict is the name of an emb"),
        ({"url": "vllm:8000"}, "panel.chat_models.0.url: must be a URL"),
        ({"url": "http://me:secret@vllm/v1"}, "panel.chat_models.0.url: must hold no user"),
        ({"url": "http://vllm/v1?key=secret"}, "panel.chat_models.0.url: must hold no user"),
        ({"model": ""}, "panel.chat_models.0.model"),
        ({"form": "magic"}, "panel.chat_models.0.form"),
        ({"api_key": "secret"}, "panel.chat_models.0.api_key: no such setting"),
        ({"api_key_file": "/nowhere/key"}, "panel.chat_models.0.api_key_file"),
        ({"api_key_env": "NO_SUCH_KEY"}, "no variable NO_SUCH_KEY"),
        ({"weight": 101}, "panel.chat_models.0.weight"),
        ({"max_concurrent": 0}, "panel.chat_models.0.max_concurrent"),
        ({"rule_texts": {"Z9": "x"}}, "no category 'Z9'"),
        ({"extra": {"messages": []}}, "Gavel itself sets messages"),
        ({"form": "llama_guard", "rules": "named"}, "llama_guard has no use for rules"),
        ({"form": "qwen3_guard", "reads_images": True}, "qwen3_guard shows no pictures"),
    ],
)
def test_a_bad_model_is_refused_by_name(change: dict, named: str):
    """Law: the message names the setting and the variable, and never quotes what was set."""
    with pytest.raises(SettingsError) as refused:
        loaded(PLAIN | change)
    assert named in str(refused.value)
    assert "GAVEL_PANEL__CHAT_MODELS" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_two_models_have_two_names():
    """Law: a name is one reviewer."""
    with pytest.raises(SettingsError, match="named twice: one"):
        loaded(PLAIN, PLAIN)


def test_a_key_has_one_place(tmp_path: Path, monkeypatch):
    """Law: a file or a variable, not both."""
    monkeypatch.setenv("LLM_KEY", "k")
    (tmp_path / "key").write_text("k", "utf-8")
    with pytest.raises(SettingsError, match="two places for one key"):
        loaded(PLAIN | {"api_key_env": "LLM_KEY", "api_key_file": tmp_path / "key"})


async def test_a_model_that_is_not_there_keeps_no_server_from_starting(unused_tcp_port: int):
    """Law: endpoints are found out by reviews, never at the start."""
    models = ({**PLAIN, "url": f"http://127.0.0.1:{unused_tcp_port}/v1", "attempts": 1},)
    settings = Settings(
        panel={"chat_models": models},
        text={"classifiers": ()},
        feedback={"enabled": False},
        work={"enabled": False},
    )
    async with AsyncExitStack() as stack:
        await build(settings, stack)
        (reviewer,) = chat_reviewers(settings.panel.chat_models, stack)
        ballot = await reviewer.review(task_of("words"))
    assert ballot.decision is Decision.FAILED


async def test_a_panel_of_chat_models_reviews_by_rules_and_by_prompt(unused_tcp_port: int):
    """Law: named in settings, models vote; one that is down is outside of the count."""
    async with AsyncExitStack() as stack:
        model = says(Obedient(TEMPLATES["chatml"]))
        server = await stack.enter_async_context(chat_server(model))
        down = {"name": "down", "url": f"http://127.0.0.1:{unused_tcp_port}/v1", "attempts": 1}
        models = (PLAIN | {"url": server.url}, PLAIN | down)
        settings = Settings(
            panel={"chat_models": models},
            text={"classifiers": ()},
            feedback={"enabled": False},
            work={"enabled": False},
        )
        application = await build(settings, stack)
        for prompt in ("", "Never say sesame"):
            wishes = ReviewWishes(custom_prompt=prompt, wants_every_ballot=True)
            given = await application.review_compliance(
                ContentKind.TEXT,
                TextContent("open sesame"),
                wishes,
                project="any",
                deadline_seconds=30,
            )
            assert given.decision is Decision.UNSAFE
            assert (given.count.asked, given.count.counted, given.count.failed) == (2, 1, 1)
            assert [entry.id for entry in given.flagged] == ["CUSTOM" if prompt else "H2"]


async def test_reviewers_are_what_the_settings_say(tmp_path: Path, monkeypatch):
    """Law: cards, keys, requests and rules follow the settings, in their order."""
    key = tmp_path / "key"
    key.write_text("from-file\n", "utf-8")
    monkeypatch.setenv("LLM_KEY", "from-env")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(chat_server(says(review("safe"))))
        models = loaded(
            {
                **PLAIN,
                "url": f"{server.url}/",
                "api_key_file": key,
                "weight": 3,
                "rule_texts": {"H1": "Unkind words on groups."},
                "reads_images": True,
            },
            {
                **PLAIN,
                "name": "two",
                "url": server.url,
                "api_key_env": "LLM_KEY",
                "rules": "named",
                "model_version": "9",
                "max_tokens": 99,
            },
            {**PLAIN, "name": "three", "url": server.url, "form": "gpt_oss_safeguard"},
        ).panel.chat_models
        one, two, three = chat_reviewers(models, stack)
        for reviewer in (one, two, three):
            await reviewer.review(task_of("words"))
    first, second, third, *_ = server.received
    assert (one.card.weight, one.card.reads_images, two.card.model_version) == (3.0, True, "9")
    assert two.card.limits.endswith("It sees no pictures.")
    assert first.path == "/v1/chat/completions"
    assert first.headers["authorization"] == "Bearer from-file"
    assert "- H1 Hate Speech: Unkind words on groups.\n" in first.system
    assert second.headers["authorization"] == "Bearer from-env"
    assert "- H1 Hate Speech\n" in second.system
    assert second.body["max_tokens"] == 99
    assert "authorization" not in third.headers
    assert third.system.startswith("# Content Review")
