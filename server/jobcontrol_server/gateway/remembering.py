"""What messages look like, kept for a while: many watch the same stream, and it is worked out once for all of them."""

from collections import OrderedDict
from collections.abc import Callable

#: Bytes that the frames of one stream's binding may take, and the most that one of them may.
_MOST_BYTES, _MOST_FRAME_BYTES = 4 << 20, 64 << 10


class Remembered:
    """A function of bytes that remembers its latest results, as far as they are small."""

    def __init__(self, make: Callable[[bytes], bytes]) -> None:
        self._make = make
        self._frames: OrderedDict[bytes, bytes] = OrderedDict()
        self._bytes = 0

    def __call__(self, raw: bytes) -> bytes:
        """`make(raw)`, remembered or made."""
        frame = self._frames.get(raw)
        if frame is not None:
            self._frames.move_to_end(raw)
            return frame
        frame = self._make(raw)
        if len(raw) + len(frame) <= _MOST_FRAME_BYTES:
            self._frames[raw] = frame
            self._bytes += len(raw) + len(frame)
            while self._bytes > _MOST_BYTES:
                self._bytes -= sum(map(len, self._frames.popitem(last=False)))
        return frame
