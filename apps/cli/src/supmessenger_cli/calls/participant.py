"""One participant of a call, as a process: it sends its signal and waits for the other's.

`python -m supmessenger_cli.calls.participant` reads its task as one line of JSON, writes its
report as another, and stays in the call until its standard input ends. A process of its own
because the SDK takes the trusted authority and the proxy from the environment.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np

from livekit import rtc
from supmessenger_cli.calls import signals
from supmessenger_cli.calls.route import find_route
from supmessenger_cli.calls.task import Report, Signal, Task, build_line, parse_task

CONNECT_SECONDS = 20.0
ROUTE_POLL_SECONDS = 0.1


async def take_part(task: Task, room: rtc.Room) -> None:
    """Join, send, report once the other's sound and picture were recognised, stay until told."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[int] = loop.create_future()
    seen: asyncio.Future[int] = loop.create_future()
    followers: list[asyncio.Task[None]] = []

    @room.on("track_subscribed")
    def follow(track: rtc.Track, *_: Any) -> None:
        is_sound = track.kind == rtc.TrackKind.KIND_AUDIO
        work = _listen(track, task.expect, heard) if is_sound else _watch(track, task.expect, seen)
        followers.append(asyncio.create_task(work))

    heard.add_done_callback(lambda _: _tell("heard"))
    seen.add_done_callback(lambda _: _tell("seen"))
    await room.connect(task.url, task.token, options=_build_options(task))
    _tell("connected")
    try:
        async with _sending(room, task.send):
            audio_frames, video_frames = await asyncio.gather(heard, seen)
            route = await find_route(room, poll_seconds=ROUTE_POLL_SECONDS)
            report = Report(audio_frames=audio_frames, video_frames=video_frames, route=route)
            sys.stdout.buffer.write(build_line(report))
            sys.stdout.buffer.flush()
            # The other one may still be waiting for what is sent from here.
            await loop.run_in_executor(None, sys.stdin.read)
    finally:
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)


def _build_options(task: Task) -> rtc.RoomOptions:
    servers = [
        rtc.IceServer(urls=one["urls"], username=one["username"], password=one["credential"])
        for one in task.ice_servers
    ]
    transport = (
        rtc.IceTransportType.TRANSPORT_RELAY
        if task.relay_only
        else rtc.IceTransportType.TRANSPORT_ALL
    )
    configuration = rtc.RtcConfiguration(ice_transport_type=transport, ice_servers=servers)
    return rtc.RoomOptions(rtc_config=configuration, connect_timeout=CONNECT_SECONDS)


@asynccontextmanager
async def _sending(room: rtc.Room, signal: Signal) -> AsyncIterator[None]:
    sound = rtc.AudioSource(signals.SAMPLE_RATE, 1, queue_size_ms=200)
    picture = rtc.VideoSource(signals.WIDTH, signals.HEIGHT)
    microphone = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
    camera = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
    me = room.local_participant
    await me.publish_track(rtc.LocalAudioTrack.create_audio_track("tone", sound), microphone)
    await me.publish_track(rtc.LocalVideoTrack.create_video_track("colour", picture), camera)
    senders = [
        asyncio.create_task(_send_sound(sound, signal)),
        asyncio.create_task(_send_pictures(picture, signal)),
    ]
    try:
        yield
    finally:
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        await sound.aclose()
        await picture.aclose()


async def _send_sound(source: rtc.AudioSource, signal: Signal) -> None:
    first = 0
    while True:
        data = signals.build_tone(signal.tone_hz, first=first)
        frame = rtc.AudioFrame(data, signals.SAMPLE_RATE, 1, signals.AUDIO_FRAME_SAMPLES)
        # Waits when its queue is full: the source sets the pace.
        await source.capture_frame(frame)
        first += signals.AUDIO_FRAME_SAMPLES


async def _send_pictures(source: rtc.VideoSource, signal: Signal) -> None:
    data = signals.build_picture(signal.colour)
    while True:
        kind = rtc.VideoBufferType.RGB24
        source.capture_frame(rtc.VideoFrame(signals.WIDTH, signals.HEIGHT, kind, data))
        await asyncio.sleep(1 / signals.FRAMES_PER_SECOND)


async def _listen(track: rtc.Track, expected: Signal, heard: "asyncio.Future[int]") -> None:
    stream = rtc.AudioStream(track, sample_rate=signals.SAMPLE_RATE, num_channels=1)
    window = np.zeros(0, dtype=np.int16)
    count = 0
    try:
        async for event in stream:
            count += 1
            window = np.append(window, np.frombuffer(event.frame.data, dtype=np.int16))
            if len(window) < signals.WINDOW_SAMPLES:
                continue
            if signals.is_tone(window, expected.tone_hz) and not heard.done():
                heard.set_result(count)
            window = np.zeros(0, dtype=np.int16)
    finally:
        await stream.aclose()


async def _watch(track: rtc.Track, expected: Signal, seen: "asyncio.Future[int]") -> None:
    stream = rtc.VideoStream(track, format=rtc.VideoBufferType.RGB24)
    count = 0
    try:
        async for event in stream:
            count += 1
            if signals.is_colour(event.frame.data, expected.colour) and not seen.done():
                seen.set_result(count)
    finally:
        await stream.aclose()


def _tell(news: str) -> None:
    """Say how far it came, for who must find out why it came no further."""
    print(news, file=sys.stderr, flush=True)


async def run(task: Task) -> None:
    """Take part, and leave in order."""
    room = rtc.Room()
    try:
        await take_part(task, room)
    finally:
        with suppress(RuntimeError):
            await room.disconnect()


def main() -> None:
    """Read the task and take part."""
    try:
        asyncio.run(run(parse_task(sys.stdin.readline())))
    except rtc.ConnectError as error:
        sys.exit(f"could not connect: {error.message}")


if __name__ == "__main__":
    main()
