"""Receives the callbacks of a run, proves their signatures, and writes down what they say."""

import json
from collections.abc import Iterable

import standardwebhooks

from tests.callback_receiver import Arrival
from tests.kill.history import Received

SECRET = "whsec_" + "bm90aGluZyB0aGF0IGFueWJvZHkgaGFz"


def received(arrivals: Iterable[Arrival]) -> list[Received]:
    """Read what arrived."""
    verifier = standardwebhooks.Webhook(SECRET)
    return [_read(arrival, verifier) for arrival in arrivals]


def _read(arrival: Arrival, verifier: standardwebhooks.Webhook) -> Received:
    try:
        verifier.verify(arrival.body, dict(arrival.headers))
    except standardwebhooks.WebhookVerificationError:
        is_signed = False
    else:
        is_signed = True
    body = json.loads(arrival.body)
    return Received(body["contentId"], arrival.headers["webhook-id"], body["decideTime"], is_signed)
