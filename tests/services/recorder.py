"""A watcher that writes down every message it gets, and resumes where it was when the stream breaks."""

import threading

import grpc

from jobcontrol import v1 as pb

_PAUSE = 0.1


class Recorder:
    """Watches one job from its first event, on a thread, over the raw stub: what it holds is what was sent.

    `addresses` are tried in turn after each break.
    """

    def __init__(self, job_id: str, *addresses: str) -> None:
        self.messages: list[pb.WatchProgressResponse] = []
        self.breaks = 0
        self._job_id = job_id
        self._addresses = addresses
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def last_sequence(self) -> int:
        told = [message.sequence for message in self.messages if not message.HasField("heartbeat")]
        return told[-1] if told else 0

    def close(self) -> None:
        self._is_closed.set()
        self._thread.join(timeout=10)

    def assert_whole(self) -> None:
        """Every commit from 1 on was told once and in order, and `finished` was the last message (W1-W5)."""
        told = [message for message in self.messages if not message.HasField("heartbeat")]
        expected = 1
        for message in told:
            assert message.first_sequence == expected, f"{message.first_sequence} came where {expected} was due"
            assert message.sequence >= message.first_sequence
            expected = message.sequence + 1
        assert [message.HasField("finished") for message in told] == [False] * (len(told) - 1) + [True]
        assert not any(message.HasField("snapshot") for message in told)

    def _run(self) -> None:
        turn = 0
        while not self._is_closed.is_set():
            try:
                self._watch(self._addresses[turn % len(self._addresses)])
            except grpc.RpcError:
                self.breaks += 1
                turn += 1
                self._is_closed.wait(_PAUSE)
            else:
                return

    def _watch(self, address: str) -> None:
        with grpc.insecure_channel(address) as channel:
            request = pb.WatchProgressRequest(job_id=self._job_id, after_sequence=self.last_sequence)
            call = pb.JobControlStub(channel).WatchProgress(request)
            try:
                for message in call:
                    self.messages.append(message)
                    if self._is_closed.is_set():
                        return
            finally:
                call.cancel()
