"""A worker that a file has taken over: it answers every file with a lie, chosen by `max_frames`."""

import json
import os
import socket
import sys
import time

from gaveld.adapters.image.decode.protocol import READY, memory_with

HONEST = {
    "width": 1,
    "height": 1,
    "frame_count": 1,
    "duration_seconds": None,
    "unread": "",
    "frames": [[0, 0.0, 1, 1]],
}
LIES = [
    b"no JSON",
    b"[" * 20_000,
    b"[]",
    b"{}",
    HONEST | {"frames": [[0, 0.0, 100, 100]]},
    HONEST | {"frames": [[0, 0.0, -1, -1]]},
    HONEST | {"frames": []},
    HONEST | {"frames": 7},
    HONEST | {"frame_count": "many"},
    {"refused": "NO_SUCH_REFUSAL", "detail": {}},
    {"refused": "DAMAGED", "detail": 7},
    {"width": 1},
    b"",
]


def main() -> None:
    lie = LIES[json.loads(sys.argv[1])["max_frames"]]
    message = lie if isinstance(lie, bytes) else json.dumps(lie).encode()
    channel = socket.socket(fileno=0)
    channel.send(READY)
    socket.recv_fds(channel, 1024, 1)
    if not message:
        channel.close()
        os.closerange(0, 3)
        time.sleep(3600)  # closes its channel, and lives on
    pixels = memory_with(b"rgb")
    socket.send_fds(channel, [message], [pixels])
    time.sleep(3600)


if __name__ == "__main__":
    main()
