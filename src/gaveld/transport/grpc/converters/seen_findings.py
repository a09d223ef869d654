"""From findings in pictures and videos to the wire: in which frame they are, when, and where."""

from collections.abc import Mapping
from typing import Final

from gavel.v1 import evidence_pb2, verdict_pb2

from gaveld.domain.content import OffsetTable
from gaveld.domain.verdicts import JudgedFinding
from gaveld.domain.video_findings import VideoFinding
from gaveld.transport.grpc.converters.images import hash_matches_to_proto, image_finding_to_proto
from gaveld.transport.grpc.converters.judgements import duration_to_proto, finding_to_proto

_NO_TEXT: Final = OffsetTable("")


def seen_finding_to_proto(entry: JudgedFinding, times: Mapping[int, float]) -> verdict_pb2.Finding:
    """Return a finding in a picture or a video.

    ``times`` are when an animation's frames are shown, by their index; empty for anything else.
    """
    finding = entry.finding
    if not isinstance(finding, VideoFinding):
        return image_finding_to_proto(entry, times)
    shown = finding_to_proto(entry, _NO_TEXT)
    shown.time_range.start.CopyFrom(duration_to_proto(finding.start_seconds))
    shown.time_range.end.CopyFrom(duration_to_proto(finding.end_seconds))
    if finding.frame_index is not None:
        shown.frame.index = finding.frame_index
        shown.frame.time.CopyFrom(duration_to_proto(finding.frame_seconds))
    if finding.box is not None:
        shown.box.CopyFrom(evidence_pb2.BoundingBox(**finding.box._asdict()))
    if finding.hash_match is not None:
        shown.hash_match.CopyFrom(*hash_matches_to_proto([finding.hash_match]))
    return shown
