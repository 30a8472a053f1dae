import asyncio
import os

import pytest

from omniscope_service.jobs import frames


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


def reader_of(data):
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


def test_a_frame_comes_out_as_it_went_in(pipe):
    frame = {"type": "metric", "name": "Genauigkeit ½", "value": 0.5}

    frames.send_frame(pipe[1], frame)

    assert frames.receive_frame(pipe[0]) == frame


async def test_frames_are_read_one_by_one_until_the_pipe_is_closed():
    reader = reader_of(frames.encode({"type": "a"}) + frames.encode({"type": "b"}))

    assert await frames.read_frame(reader) == {"type": "a"}
    assert await frames.read_frame(reader) == {"type": "b"}
    assert await frames.read_frame(reader) is None


async def test_a_frame_that_was_cut_off_counts_as_none(pipe):
    cut = frames.encode({"type": "result"})[:-3]
    os.write(pipe[1], cut)
    os.close(pipe[1])

    assert await frames.read_frame(reader_of(cut)) is None
    assert frames.receive_frame(pipe[0]) is None


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x02no"],
)
async def test_what_is_no_frame_is_refused(data):
    with pytest.raises(frames.FrameError):
        await frames.read_frame(reader_of(data))


def test_values_that_are_not_finite_cannot_be_sent():
    with pytest.raises(ValueError, match="JSON compliant"):
        frames.encode({"type": "metric", "value": float("nan")})


def test_a_frame_beyond_the_limit_cannot_be_sent():
    with pytest.raises(ValueError, match="at most"):
        frames.encode({"type": "log", "text": "x" * frames.MAX_FRAME_BYTES})
