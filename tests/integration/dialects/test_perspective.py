"""Perspective's API over a real server: scores, spans, languages, opinions, and what is refused."""

import json

import pytest

from gaveld.transport.rest.dialects.perspective import PerspectiveDialect
from tests.fakes.feedback import FakeFeedbackStore
from tests.integration.dialects.conftest import ServeDialects
from tests.integration.dialects.perspective_stand import ANALYZE, SUGGEST, asked, error_of
from tests.integration.dialects.stand import FLOOR, TraitClassifier

COMMENT_ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
ATTRIBUTES = (
    "TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT",
    "SEXUALLY_EXPLICIT", "SPAM",
)  # fmt: skip


@pytest.fixture
def feedback() -> FakeFeedbackStore:
    """What people suggested."""
    return FakeFeedbackStore()


@pytest.fixture
async def served(serve_dialects: ServeDialects, feedback: FakeFeedbackStore):
    """A server that scores every trait."""
    return await serve_dialects(
        PerspectiveDialect(), classifiers=[TraitClassifier()], feedback=feedback
    )


def score(value: float) -> dict:
    return {"value": value, "type": "PROBABILITY"}


def error_type(error: dict) -> str:
    return error["details"][0].get("errorType", "")


async def test_the_answer_has_the_documented_keys_and_nothing_else(served):
    """Law: a plain request is answered with the score, one span over the comment, and languages."""
    answer = await served.client.post(ANALYZE, json=asked(clientToken="t-1", languages=["en"]))
    assert answer.status_code == 200
    assert answer.json() == {
        "attributeScores": {
            "TOXICITY": {
                "spanScores": [{"begin": 0, "end": 31, "score": score(0.9)}],
                "summaryScore": score(0.9),
            }
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
        "clientToken": "t-1",
    }


async def test_all_attributes_are_scored_each_by_its_own_trait(served):
    """Law: an attribute's score is that of the trait of its name, in the order asked for."""
    text = "you idiot martians, darn, I will kill the offer"
    scores = (await served.client.post(ANALYZE, json=asked(text, *ATTRIBUTES))).json()[
        "attributeScores"
    ]
    assert {name: entry["summaryScore"]["value"] for name, entry in scores.items()} == {
        "TOXICITY": 0.9,
        "SEVERE_TOXICITY": FLOOR,
        "IDENTITY_ATTACK": 0.7,
        "INSULT": 0.9,
        "PROFANITY": 0.75,
        "THREAT": 0.8,
        "SEXUALLY_EXPLICIT": FLOOR,
        "SPAM": 0.6,
    }
    assert list(scores) == list(ATTRIBUTES)


async def test_spans_are_sentences_in_utf16_units(served):
    """Law: JavaScript's slice of the comment by a span is the sentence, emoji or not."""
    text = "What kind of idiot is \U0001f600? Sorry, I like you."
    body = asked(text, "INSULT", spanAnnotations=True)
    answer = (await served.client.post(ANALYZE, json=body)).json()
    spans = answer["attributeScores"]["INSULT"]["spanScores"]
    units = text.encode("utf-16-le")
    assert [
        (units[2 * span["begin"] : 2 * span["end"]].decode("utf-16-le"), span["score"])
        for span in spans
    ] == [
        ("What kind of idiot is \U0001f600?", score(0.9)),
        ("Sorry, I like you.", score(FLOOR)),
    ]


@pytest.mark.parametrize(
    ("threshold", "shown"), [(0.9, True), (0.91, False), (0, True), (None, True)]
)
async def test_an_attribute_below_its_threshold_is_left_out(served, threshold, shown):
    """Law: a threshold is met by its own value; without any attribute there is no map."""
    wanted = {"INSULT": {"scoreThreshold": threshold, "scoreType": "PROBABILITY"}}
    body = {"comment": {"text": "idiot"}, "requestedAttributes": wanted}
    answer = (await served.client.post(ANALYZE, json=body)).json()
    assert ("attributeScores" in answer) is shown
    assert answer["languages"] == ["en"]


async def test_what_changes_no_score_is_taken(served):
    """Law: every documented field is accepted, in either spelling, and null means not given."""
    body = asked(
        sessionId="s",
        communityId="c",
        do_not_store=True,
        clientToken=None,
        context={"entries": [{"text": "before", "type": "PLAIN_TEXT"}]},
    )
    answer = await served.client.post(ANALYZE, json=body)
    assert answer.status_code == 200
    assert "clientToken" not in answer.json()


async def test_the_documents_own_loose_json_is_read(served):
    """Law: names without quotes and a trailing comma are read, as Google's servers do."""
    body = b"""{comment: {text: "it: {is, } \\"fine\\""},
        languages: ["en",],
        requestedAttributes: {TOXICITY:{}} }"""
    answer = await served.client.post(ANALYZE, content=body)
    assert answer.status_code == 200
    assert answer.json()["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] == 17


@pytest.mark.parametrize("name", ["FLIRTATION", "UNSUBSTANTIAL", "TOXICITY@6", "toxicity"])
async def test_an_attribute_without_a_score_is_refused_by_name(served, name):
    """Law: Gavel never makes up a number for what it doesn't score."""
    error = await error_of(served, asked("hello", "INSULT", name))
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert name in error["message"]


async def test_an_odd_attribute_name_is_not_repeated(served):
    """Law: an error repeats no content that somebody put into a name."""
    error = await error_of(served, asked("hello", "my secret, really"))
    assert "secret" not in json.dumps(error)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (asked() | {"languages": "en"}, "languages"),
        (asked() | {"comment": {"text": 7}}, "comment.text"),
        (asked() | {"comment": {"text": "a", "type": "HTML"}}, "comment.type"),
        (asked() | {"spanAnnotations": "yes"}, "spanAnnotations"),
        (asked() | {"commnet": {}}, "commnet"),
        ({"comment": {"text": "a"}, "requestedAttributes": {}}, "requestedAttributes"),
        ({"comment": {"text": "a"}}, "requestedAttributes"),
        (
            {"comment": {"text": "a"}, "requestedAttributes": {"INSULT": {"scoreType": "RAW"}}},
            "requestedAttributes.INSULT.scoreType",
        ),
        (
            {"comment": {"text": "a"}, "requestedAttributes": {"INSULT": {"scoreThreshold": "1"}}},
            "requestedAttributes.INSULT.scoreThreshold",
        ),
        ([], ""),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_by_field(served, body, field):
    """Law: a field that is unknown, missing or of another type is named, in Google's form."""
    error = await error_of(served, body)
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    violations = [entry for entry in error["details"] if "fieldViolations" in entry]
    assert [entry["fieldViolations"][0]["field"] for entry in violations] == [field] * bool(field)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"comment": NaN}', b'{"a": 1, "a": 2}', b"\xff", b'"\\ud800"', b"[" * 200]
)
async def test_what_is_no_json_is_refused(served, raw):
    """Law: no bytes at all make the gateway fail."""
    error = await error_of(served, raw)
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "COMMENT_EMPTY"), (" \n", "COMMENT_EMPTY"), ("é" * 10_241, "COMMENT_TOO_LONG")],
)
async def test_the_comments_limits_are_perspectives(served, text, kind):
    """Law: 20,480 bytes of UTF-8 are the most, and there must be something to read."""
    assert error_type(await error_of(served, asked(text))) == kind


async def test_the_longest_comment_is_scored(served):
    """Law: a comment of exactly the limit is taken."""
    answer = await served.client.post(ANALYZE, json=asked("é" * 10_240))
    assert answer.status_code == 200


async def test_a_language_that_nobody_reads_is_an_error(serve_dialects):
    """Law: the detail says which attribute, and which language was found, as Perspective's does."""
    classifiers = [TraitClassifier(languages=frozenset({"de"}))]
    served = await serve_dialects(PerspectiveDialect(), classifiers=classifiers)
    error = await error_of(served, asked("hello", "INSULT"))
    assert error["message"] == "Attribute INSULT does not support request languages: en"
    assert error["details"][0] == {
        "@type": COMMENT_ERROR,
        "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
        "languageNotSupportedByAttributeError": {
            "detectedLanguages": ["en"],
            "attribute": "INSULT",
        },
    }
    body = asked("hello", "INSULT", dropUnsupportedAttributes=True)
    answer = (await served.client.post(ANALYZE, json=body)).json()
    assert answer == {"languages": ["en"], "detectedLanguages": ["en"]}


async def test_attributes_that_nobody_scores_are_dropped_if_that_is_asked_for(serve_dialects):
    """Law: what Gavel never scores, and what this server doesn't, is left out and nothing else."""
    served = await serve_dialects(PerspectiveDialect())
    body = asked("hello", "FLIRTATION", "SPAM", "TOXICITY", dropUnsupportedAttributes=True)
    answer = (await served.client.post(ANALYZE, json=body)).json()
    assert list(answer["attributeScores"]) == ["TOXICITY"]
    body = asked("hello", "FLIRTATION", dropUnsupportedAttributes=True)
    assert "attributeScores" not in (await served.client.post(ANALYZE, json=body)).json()


@pytest.mark.parametrize(
    ("languages", "status"), [(["en"], 200), (["fr"], 400), (["fr", "en"], 200)]
)
async def test_a_callers_language_must_be_one_that_is_read(serve_dialects, languages, status):
    """Law: a comment that the caller calls French gets no score from a model of English."""
    classifiers = [TraitClassifier(languages=frozenset({"en"}))]
    served = await serve_dialects(PerspectiveDialect(), classifiers=classifiers)
    answer = await served.client.post(ANALYZE, json=asked(languages=languages))
    assert answer.status_code == status
    if status == 400:
        assert error_type(answer.json()["error"]) == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


async def test_a_classifier_that_is_not_there_is_told_by_attribute(serve_dialects):
    """Law: what this server has no classifier for is refused by name; what it has is answered."""
    served = await serve_dialects(PerspectiveDialect())
    error = await error_of(served, asked("hello", "TOXICITY", "SPAM"))
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")
    assert "SPAM" in error["message"]
    assert (await served.client.post(ANALYZE, json=asked("hello"))).status_code == 200


async def test_a_classifier_that_fails_makes_no_score(serve_dialects):
    """Law: when the model breaks, the caller is asked to come again and gets no zero."""
    classifiers = [TraitClassifier(failure=ValueError("broken"))]
    served = await serve_dialects(PerspectiveDialect(), classifiers=classifiers)
    body = asked("hello", dropUnsupportedAttributes=True)
    answer = await served.client.post(ANALYZE, json=body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["status"] == "UNAVAILABLE"


async def test_a_suggestion_is_kept_as_an_opinion(served, feedback):
    """Law: what people suggest is kept with its context, so that it can be exported as a row."""
    body = {
        "comment": {"text": "I guess it comes down to a simple choice."},
        "attributeScores": {
            "TOXICITY": {"summaryScore": {"value": 0}},
            "INSULT": {
                "summaryScore": {"value": 0.5, "type": "PROBABILITY"},
                "spanScores": [{"begin": 0, "end": 7, "score": {"value": 1}}],
            },
        },
        "context": {
            "entries": [{"text": "earlier"}],
            "articleAndParentComment": {
                "article": {"text": "about films"},
                "parentComment": {"text": "what now?"},
            },
        },
        "languages": ["en"],
        "communityId": "/forum/movies",
        "clientToken": "comment-53922",
    }
    answer = await served.client.post(SUGGEST, json=body)
    assert (answer.status_code, answer.json()) == (200, {"clientToken": "comment-53922"})
    (kept,) = feedback.kept.values()
    assert kept.text == "I guess it comes down to a simple choice."
    assert kept.attributes == {"toxicity": 0.0, "insult": 0.5}
    assert (kept.languages, kept.community_id) == (("en",), "/forum/movies")
    assert (kept.description, kept.parent_text) == ("about films", "what now?")
    assert [turn.text for turn in kept.turns] == ["earlier"]


@pytest.mark.parametrize(
    ("scores", "field"),
    [
        ({}, "attributeScores"),
        ({"TOXICITY": {}}, "attributeScores.TOXICITY.summaryScore"),
        ({"FLIRTATION": {"summaryScore": {"value": 1}}}, "attributeScores.FLIRTATION"),
        (
            {"TOXICITY": {"spanScores": [{"begin": 0, "end": 1, "score": {"value": 1}}]}},
            "attributeScores.TOXICITY.summaryScore",
        ),
        (
            {"TOXICITY": {"summaryScore": {"value": 1.5}}},
            "attributeScores.TOXICITY.summaryScore.value",
        ),
    ],
)
async def test_a_suggestion_without_a_score_is_refused(served, feedback, scores, field):
    """Law: an opinion that can't be kept is refused by field, and nothing is kept."""
    body = {"comment": {"text": "a"}, "attributeScores": scores}
    error = await error_of(served, body, SUGGEST)
    assert error["details"][-1]["fieldViolations"][0]["field"] == field
    assert not feedback.kept


async def test_a_server_that_keeps_nothing_says_so(serve_dialects):
    """Law: a suggestion is never dropped in silence."""
    served = await serve_dialects(PerspectiveDialect())
    body = {
        "comment": {"text": "a"},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 1}}},
    }
    error = await error_of(served, body, SUGGEST)
    assert (error["code"], error["status"]) == (400, "FAILED_PRECONDITION")
