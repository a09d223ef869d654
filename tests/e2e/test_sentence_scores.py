"""Scores by sentence, from the server as it is shipped."""

from gavel.v1 import moderation_service_pb2 as api

TEXT = "Thank you 👍 for the cake. You are a stupid, worthless idiot! See you at 8."


async def test_the_sentence_that_insults_is_told_from_its_neighbours(moderation):
    """Law: every sentence has its own scores and its place in UTF-16 units; else none is given."""
    answer = await moderation.ModerateText(
        api.ModerateTextRequest(text=TEXT, score_sentences=True), timeout=30
    )
    units = TEXT.encode("utf-16-le")
    read = [
        units[2 * one.span.utf16_start : 2 * one.span.utf16_end].decode("utf-16-le")
        for one in answer.sentence_scores
    ]
    assert read == [
        "Thank you 👍 for the cake.",
        "You are a stupid, worthless idiot!",
        "See you at 8.",
    ]
    scores = [one.attribute_scores.toxicity for one in answer.sentence_scores]
    assert scores[1] > 0.8
    assert max(scores[0], scores[2]) < 0.2
    assert all(one.attribute_scores.HasField("insult") for one in answer.sentence_scores)

    unasked = await moderation.ModerateText(api.ModerateTextRequest(text=TEXT), timeout=30)
    assert not unasked.sentence_scores
