"""Output to a terminal that may read slowly, not at all, or be gone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wattdeck.ui.driver import BEHIND_BYTES, BEHIND_S, DRAIN_S, Writer

MUCH = "x" * 1_000_000
"""More than any pipe holds."""


class Pipe:
    """A pipe with a writer at one end."""

    def __init__(self) -> None:
        self.reader, self.end = os.pipe()
        self.writer = Writer(self.end)
        self.writer.start()

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        data = b""
        while len(data) < count:
            piece = os.read(self.reader, count - len(data))
            assert piece
            data += piece
        return data

    def hang_up(self) -> None:
        """Close the reading end."""
        os.close(self.reader)
        self.reader = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    if pipe.reader >= 0:
        pipe.hang_up()  # A thread that waits for the pipe is released by this.
    pipe.writer.stop()
    pipe.writer.join(5)
    assert not pipe.writer.is_alive()
    os.close(pipe.end)


def _wait(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_writing_never_waits_for_a_terminal_that_does_not_read(pipe: Pipe) -> None:
    start_s = time.monotonic()
    for _ in range(20):
        pipe.writer.write(MUCH)
    assert time.monotonic() - start_s < 2
    assert pipe.writer.behind


def test_all_arrives_in_order_when_it_reads(pipe: Pipe) -> None:
    words = [f"{number}:●;" for number in range(5000)]
    for word in words:
        pipe.writer.write(word)
    wanted = "".join(words).encode()
    assert pipe.read(len(wanted)) == wanted
    _wait(lambda: not pipe.writer.behind and pipe.writer.written == len(wanted))


def test_writes_of_several_threads_are_not_mixed(pipe: Pipe) -> None:
    def write(letter: str) -> None:
        for _ in range(200):
            pipe.writer.write(letter * 9 + "\n")

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    lines = pipe.read(4 * 200 * 10).decode().split()
    for thread in threads:
        thread.join()
    assert sorted(lines) == [letter * 9 for letter in "abcd" for _ in range(200)]


def test_behind_is_much_at_once_or_a_little_for_long() -> None:
    reader, end = os.pipe()
    writer = Writer(end)  # Not started: it takes nothing, as a terminal that hangs.
    assert not writer.behind
    writer.write("x" * 100)
    assert not writer.behind
    _wait(lambda: writer.behind)
    assert time.monotonic() - writer._since_s > BEHIND_S
    other = Writer(end)
    other.write("x" * (BEHIND_BYTES + 1))
    assert other.behind
    os.close(reader)
    os.close(end)


def test_it_is_no_longer_behind_once_all_is_read(pipe: Pipe) -> None:
    pipe.writer.write(MUCH)
    assert pipe.writer.behind
    pipe.read(len(MUCH))
    _wait(lambda: not pipe.writer.behind)
    assert not pipe.writer.gone


def test_a_reader_that_left_is_noticed_and_nothing_is_kept_for_it(pipe: Pipe) -> None:
    pipe.hang_up()
    pipe.writer.write("anybody there?")
    _wait(lambda: pipe.writer.gone)
    pipe.writer.write(MUCH)
    assert not pipe.writer.behind and pipe.writer.written == 0


def test_a_terminal_that_hung_up_is_noticed() -> None:
    master, slave = os.openpty()
    writer = Writer(slave)
    writer.start()
    os.close(master)
    writer.write("anybody there?")
    _wait(lambda: writer.gone)
    writer.stop()
    assert not writer.is_alive()
    os.close(slave)


def test_the_last_words_get_out(pipe: Pipe) -> None:
    pipe.writer.write("goodbye")
    pipe.writer.stop()
    assert not pipe.writer.is_alive()
    assert pipe.read(7) == b"goodbye"


def test_stopping_does_not_wait_for_long_and_leaves_nothing_for_later(pipe: Pipe) -> None:
    pipe.writer.write(MUCH)
    pipe.writer.write("never seen")
    _wait(lambda: pipe.writer.written)
    start_s = time.monotonic()
    pipe.writer.stop()
    assert time.monotonic() - start_s < DRAIN_S + 1
    pipe.writer.write("too late")
    os.set_blocking(pipe.reader, False)
    data = b""
    while pipe.writer.is_alive():
        try:
            data += os.read(pipe.reader, 65536)
        except BlockingIOError:
            time.sleep(0.005)
    assert data.strip(b"x") == b"" and len(data) < len(MUCH)


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    os.set_blocking(pipe.end, False)
    pipe.writer.write(MUCH)
    assert pipe.read(len(MUCH)) == MUCH.encode()
