"""Videos and clips: decoding and re-encoding of uploads, sampled frames, slideshows, subtitles and
contact sheets.

Engines that generate videos are in `generators.engines.video`; FFmpeg runs in
`generators.media.ffmpeg`.
"""
