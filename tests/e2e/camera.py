"""A camera for Chromium that films one QR code."""

from __future__ import annotations

from pathlib import Path

import segno

__all__ = ["camera", "filmed"]

WIDTH, HEIGHT, FRAMES = 640, 480, 5
WHITE, BLACK, GREY = 235, 16, 128


def camera(film: Path) -> tuple[str, ...]:
    """Chromium's arguments; the film may be made later, it is opened when the camera starts."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


def filmed(text: str) -> bytes:
    """The QR code of `text` in the middle of a white picture, as YUV4MPEG2; Chromium plays it again and again."""
    rows = [
        bytes(BLACK if dark else WHITE for dark in row) for row in segno.make(text, micro=False).matrix_iter(border=4)
    ]
    scale = min(WIDTH, HEIGHT) * 2 // 3 // len(rows)
    side = scale * len(rows)
    left, top = (WIDTH - side) // 2, (HEIGHT - side) // 2
    edge, blank = bytes([WHITE]) * left, bytes([WHITE]) * WIDTH
    lines = [blank] * top
    for row in rows:
        line = edge + b"".join(bytes([each]) * scale for each in row)
        lines += [line.ljust(WIDTH, bytes([WHITE]))] * scale
    lines += [blank] * (HEIGHT - len(lines))
    colours = bytes([GREY]) * (WIDTH * HEIGHT // 2)
    frame = b"FRAME\n" + b"".join(lines) + colours
    return f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * FRAMES
