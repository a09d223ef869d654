"""Submitted content on the server as it is shipped, backtested, shown and forgotten by command."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import grpc
import httpx2
from gavel.v1 import content_service_pb2 as api
from gavel.v1.content_service_pb2_grpc import ContentServiceStub
from PIL import Image

from tests.e2e.command import gavel
from tests.e2e.conftest import ANSWER_SECONDS, Server, running

TEXT_ALONE = {"GAVEL_IMAGES__CLASSIFIERS": "[]", "GAVEL_PANEL__EMBEDDED": "false"}
STRICT = "categories:\n  H2: {review: 0.01, block: 0.02}\n"


async def submit(server: Server, content_id: str, text: str) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        request = api.SubmitContentRequest(content_id=content_id, actor_id="ann/b", sync=True)
        request.fields["body"].string_value = text
        await ContentServiceStub(channel).SubmitContent(request, timeout=ANSWER_SECONDS)


async def test_a_policy_is_backtested_from_the_command_line(tmp_path: Path):
    """Law: the table names what changes and why; picture, page and JSON say the same."""
    (tmp_path / "new.yaml").write_text(STRICT)
    wanted = ("policy", "backtest", "--file", "new.yaml", "--since", "1h")
    async with running(tmp_path, TEXT_ALONE) as server:
        await submit(server, "kind", "What a lovely day it is.")
        await submit(server, "insult", "You are an idiot and a fool.")
        where = ("--target", server.address)
        drawn = ("--png", "b.png", "--html", "b.html")
        shown = await gavel(*wanted, *where, *drawn, folder=tmp_path)
        listed = await gavel(*wanted, *where, "--json", folder=tmp_path)
        wrong = await gavel(*wanted[:-1], "often", *where, folder=tmp_path)
    assert shown.status == 0, shown.errors
    assert "1 of 2 decisions would change" in shown.output
    assert "H2 Harassment and Insults" in shown.output
    assert "insult" in shown.output
    with Image.open(tmp_path / "b.png") as picture:
        assert picture.width == 1920
    page = (tmp_path / "b.html").read_text()
    assert "1 of 2 decisions would change" in page
    ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    answer = json.loads(listed.output)
    assert (answer["decision_count"], answer["changed_count"]) == ("2", "1")
    assert answer["rows"][0]["sample_content_ids"] == ["insult"]
    assert (wrong.status, "often" in wrong.errors) == (2, True)


async def test_a_user_is_shown_and_forgotten_from_the_command_line(tmp_path: Path):
    """Law: what the server counted REST and command show; nobody forgets without being sure."""
    async with running(tmp_path, TEXT_ALONE) as server:
        await submit(server, "insult", "You are an idiot and a fool.")
        url = f"http://127.0.0.1:{server.rest_port}/v1/projects/-/users/ann%2Fb"
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as client:
            told = (await client.get(url)).json()
    assert told["name"] == "projects/default/users/ann%2Fb"
    assert told["windows"][0]["contentCount"] == "1"
    shown = await gavel("users", "show", "ann/b", "--json", folder=tmp_path)
    history = json.loads(shown.output)
    assert (history["actor_id"], history["windows"][0]["contents"]) == ("ann/b", 1)
    table = await gavel("users", "show", "ann/b", folder=tmp_path)
    assert "contents" in table.output
    unsure = await gavel("users", "forget", "ann/b", stdin=b"n\n", folder=tmp_path)
    assert unsure.status == 1
    forgotten = await gavel("users", "forget", "ann/b", "--yes", folder=tmp_path)
    assert (forgotten.status, "1 decisions no longer" in forgotten.errors) == (0, True)
    gone = await gavel("users", "show", "ann/b", folder=tmp_path)
    assert (gone.status, gone.output) == (2, "")
