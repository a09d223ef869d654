"""A server that takes submitted content, over a real SQLite file, with workers and callbacks."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gavel.v1 import content_pb2, content_service_pb2
from gavel.v1.content_service_pb2_grpc import ContentServiceStub
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub

from gaveld.adapters.rules import CelConditionCompiler, Re2Patterns
from gaveld.adapters.secrets import new_key
from gaveld.adapters.storage.journal import EmptyJournal
from gaveld.adapters.storage.users import SqlUserStore
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.check_policy import Installed
from gaveld.application.judge_content import JudgeContent
from gaveld.application.judge_field import JudgeField
from gaveld.application.judge_video import JudgeVideo
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import Transcriber
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.application.run_rules import RunRules
from gaveld.application.scan_file import ScanFile
from gaveld.bootstrap.parts import Judging, Parts, open_parts
from gaveld.bootstrap.policies import policy_check
from gaveld.bootstrap.services import build_services
from gaveld.bootstrap.settings import Settings
from gaveld.bootstrap.stores import migrate_storage, open_stores
from gaveld.bootstrap.work import build_work
from gaveld.domain.policies import Policy
from gaveld.transport.grpc.long_texts import LongTexts
from tests.content_house import POLICY, Words
from tests.fakes.policies import FakePolicyHistory
from tests.fakes.text_reader import LEXICON, FakeTextReader
from tests.fetch_target import fetching
from tests.integration.grpc_stand import EnglishDetector, PlainNormaliser, Running, Serve
from tests.media_house import MediaParts
from tests.picture_house import PictureParts, picture_use_case

SAID = {"kill": (LEXICON, "H1", 0.9)}
"""What is found in words that are read in pictures or heard."""

FieldValue = content_pb2.FieldValue
Request = content_service_pb2.SubmitContentRequest
Response = content_service_pb2.SubmitContentResponse


def text(value: str) -> FieldValue:
    """A field of text."""
    return FieldValue(string_value=value)


def picture(data: bytes) -> FieldValue:
    """A field with a picture's bytes."""
    return FieldValue(image_value=content_pb2.Media(data=data))


def comment(content_id: str = "c1", **wishes: object) -> Request:
    """A comment of two words by Ann, unless a test says otherwise."""
    usual = {"actor_id": "ann", "content_type": "Comment", "fields": {"text": text("all good")}}
    return Request(content_id=content_id, **(usual | wishes))


def answer_of(operation: operations_pb2.Operation) -> Response:
    """The answer of an operation that is done."""
    assert operation.done
    response = Response()
    assert operation.response.Unpack(response)
    return response


@dataclass
class ContentStand:
    """A running server, its storage's parts and the file that it keeps everything in."""

    running: Running
    parts: Parts
    file: Path
    start_work: Callable[[], None]

    @property
    def content(self) -> ContentServiceStub:
        return ContentServiceStub(self.running.channel)

    @property
    def operations(self) -> OperationsStub:
        return OperationsStub(self.running.channel)

    async def submit(self, request: Request, **call: object) -> operations_pb2.Operation:
        return await self.content.SubmitContent(request, **call)

    async def operation(self, name: str) -> operations_pb2.Operation:
        """Read an operation as it stands."""
        return await self.operations.GetOperation(operations_pb2.GetOperationRequest(name=name))

    async def finished(self, operation: operations_pb2.Operation) -> operations_pb2.Operation:
        """Wait until an operation is done."""
        while not operation.done:
            wait = operations_pb2.WaitOperationRequest(name=operation.name)
            wait.timeout.FromSeconds(20)
            operation = await self.operations.WaitOperation(wait)
        return operation

    async def stored(self, words: str) -> bool:
        """Whether words stand anywhere in the files of the storage, once these are tidied up."""
        await EmptyJournal(self.parts.engine)(datetime.now(UTC))
        files = self.file.parent.glob(f"{self.file.name}*")
        return any(words.encode() in file.read_bytes() for file in files)


@asynccontextmanager
async def content_stand(
    serve: Serve,
    folder: Path,
    policy: Policy = POLICY,
    *,
    url: str = "",
    transcriber: Transcriber | None = None,
    **work: object,
) -> AsyncIterator[ContentStand]:
    """Serve content; words and red pictures are found, and workers start when a test says so.

    All is kept in SQLite's file in the folder, unless ``url`` names an empty PostgreSQL.
    """
    file = folder / "gavel.db"
    keys = folder / "secrets.key"
    keys.write_text(new_key(), "utf-8")
    keys.chmod(0o600)
    if url:
        await migrate_storage(url)
    wanted = Settings(
        storage={"url": url or f"sqlite+aiosqlite:///{file}"},
        secrets={"key_file": keys},
        work={"workers": 2, "poll_seconds": 0.05, **work},
        callbacks={"internal_hosts": ["127.0.0.1"], "poll_seconds": 0.05},
    )
    async with AsyncExitStack() as stack:
        stores = await open_stores(wanted, stack)
        assert stores.engine is not None
        telemetry, policies = PrometheusTelemetry(), FakePolicyHistory(policy)
        pictures = PictureParts(reader=FakeTextReader(SAID))
        review_compliance = ReviewCompliance(
            reviewers=[],
            policies=policies,
            telemetry=telemetry,
            reviewer_timeout_seconds=30,
            max_text_bytes=1 << 20,
        )
        media = MediaParts(pictures=pictures, transcriber=transcriber)
        reviews = await stack.enter_async_context(media.reviews(review_compliance))
        judge_field = JudgeField(
            moderate_text=ModerateText(
                normaliser=PlainNormaliser(),
                language_detector=EnglishDetector(),
                classifiers=[Words()],
                policies=policies,
                telemetry=telemetry,
                max_text_bytes=1 << 20,
            ),
            moderate_image=await stack.enter_async_context(picture_use_case(policies, pictures)),
            judge_video=JudgeVideo(
                reviews.moderate_video,
                fetcher=await stack.enter_async_context(fetching()),
                scan_file=ScanFile(None),
                look=LookAtPicture(pictures.detectors, pictures.reader, telemetry),
                telemetry=telemetry,
            ),
            reader=pictures.reader,
            place=LongTexts().place,
        )
        judge_content = JudgeContent(
            judge_field,
            policies=policies,
            run_rules=RunRules(CelConditionCompiler(), telemetry),
            users=SqlUserStore(stores.engine),
            patterns=Re2Patterns(),
            max_text_bytes=1 << 20,
        )
        parts = await open_parts(
            wanted,
            stack,
            engine=stores.engine,
            telemetry=telemetry,
            judging=Judging(policies, policies, policy_check(Installed()), judge_content),
        )
        work = build_work(parts, stack)
        running = await serve(services=build_services(parts), policy=policy)
        stand = ContentStand(running, parts, file, work.start)
        try:
            yield stand
        finally:
            await work.drain(5.0)
            await running.channel.close()
            await running.server.stop()
