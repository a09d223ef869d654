"""Other services' clients at the server as it is shipped: its own model, its own policy."""

import httpx2
import openai

from tests.e2e.command import gavel


def analyze(text: str, *names: str, **more: object) -> dict[str, object]:
    """A request of Perspective's API."""
    return {
        "comment": {"text": text},
        "requestedAttributes": {name: {} for name in names},
        **more,
    }


async def test_perspectives_clients_get_scores_of_the_shipped_model(server):
    """Law: with nothing set, all eight attributes are scored, and sentences are told apart."""
    url = f"http://127.0.0.1:{server.rest_port}/v1alpha1/comments:analyze?key=any"
    names = (
        "TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT",
        "SEXUALLY_EXPLICIT", "SPAM",
    )  # fmt: skip
    text = "What kind of idiot name is foo? Sorry, I like your name."
    async with httpx2.AsyncClient(timeout=60) as client:
        answer = await client.post(url, json=analyze(text, *names, spanAnnotations=True))
        scores = answer.json()["attributeScores"]
        assert tuple(scores) == names
        insult, sorry = scores["INSULT"]["spanScores"]
        assert (insult["begin"], insult["end"], sorry["begin"], sorry["end"]) == (0, 31, 32, 56)
        assert insult["score"]["value"] > 0.5 > sorry["score"]["value"]

        german = analyze("Du bist ein dummer Hund, und ich hasse dich", "PROFANITY")
        error = (await client.post(url, json=german)).json()["error"]
        assert error["details"][0]["errorType"] == "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"


async def test_a_suggestion_reaches_the_export(server):
    """Law: what a Perspective client suggests is a row to learn from."""
    url = f"http://127.0.0.1:{server.rest_port}/v1alpha1/comments:suggestscore?key=any"
    body = {
        "comment": {"text": "Get busy living."},
        "attributeScores": {"TOXICITY": {"summaryScore": {"value": 0}}},
    }
    async with httpx2.AsyncClient(timeout=60) as client:
        assert (await client.post(url, json=body)).json() == {}
    exported = await gavel("feedback", "export", folder=server.log.parent)
    assert '"text": "Get busy living."' in exported.output
    assert '"toxicity": 0.0' in exported.output


async def test_openais_client_gets_the_shipped_policys_verdicts(server):
    """Law: with nothing set but the base URL, a threat is flagged and a greeting is not."""
    url = f"http://127.0.0.1:{server.rest_port}/v1"
    http_client = httpx2.AsyncClient(timeout=60)
    async with openai.AsyncOpenAI(base_url=url, api_key="any", http_client=http_client) as client:
        answer = await client.moderations.create(
            input=["I will find you and kill you", "Have a lovely day"]
        )
    threat, greeting = answer.results
    assert threat.flagged
    assert threat.categories.harassment_threatening
    assert not greeting.flagged
    assert (threat.gavel_action, greeting.gavel_action) == ("block", "allow")
    assert greeting.gavel_not_covered == [
        "illicit/violent",
        "self-harm/intent",
        "self-harm/instructions",
        "violence/graphic",
    ]
