"""Decodes videos in worker processes while they arrive, into few frames, subtitles and sound."""
