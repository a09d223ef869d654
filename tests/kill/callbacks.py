"""Receives the callbacks of a run, proves their signatures, and writes down what they say."""

import asyncio
import json
import random

import standardwebhooks

from tests.callback_receiver import Answer, Arrival, says
from tests.kill.history import History, Received

SECRET = "whsec_" + "bm90aGluZyB0aGF0IGFueWJvZHkgaGFz"
TAKES_SECONDS = 0.3
"""How long at most the receiver takes for one callback, so that senders die while they wait."""


def listening(history: History, rng: random.Random) -> Answer:
    """Return how each callback is taken: at its own pace, and never refused."""
    verifier, taken = standardwebhooks.Webhook(SECRET), says(204)

    async def answer(arrival: Arrival, writer: asyncio.StreamWriter) -> None:
        history.received.append(_read(arrival, verifier))
        await asyncio.sleep(rng.uniform(0, TAKES_SECONDS))
        await taken(arrival, writer)

    return answer


def _read(arrival: Arrival, verifier: standardwebhooks.Webhook) -> Received:
    try:
        verifier.verify(arrival.body, dict(arrival.headers))
    except standardwebhooks.WebhookVerificationError:
        is_signed = False
    else:
        is_signed = True
    body = json.loads(arrival.body)
    return Received(body["contentId"], arrival.headers["webhook-id"], body["decideTime"], is_signed)
