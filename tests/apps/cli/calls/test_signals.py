"""Tones and colours are told apart, through noise and loss."""

from __future__ import annotations

import numpy as np
import pytest

from supmessenger_cli.calls import signals
from supmessenger_cli.calls.task import HIGH_BLUE, LOW_RED, Signal


def record(tone_hz: float) -> signals.Samples:
    """Return a window of a tone made frame by frame."""
    count = signals.WINDOW_SAMPLES // signals.AUDIO_FRAME_SAMPLES
    frames = [
        signals.build_tone(tone_hz, first=n * signals.AUDIO_FRAME_SAMPLES) for n in range(count)
    ]
    return np.frombuffer(b"".join(frames), dtype=np.int16)


@pytest.mark.parametrize(("sent", "other"), [(LOW_RED, HIGH_BLUE), (HIGH_BLUE, LOW_RED)])
def test_a_tone_is_itself_and_no_other(sent: Signal, other: Signal) -> None:
    noise = np.random.default_rng(7).normal(0, 1500, signals.WINDOW_SAMPLES)
    for samples in (record(sent.tone_hz), (record(sent.tone_hz) + noise).astype(np.int16)):
        assert signals.is_tone(samples, sent.tone_hz)
        assert not signals.is_tone(samples, other.tone_hz)


def test_silence_noise_and_two_tones_at_once_are_no_tone() -> None:
    size = signals.WINDOW_SAMPLES
    noise = np.random.default_rng(7).normal(0, 6000, size).astype(np.int16)
    both = (record(LOW_RED.tone_hz) // 2 + record(HIGH_BLUE.tone_hz) // 2).astype(np.int16)
    for samples in (np.zeros(size, dtype=np.int16), np.zeros(0, dtype=np.int16), noise, both):
        assert not signals.is_tone(samples, LOW_RED.tone_hz)


@pytest.mark.parametrize(("sent", "other"), [(LOW_RED, HIGH_BLUE), (HIGH_BLUE, LOW_RED)])
def test_a_colour_is_itself_and_no_other(sent: Signal, other: Signal) -> None:
    picture = signals.build_picture(sent.colour)
    assert len(picture) == signals.WIDTH * signals.HEIGHT * 3
    assert signals.is_colour(picture, sent.colour)
    assert not signals.is_colour(picture, other.colour)
    assert not signals.is_colour(bytes(len(picture)), sent.colour)
