"""Puts together what judges submitted content, and what decides on it now or in a worker."""

from dataclasses import dataclass
from functools import partial

from gavel.v1 import content_service_pb2

from gaveld.adapters.antivirus.classifier import ABSENT_ANTIVIRUS
from gaveld.application.callback_secrets import callback_secret
from gaveld.application.decide_content import DecideContent
from gaveld.application.judge_content import JudgeContent
from gaveld.application.judge_field import JudgeField
from gaveld.application.judge_video import JudgeVideo
from gaveld.application.moderate import ModerateText
from gaveld.application.moderate_video import ModerateVideo
from gaveld.application.ports import (
    Classifier,
    PolicyStore,
    Telemetry,
    TextReader,
)
from gaveld.application.scan_file import ScanFile
from gaveld.application.sitting import Place
from gaveld.application.submit_content import DecideStoredContent, SubmitContent
from gaveld.bootstrap.parts import Parts
from gaveld.bootstrap.pictures import PicturePath
from gaveld.bootstrap.rules import Rules
from gaveld.domain.media import MediaFile
from gaveld.transport.grpc.content_servicer import ContentServicer
from gaveld.transport.grpc.converters.content import ContentMessages
from gaveld.transport.grpc.services import Service
from gaveld.transport.rest.callbacks import JsonCallbackBodies


@dataclass(frozen=True, slots=True)
class ContentPath:
    """What decides on submitted content: when it comes, and from a worker."""

    submit: SubmitContent
    decide_stored: DecideStoredContent

    @property
    def service(self) -> Service:
        """The service that it is submitted to."""
        descriptor = content_service_pb2.DESCRIPTOR.services_by_name["ContentService"]
        return Service(descriptor, ContentServicer(self.submit))


def build_judge_content(
    *,
    moderate_text: ModerateText,
    moderate_video: ModerateVideo,
    picture_path: PicturePath,
    reader: TextReader,
    antivirus: Classifier[MediaFile] | None,
    policies: PolicyStore,
    rules: Rules,
    telemetry: Telemetry,
    max_text_bytes: int,
    place: Place,
) -> JudgeContent:
    """Return what judges typed content; ``place`` grants room for long texts."""
    judge_video = JudgeVideo(
        moderate_video,
        fetcher=picture_path.fetcher,
        scan_file=ScanFile(antivirus, () if antivirus is not None else (ABSENT_ANTIVIRUS,)),
        look=picture_path.look_at_frames,
        telemetry=telemetry,
    )
    judge_field = JudgeField(
        moderate_text=moderate_text,
        moderate_image=picture_path.moderate_image,
        judge_video=judge_video,
        reader=reader,
        place=place,
    )
    return JudgeContent(
        judge_field,
        policies=policies,
        run_rules=rules.run_rules,
        users=rules.users,
        patterns=rules.patterns,
        max_text_bytes=max_text_bytes,
    )


def build_content_path(parts: Parts) -> ContentPath:
    """Return what decides on content over the storage's parts."""
    judge_content, papers = parts.judging.judge_content, ContentMessages()
    decide = DecideContent(
        judge_content, papers, JsonCallbackBodies(), partial(callback_secret, parts.secret_box)
    )
    return ContentPath(
        SubmitContent(judge_content, decide, parts.jobs, parts.dispatcher, parts.secret_box),
        DecideStoredContent(
            decide, papers, parts.secret_box, max_seconds=parts.settings.work.judge_seconds
        ),
    )
