"""``gavel credits``, as an operator uses it."""

import json
from pathlib import Path

from tests.e2e.command import gavel

KNOWN = {"GAVEL_AUTH__ENABLED": "true"}


async def test_a_balance_is_set_listed_and_cleared(tmp_path: Path):
    """Law: what is set is listed, setting again replaces it, and clearing leaves nothing."""
    for balance in ("1000", "25"):
        done = await gavel("credits", "set", "shop", balance, folder=tmp_path, environment=KNOWN)
        assert (done.status, done.errors) == (0, f"Project shop has {balance} credits.\n")
    listed = await gavel("credits", "list", "--json", folder=tmp_path, environment=KNOWN)
    assert json.loads(listed.output) == {"shop": 25}
    assert "25" in (await gavel("credits", "list", folder=tmp_path, environment=KNOWN)).output
    await gavel("credits", "clear", "shop", folder=tmp_path, environment=KNOWN)
    listed = await gavel("credits", "list", "--json", folder=tmp_path, environment=KNOWN)
    assert json.loads(listed.output) == {}


async def test_what_can_not_be_a_balance_is_refused(tmp_path: Path):
    """Law: a negative balance and an impossible project name are mistakes, said at once."""
    for project, balance in (("shop", "-1"), ("a shop", "5")):
        done = await gavel("credits", "set", project, "--", balance, folder=tmp_path)
        assert done.status == 2


async def test_without_keys_the_operator_is_told_that_nobody_pays(tmp_path: Path):
    """Law: a balance that can have no effect is said to have none."""
    done = await gavel("credits", "set", "shop", "5", folder=tmp_path)
    assert "nobody pays" in done.errors
