"""Reviewers over any chat model that speaks the OpenAI chat API, guard models among them.

A question goes from ``showing`` (the content) and ``formats`` (how to ask and to read) through
``endpoint`` (how to call) and comes back as ``reviewer``'s ballot.
"""

from gaveld.adapters.reviewers.chat_model.chat import OWN_FIELDS, ChatOptions
from gaveld.adapters.reviewers.chat_model.endpoint import ChatEndpoint, EndpointOptions
from gaveld.adapters.reviewers.chat_model.formats.form import AnswerForm
from gaveld.adapters.reviewers.chat_model.formats.gpt_oss_safeguard import GptOssSafeguard
from gaveld.adapters.reviewers.chat_model.formats.json_review import JsonReview, Phrasing
from gaveld.adapters.reviewers.chat_model.formats.llama_guard import LlamaGuard
from gaveld.adapters.reviewers.chat_model.formats.qwen3_guard import Qwen3Guard
from gaveld.adapters.reviewers.chat_model.formats.shield_gemma import ShieldGemma
from gaveld.adapters.reviewers.chat_model.reviewer import ChatModelReviewer

__all__ = [
    "OWN_FIELDS",
    "AnswerForm",
    "ChatEndpoint",
    "ChatModelReviewer",
    "ChatOptions",
    "EndpointOptions",
    "GptOssSafeguard",
    "JsonReview",
    "LlamaGuard",
    "Phrasing",
    "Qwen3Guard",
    "ShieldGemma",
]
