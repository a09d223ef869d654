"""What tests of Apollo's API share: what is printed of it, and content's own use cases."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from gavel.v1 import content_service_pb2
from google.longrunning import operations_pb2

from gaveld.application.decide_content import DecideContent
from gaveld.application.operations import Operations
from gaveld.application.submit_content import DecideStoredContent, SubmitContent
from gaveld.domain.deliveries import Delivery
from gaveld.domain.rules import CallbackFormat
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType
from gaveld.transport.grpc.content_servicer import ContentServicer
from gaveld.transport.grpc.converters.content import ContentMessages
from gaveld.transport.grpc.operations_servicer import OperationsServicer
from gaveld.transport.grpc.services import Service
from gaveld.transport.rest.callbacks import JsonCallbackBodies
from tests.content_house import BAN as HOUSE_BAN
from tests.content_house import COMMENT as COMMENT_TYPE
from tests.content_house import FLAG as HOUSE_FLAG
from tests.content_house import ContentHouse, rule, with_rules

GOLDEN = Path(__file__).parents[2] / "conformance" / "dialects" / "apollo"
PRINTED = {
    name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("requests", "answers")
}
COMMENT = PRINTED["requests"]["content"]
CONTENT, IMAGE = "/api/v1/content/", "/api/v1/image/"
HOUSE_RULES = (
    rule("always", HOUSE_FLAG, content_types=("Image",)),
    rule("toxic", HOUSE_BAN, HOUSE_FLAG),
    rule("young", HOUSE_FLAG, content_types=("Comment",)),
)
IMAGE_TYPE = ContentType("Image", (FieldDefinition("url", FieldType.IMAGE, required=True),))
BACK_TO_APOLLOS_CUSTOMER = replace(HOUSE_BAN, format=CallbackFormat.APOLLO)
POLICY = with_rules(
    *HOUSE_RULES,
    content_types=(COMMENT_TYPE, IMAGE_TYPE),
    actions=(BACK_TO_APOLLOS_CUSTOMER, HOUSE_FLAG),
)
ADDRESS = "https://pictures.example/a.png"


@dataclass
class Desk:
    """Content's own use cases behind the contract's messages, over fakes that find words."""

    house: ContentHouse

    def __post_init__(self) -> None:
        house, messages = self.house, ContentMessages()
        decide = DecideContent(
            house.judge_content, messages, JsonCallbackBodies(), lambda _: "whsec_bm90aGluZw=="
        )
        self.work = DecideStoredContent(decide, messages, house.secret_box, max_seconds=30)
        self.submit = SubmitContent(
            house.judge_content, decide, house.jobs, house.dispatcher, house.secret_box
        )
        content = content_service_pb2.DESCRIPTOR.services_by_name["ContentService"]
        operations = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
        self.services = (
            Service(content, ContentServicer(self.submit)),
            Service(operations, OperationsServicer(Operations(house.jobs))),
        )

    async def do_the_work(self) -> None:
        """Do what a worker does with what is stored."""
        for lease in await self.house.jobs.lease("w", limit=100, seconds=60):
            answer, records = await self.work(lease.job)
            assert await self.house.jobs.finish(lease, answer, records)

    @property
    def callbacks(self) -> list[Delivery]:
        """The callbacks that were written with what was decided."""
        written = (entry for records in self.house.jobs.records.values() for entry in records)
        return [delivery for records in written for delivery in records.deliveries]


async def post(client: httpx2.AsyncClient, body: Any, path: str = CONTENT) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=content)


def errors_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    """The errors of an answer, which has this dialect's form."""
    body = answer.json()
    assert set(body) == {"status", "errors"}
    assert body["status"] == answer.status_code
    assert body["errors"]
    for error in body["errors"]:
        assert set(error) | {"pointer"} == {
            "status", "type", "title", "detail", "pointer", "requestId",
        }  # fmt: skip
        assert error["status"] == answer.status_code
        assert all(entry.startswith("/errors/") for entry in error["type"])
        assert error["requestId"] == answer.headers["x-request-id"]
    return list(body["errors"])


def runs(answer: httpx2.Response) -> list[str]:
    """The names of the actions that an answer lists."""
    assert answer.status_code == 200, answer.text
    listed = answer.json()["data"]["workflowsRuns"]
    known = {HOUSE_BAN.id: HOUSE_BAN.name, HOUSE_FLAG.id: HOUSE_FLAG.name}
    assert all(known[entry["id"]] == entry["run"] for entry in listed)
    return [entry["run"] for entry in listed]


def comment(text: str, **content: Any) -> dict[str, Any]:
    return COMMENT | {"content": {"text": text, "age": 30, **content}}
