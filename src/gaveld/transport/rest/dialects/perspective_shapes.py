"""What Perspective's requests look like. Fields may be spelt as in JSON or as in its protos."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from gaveld.transport.rest.dialects.shapes import Shape

Probability = Annotated[float, Field(ge=0, le=1)]


class _Message(Shape):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class TextEntry(_Message):
    """A text. HTML was documented and never served; it isn't here either."""

    text: str = ""
    type: Literal["PLAIN_TEXT", "TEXT_TYPE_UNSPECIFIED"] = "PLAIN_TEXT"


class ArticleAndParentComment(_Message):
    """What a comment stands under, and what it answers."""

    article: TextEntry = TextEntry()
    parent_comment: TextEntry = TextEntry()


class CommentContext(_Message):
    """What surrounds a comment; it changes no score."""

    entries: Sequence[TextEntry] = ()
    article_and_parent_comment: ArticleAndParentComment = ArticleAndParentComment()


class Requested(_Message):
    """How one attribute is wanted. Scores are probabilities, and of no other type."""

    score_type: Literal["PROBABILITY", "SCORE_TYPE_UNSPECIFIED"] = "PROBABILITY"
    score_threshold: float | None = None


class AnalyzeRequest(_Message):
    """What ``comments:analyze`` takes."""

    comment: TextEntry = TextEntry()
    context: CommentContext = CommentContext()
    requested_attributes: Mapping[str, Requested] = {}
    span_annotations: bool = False
    languages: Sequence[str] = ()
    do_not_store: bool = False
    drop_unsupported_attributes: bool = False
    client_token: str = ""
    session_id: str = ""
    community_id: str = ""


class Score(_Message):
    """A score that somebody suggests."""

    value: Probability
    type: Literal["PROBABILITY", "SCORE_TYPE_UNSPECIFIED"] = "PROBABILITY"


class SpanScore(_Message):
    """A score of a part of the comment."""

    begin: Annotated[int, Field(ge=0)] = 0
    end: Annotated[int, Field(ge=0)] = 0
    score: Score


class Suggested(_Message):
    """The scores that an attribute should have had."""

    summary_score: Score | None = None
    span_scores: Sequence[SpanScore] = ()


class SuggestRequest(_Message):
    """What ``comments:suggestscore`` takes."""

    comment: TextEntry = TextEntry()
    context: CommentContext = CommentContext()
    attribute_scores: Mapping[str, Suggested] = {}
    languages: Sequence[str] = ()
    client_token: str = ""
    session_id: str = ""
    community_id: str = ""
