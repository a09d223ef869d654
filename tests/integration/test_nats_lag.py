"""What autoscalers read of NATS: how many words wait for the consumer that they watch."""

import httpx2
import yaml

from gaveld.adapters.nats.dispatcher import NatsJobDispatcher
from tests.nats_server import free_port, linked, running_nats
from tests.unit.repo.tree import read

SCALER = "k8s/overlays/scaled/worker-autoscaler.yaml"


async def test_what_waits_is_seen_where_workers_are_scaled_by_it():
    """Law: NATS' own monitoring shows words that nobody has taken, as the manifest names them."""
    (trigger,) = yaml.safe_load(read(SCALER))["spec"]["triggers"]
    wanted = trigger["metadata"]
    port = free_port()
    async with running_nats(f"http: 127.0.0.1:{port}") as server, linked(server) as link:
        dispatcher = NatsJobDispatcher(link)
        await dispatcher.publish([f"job-{number}" for number in range(7)])
        assert await dispatcher.next(30) is not None
        address = f"http://127.0.0.1:{port}/jsz"
        asked = {"acc": wanted["account"], "consumers": "true"}
        async with httpx2.AsyncClient(trust_env=False) as client:
            (account,) = (await client.get(address, params=asked)).json()["account_details"]
    (stream,) = (s for s in account["stream_detail"] if s["name"] == wanted["stream"])
    (consumer,) = (c for c in stream["consumer_detail"] if c["name"] == wanted["consumer"])
    assert (consumer["num_pending"], consumer["num_ack_pending"]) == (6, 1)
