"""Reviewers over any chat model that speaks the OpenAI chat API, guard models among them.

A question goes from ``showing`` (the content) and ``formats`` (how to ask and to read) through
``endpoint`` (how to call) and comes back as ``reviewer``'s ballot. Those last two are imported by
whoever has a model to ask: an HTTP client is 50 ms and 3 MB that others need not pay.
"""

from gaveld.adapters.reviewers.chat_model.chat import OWN_FIELDS, ChatOptions
from gaveld.adapters.reviewers.chat_model.formats.form import AnswerForm
from gaveld.adapters.reviewers.chat_model.formats.gpt_oss_safeguard import (
    THOUGHT_TOKENS,
    GptOssSafeguard,
)
from gaveld.adapters.reviewers.chat_model.formats.json_review import (
    ANSWER_TOKENS,
    JsonReview,
    Phrasing,
)
from gaveld.adapters.reviewers.chat_model.formats.llama_guard import LlamaGuard
from gaveld.adapters.reviewers.chat_model.formats.qwen3_guard import Qwen3Guard
from gaveld.adapters.reviewers.chat_model.formats.shield_gemma import ShieldGemma

__all__ = [
    "ANSWER_TOKENS",
    "OWN_FIELDS",
    "THOUGHT_TOKENS",
    "AnswerForm",
    "ChatOptions",
    "GptOssSafeguard",
    "JsonReview",
    "LlamaGuard",
    "Phrasing",
    "Qwen3Guard",
    "ShieldGemma",
]
