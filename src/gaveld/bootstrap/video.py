"""Builds what decodes videos."""

from contextlib import AsyncExitStack

from gaveld.adapters.video.decoder import ProcessVideoDecoder
from gaveld.adapters.video.limits import VideoLimits
from gaveld.bootstrap.settings import VideoSettings


def build_video_decoder(settings: VideoSettings, stack: AsyncExitStack) -> ProcessVideoDecoder:
    """Return a decoder that the stack closes. Its workers start with ``warm_up``, or when used."""
    limits = VideoLimits(
        sample_seconds=settings.sample_seconds,
        max_frames=settings.max_frames,
        max_frame_pixels=settings.max_frame_pixels,
        cpu_seconds=settings.cpu_seconds,
        memory_bytes=settings.memory_bytes,
    )
    decoder = ProcessVideoDecoder(
        limits, workers=settings.workers, spool_folder=settings.spool_folder
    )
    stack.callback(decoder.close)
    return decoder
