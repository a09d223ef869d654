"""Submitted content's use cases over fakes, which find words and colours and keep jobs."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from gaveld.application.decide_content import DecideContent
from gaveld.application.judge_content import ContentJudgement, JudgeContent
from gaveld.application.judge_field import JudgeField
from gaveld.application.judge_video import JudgeVideo
from gaveld.application.look_at_picture import LookAtPicture
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import ConditionFailedError, ConditionInvalidError
from gaveld.application.run_rules import RunRules
from gaveld.application.scan_file import ScanFile
from gaveld.application.submit_content import ContentRequest, DecideStoredContent, SubmitContent
from gaveld.domain.errors import ErrorReason, ResourceExhausted, Unavailable
from gaveld.domain.jobs import Job
from gaveld.domain.media import MediaFile, MediaReference, MediaRefusal, MediaRefused, Picture
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import CallbackFormat, Rule, RuleAction, RuleFacts
from gaveld.domain.signals import (
    Attribute,
    ClassifierCard,
    ClassifierReport,
    Finding,
)
from gaveld.domain.submissions import ContentSubmission
from gaveld.domain.typed_content import (
    ContentType,
    FieldDefinition,
    FieldType,
    FieldValue,
    MediaValue,
)
from gaveld.domain.videos import VideoEvent
from tests.fakes.decisions import FakeDecisions
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.fakes.jobs import FakeJobStore
from tests.fakes.language_detector import FakeLanguageDetector
from tests.fakes.policies import FakePolicyStore
from tests.fakes.secret_box import FakeSecretBox
from tests.fakes.text_normaliser import FakeTextNormaliser
from tests.fakes.videos import FakeLook, FakeTranscriber
from tests.frames import Rgb, plain, sample_of
from tests.picture_house import PictureParts
from tests.pictures import encoded, media_file, quarters
from tests.unit.application.video_house import VideoHouse

BAN = RuleAction(
    "5f0c1a9e-5a43-4f0e-9a86-2a4c1b7f3d10",
    "Ban user",
    "https://shop.example/ban",
    headers={"x-shop": "yes"},
    parameters={"severity": 3},
    secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
)
FLAG = RuleAction("0b6d8c53-9f0f-4a5c-9d0e-1f5a52f0a001", "Flag")
COMMENT = ContentType(
    "Comment",
    (
        FieldDefinition("text", FieldType.STRING, required=True),
        FieldDefinition("age", FieldType.INT, min=0),
        FieldDefinition("avatar", FieldType.IMAGE),
        FieldDefinition("site", FieldType.URL),
        FieldDefinition("note", FieldType.STRING, exempt=True),
        FieldDefinition("tags", FieldType.LIST, item=FieldDefinition("", FieldType.STRING)),
        FieldDefinition("clip", FieldType.VIDEO),
        FieldDefinition("voice", FieldType.AUDIO),
    ),
)
POLICY = Policy(
    "house@1",
    {
        "A1": CategoryRule(0.3, 0.9),
        "H2": CategoryRule(0.5, 0.9, required=True),
        "L1": CategoryRule(0.5),
        "S2": CategoryRule(0.5, 0.9),
    },
    content_types=(COMMENT,),
    actions=(BAN, FLAG),
)
WORDS = {"fool": ("H2", 0.8), "darn": ("L1", 0.6), "badlink": ("S2", 0.95), "special": ("L2", 0.9)}
PICTURES: Mapping[str, tuple[Rgb, ...]] = {
    "grey": (plain(90, 90, 90),),
    "red": (plain(255, 0, 0),),
    "pink": (plain(200, 90, 90),),
}
CONDITIONS: Mapping[str, Callable[[RuleFacts], bool]] = {
    "toxic": lambda facts: facts.scores.get("toxicity", 0.0) > 0.7,
    "young": lambda facts: facts.content is not None and facts.content["age"] < 18,
    "red": lambda facts: facts.image_scores.get("porn", 0.0) > 0.9,
    "known": lambda facts: facts.user is not None and facts.user.windows[0].flags > 0,
    "always": lambda _: True,
    "never": lambda _: False,
}


def rule(condition: str, *actions: RuleAction, **settings) -> Rule:
    """A rule that is named after its condition."""
    ids = tuple(action.id for action in actions)
    return Rule(condition, condition.title(), condition, action_ids=ids, **settings)


def with_rules(*rules: Rule, **settings) -> Policy:
    """The house's policy with these rules."""
    return replace(POLICY, rules=rules, **settings)


@dataclass
class Known:
    """One of the conditions above."""

    source: str

    def holds(self, facts: RuleFacts) -> bool:
        if self.source == "broken":
            raise ConditionFailedError("no such key")
        return CONDITIONS[self.source](facts)


class Conditions:
    """A ``ConditionCompiler`` that knows the few conditions above; ``broken`` fails."""

    def compile(self, source: str, content_types=()) -> Known:
        if source != "broken" and source not in CONDITIONS:
            raise ConditionInvalidError("unknown")
        return Known(source)


class EveryPattern:
    """``Patterns`` that everything fits."""

    def check(self, pattern: str) -> None:
        return None

    def fits(self, pattern: str, text: str) -> bool:
        return True


class Words:
    """Finds a few words, and calls a text as toxic as the worst of them."""

    card = ClassifierCard(
        "words",
        "1",
        frozenset({"A1", "H2", "L1", "L2", "S2"}),
        frozenset({Attribute.TOXICITY}),
    )

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample) -> ClassifierReport:
        if "defect" in sample.text:
            raise RuntimeError("quotes the content")
        listed = {**WORDS, **dict.fromkeys(sample.blocked_terms, ("L2", 0.9))}
        found = tuple(
            Finding(category_id, score, "A word.", "words", "1")
            for word, (category_id, score) in listed.items()
            if word in sample.text
        )
        worst = max((entry.score for entry in found), default=0.0)
        return ClassifierReport(found, {Attribute.TOXICITY: worst})


class Files:
    """A fetcher and decoder of pictures that are named by their address."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.at_once = self.most_at_once = 0

    async def fetch(self, reference, families, internal_hosts=frozenset()) -> MediaFile:
        if reference.uri == "broken":
            raise MediaRefused(MediaRefusal.DAMAGED)
        if reference.uri == "full":
            raise ResourceExhausted(ErrorReason.SERVER_OVERLOADED, "full", retry_after_seconds=1)
        file = media_file(encoded(quarters(64 + len(self.names), 32), "PNG"))
        self.names[file.sha256] = reference.uri
        return file

    async def decode(self, file: MediaFile) -> Picture:
        return sample_of(*PICTURES[self.names[file.sha256]]).picture


def image(name: str) -> MediaValue:
    """A picture by its name."""
    return MediaValue(FieldType.IMAGE, MediaReference(uri=name))


def video(name: str = "clip") -> MediaValue:
    """The house's video."""
    return MediaValue(FieldType.VIDEO, MediaReference(uri=name))


def sound() -> MediaValue:
    """A sound, which nobody can hear."""
    return MediaValue(FieldType.AUDIO, MediaReference(data=b"ID3"))


def submission(content_id: str = "c1", **fields: FieldValue) -> ContentSubmission:
    """A comment with these fields."""
    return ContentSubmission(content_id, fields, actor_id="ann", content_type="Comment")


class PlainPapers:
    """``ContentPapers`` whose payloads name submissions, and whose answers quote them."""

    def __init__(self) -> None:
        self.known: dict[bytes, ContentSubmission] = {}

    def payload(self, asked: ContentSubmission) -> bytes:
        payload = f"payload {len(self.known)}".encode()
        self.known[payload] = replace(asked, callback_url="")
        return payload

    def read(self, payload: bytes) -> ContentSubmission:
        return self.known[payload]

    def answer(self, payload: bytes, judged: ContentJudgement, job: Job, review_item: str) -> bytes:
        words = ",".join(str(value) for value in judged.submission.fields.values())
        return f"{judged.verdict.action.name}|{review_item}|{words}".encode()

    def without_words(self, answer: bytes) -> bytes:
        return answer.rpartition(b"|")[0] + b"|"

    def body(self, form: CallbackFormat, job: Job, answer: bytes, custom) -> bytes:
        return f"{form}|{job.payload.decode()}|{answer.decode()}|{dict(custom)}".encode()


class MemoryJobs(FakeJobStore):
    """Jobs in memory that can be out of reach."""

    is_down = False

    async def add(self, job, review_item=None):
        self._reach()
        return await super().add(job, review_item)

    async def add_done(self, job, records):
        self._reach()
        return await super().add_done(job, records)

    def _reach(self) -> None:
        if self.is_down:
            raise Unavailable(ErrorReason.STORAGE_UNAVAILABLE, "down")


@dataclass
class ContentHouse:
    """The use cases; what a test does not name finds next to nothing."""

    policy: Policy = POLICY
    events: list[VideoEvent] = field(default_factory=list)
    look: FakeLook = field(default_factory=FakeLook)
    parts: PictureParts = field(default_factory=PictureParts)
    transcriber: FakeTranscriber | None = None
    store: Callable[[Policy], FakePolicyStore] = FakePolicyStore

    def __post_init__(self) -> None:
        self.files, self.users = Files(), FakeDecisions()
        self.policies = self.store(self.policy)
        self.jobs, self.dispatcher, self.papers = MemoryJobs(), FakeJobDispatcher(), PlainPapers()
        self.secret_box = FakeSecretBox()
        self.places: list[int] = []
        self.judge_content = JudgeContent(
            self._judge_field(),
            policies=self.policies,
            run_rules=RunRules(Conditions(), self.parts.telemetry),
            users=self.users,
            patterns=EveryPattern(),
            max_text_bytes=1_000,
        )
        self.decide_content = DecideContent(
            self.judge_content, self.papers, self.papers, lambda project: f"secret of {project}"
        )
        self.submit_content = SubmitContent(
            self.judge_content,
            self.decide_content,
            self.jobs,
            self.dispatcher,
            self.secret_box,
        )
        self.handler = DecideStoredContent(
            self.decide_content, self.papers, self.secret_box, max_seconds=30
        )

    def _judge_field(self) -> JudgeField:
        videos = VideoHouse(
            self.events, self.look, policy=self.policy, transcriber=self.transcriber
        )
        return JudgeField(
            moderate_text=ModerateText(
                normaliser=FakeTextNormaliser(),
                language_detector=FakeLanguageDetector(),
                classifiers=[Words()],
                policies=self.policies,
                telemetry=self.parts.telemetry,
                max_text_bytes=1_000,
            ),
            moderate_image=self.parts.moderate_image(self.files, self.files, self.policies),
            judge_video=JudgeVideo(
                videos.use_case,
                fetcher=self.files,
                scan_file=ScanFile(None),
                look=LookAtPicture(self.parts.detectors, self.parts.reader, self.parts.telemetry),
                telemetry=self.parts.telemetry,
            ),
            reader=self.parts.reader,
            place=self._place,
        )

    def _place(self, characters: int):
        self.places.append(characters)
        return nullcontext()

    async def judged(
        self, asked: ContentSubmission | None = None, *, seconds: float = 30, **fields: FieldValue
    ) -> ContentJudgement:
        """Judge a submission, or a comment with these fields."""
        return await self.judge_content(
            asked or submission(**fields), project="shop", deadline_seconds=seconds
        )

    def request(self, asked: ContentSubmission, request_id: str = "r1", **wishes) -> ContentRequest:
        """What a caller submits."""
        return ContentRequest("shop", request_id, self.papers.payload(asked), asked, **wishes)
