"""What the use cases need from the outside, each port with the contract that its adapters keep.

Every port has one contract suite in ``tests/contracts``, run against every adapter and its fake.
Adapters may be called concurrently from one event loop unless a port says otherwise.
"""

from gaveld.application.ports.access import (
    ApiKey,
    ApiKeyStore,
    Credits,
    Period,
    Quota,
    RateLimit,
    RateLimiter,
)
from gaveld.application.ports.answers import AnswerStore, KeptAnswer
from gaveld.application.ports.classifiers import Classifier, LanguageDetector, TextNormaliser
from gaveld.application.ports.decision_records import (
    BacktestProgress,
    DecisionStore,
    Forgotten,
    UserStore,
)
from gaveld.application.ports.deliveries import (
    Attempt,
    CallbackSender,
    CallbackTelemetry,
    DeliveryCounts,
    DeliveryStore,
)
from gaveld.application.ports.feedback import FeedbackStore
from gaveld.application.ports.jobs import (
    JobCounts,
    JobDispatcher,
    JobPage,
    JobStore,
    StripWords,
    Ticket,
)
from gaveld.application.ports.media import (
    FrameEncoder,
    ImageDecoder,
    MediaFetcher,
    PictureDescriber,
    Transcriber,
    VideoDecoder,
    VideoReading,
)
from gaveld.application.ports.policies import (
    FILE_AUTHOR,
    PolicyEntry,
    PolicyHistory,
    PolicyRevision,
    PolicyStore,
    PolicyTurn,
)
from gaveld.application.ports.reading import (
    HeadScores,
    PanelScorer,
    PanelScores,
    TextRead,
    TextReader,
    TextSignals,
    VerdictCache,
)
from gaveld.application.ports.review_items import ReviewItemStore, ReviewReports, WaitingReviews
from gaveld.application.ports.reviewers import Reviewer
from gaveld.application.ports.rules import (
    Condition,
    ConditionCompiler,
    ConditionFailedError,
    ConditionInvalidError,
    PatternInvalidError,
    Patterns,
)
from gaveld.application.ports.secrets import SecretBox
from gaveld.application.ports.telemetry import Telemetry
from gaveld.application.ports.usage import UsageStore

__all__ = [
    "FILE_AUTHOR",
    "AnswerStore",
    "ApiKey",
    "ApiKeyStore",
    "Attempt",
    "BacktestProgress",
    "CallbackSender",
    "CallbackTelemetry",
    "Classifier",
    "Condition",
    "ConditionCompiler",
    "ConditionFailedError",
    "ConditionInvalidError",
    "Credits",
    "DecisionStore",
    "DeliveryCounts",
    "DeliveryStore",
    "FeedbackStore",
    "Forgotten",
    "FrameEncoder",
    "HeadScores",
    "ImageDecoder",
    "JobCounts",
    "JobDispatcher",
    "JobPage",
    "JobStore",
    "KeptAnswer",
    "LanguageDetector",
    "MediaFetcher",
    "PanelScorer",
    "PanelScores",
    "PatternInvalidError",
    "Patterns",
    "Period",
    "PictureDescriber",
    "PolicyEntry",
    "PolicyHistory",
    "PolicyRevision",
    "PolicyStore",
    "PolicyTurn",
    "Quota",
    "RateLimit",
    "RateLimiter",
    "ReviewItemStore",
    "ReviewReports",
    "Reviewer",
    "SecretBox",
    "StripWords",
    "Telemetry",
    "TextNormaliser",
    "TextRead",
    "TextReader",
    "TextSignals",
    "Ticket",
    "Transcriber",
    "UsageStore",
    "UserStore",
    "VerdictCache",
    "VideoDecoder",
    "VideoReading",
    "WaitingReviews",
]
