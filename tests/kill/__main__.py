"""``make test-kill``: kills processes at random while content is submitted, and judges the rest.

``python -m tests.kill [sqlite] [scaled] [--jobs 1000] [--kills 100] [--seed N]``; the status is 1
if anything was lost, doubled or mistold. Chance is seeded, though what it meets is not.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from itertools import chain, count

from tests.callback_receiver import receiving
from tests.kill.callbacks import listening
from tests.kill.clients import Clients
from tests.kill.history import History, violations
from tests.kill.setups import SETUPS, Setup
from tests.kill.stores import dead, decided, decision_of, still_open

SETTLE_SECONDS = 120
"""How long after the last kill everything may take to come to its end."""
EARLY = 0.15
"""The share of kills that don't wait until the server serves again after the one before."""
LIFE_SECONDS = 0.5
"""How long, on average, all is then left alone."""
AWAY_SECONDS = 1.0
"""How long at most what was killed stays away before it is started again."""
LOOK_SECONDS = 0.2


async def run(setup_name: str, jobs: int, kills: int, seed: int) -> list[str]:
    """Run one set-up and return what was wrong."""
    rng, history = random.Random(seed), History()
    answer = listening(history, random.Random(seed + 2))
    async with receiving(answer) as receiver, SETUPS[setup_name](receiver.port) as setup:
        clients = Clients(setup.address, history, random.Random(seed + 1))
        began = time.monotonic()
        async with clients.calling():
            killed = await kill_again_and_again(setup, clients, rng, jobs, kills)
            await clients.settled()
        left = await settled(setup)
        history.decided += await decided(setup.engine)
        wrong = [*left, *violations(history), *await told_otherwise(clients, history)]
        seconds = time.monotonic() - began
    deaths = ", ".join(f"{name} {count}" for name, count in sorted(killed.items()))
    ended = sum(process.ended for process in setup.processes)
    ids = {entry.webhook_id for entry in history.received}
    print(
        f"{setup_name}: {seconds:.0f} s, seed {seed}\n"
        f"  killed: {deaths}; ended by themselves: {ended}\n"
        f"  sent: {len(history.sent)}, with {clients.repeats} repeats; "
        f"accepted: {len(history.accepted)}, given up unheard: {clients.unheard}\n"
        f"  decided: {len(history.decided)}; "
        f"callbacks: {len(history.received)} under {len(ids)} ids\n"
        f"  wrong: {len(wrong)}",
        *wrong,
        sep="\n",
        flush=True,
    )
    return wrong


async def kill_again_and_again(
    setup: Setup, clients: Clients, rng: random.Random, jobs: int, kills: int
) -> Counter[str]:
    """Submit all jobs, some after each kill, and kill as often as is asked, everybody in turn."""
    killed: Counter[str] = Counter()
    requests = [f"content-{number}" for number in range(jobs)]
    await clients.served()
    rounds = (rng.sample(setup.victims, len(setup.victims)) for _ in count())
    in_turn = chain.from_iterable(rounds)
    for number in range(kills):
        share = slice(number * jobs // kills, (number + 1) * jobs // kills)
        clients.submit(requests[share])
        victim = next(in_turn)
        if rng.random() > EARLY:
            await clients.served()
        await asyncio.sleep(rng.expovariate(1 / LIFE_SECONDS))
        await victim.kill()
        killed[victim.name] += 1
        await asyncio.sleep(rng.uniform(0, AWAY_SECONDS))
        await victim.revive()
    return killed


async def settled(setup: Setup) -> list[str]:
    """Wait until nothing is left to be done, and say what still is after a good while."""
    began = time.monotonic()
    while left := await still_open(setup.engine):
        if time.monotonic() - began > SETTLE_SECONDS:
            return [f"{left} jobs and callbacks are not at their end after {SETTLE_SECONDS} s"]
        await asyncio.sleep(LOOK_SECONDS)
    given_up = await dead(setup.engine)
    return [f"{given_up} jobs and callbacks were given up"] if given_up else []


async def told_otherwise(clients: Clients, history: History) -> list[str]:
    """Ask for every operation that was answered, and say which tells otherwise than is stored."""
    kept = {entry.operation: entry.decision for entry in history.decided}
    return [
        f"{operation.name}: tells another decision than is stored"
        for operation in await clients.operations()
        if not operation.done or decision_of(operation.response.value) != kept.get(operation.name)
    ]


def main() -> None:
    """Run the set-ups that are named, or all."""
    parser = argparse.ArgumentParser(prog="tests.kill", description=__doc__)
    parser.add_argument("setups", nargs="*", choices=[[], *SETUPS], default=[])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    asked = parser.parse_args()
    wrong = []
    for name in asked.setups or SETUPS:
        wrong += asyncio.run(run(name, asked.jobs, asked.kills, asked.seed))
    sys.exit(1 if wrong else 0)


main()
