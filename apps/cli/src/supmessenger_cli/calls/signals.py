"""A tone and a colour that survive being compressed: making them, and telling them apart again."""

import numpy as np
from numpy.typing import NDArray

from supmessenger_cli.calls.task import Colour

SAMPLE_RATE = 48_000
# One frame of ten milliseconds, which is what the SDK's sources want.
AUDIO_FRAME_SAMPLES = SAMPLE_RATE // 100
WIDTH, HEIGHT = 320, 240
FRAMES_PER_SECOND = 12
# A fifth of a second of sound: frequencies are told apart to 5 Hz.
WINDOW_SAMPLES = SAMPLE_RATE // 5
TONE_TOLERANCE_HZ = 15.0
# Of the power of the sound; silence with a little noise has no such peak.
LEAST_SHARE = 0.5
LEAST_AMPLITUDE = 500.0
COLOUR_TOLERANCE = 40.0

Samples = NDArray[np.int16]


def build_tone(tone_hz: float, *, first: int) -> bytes:
    """Return one frame of a tone, from the sample number `first` on."""
    times = np.arange(first, first + AUDIO_FRAME_SAMPLES) / SAMPLE_RATE
    wave: Samples = (8000 * np.sin(2 * np.pi * tone_hz * times)).astype(np.int16)
    return wave.tobytes()


def compute_tone(samples: Samples) -> float | None:
    """Return the frequency that most of a sound's power has; None for silence and noise."""
    if np.abs(samples).max(initial=0) < LEAST_AMPLITUDE:
        return None
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    peak = int(power.argmax())
    # A window spreads a tone over its neighbours.
    share = power[max(0, peak - 3) : peak + 4].sum() / power.sum()
    return float(peak * SAMPLE_RATE / len(samples)) if share >= LEAST_SHARE else None


def is_tone(samples: Samples, tone_hz: float) -> bool:
    """Say whether a sound is that tone."""
    found = compute_tone(samples)
    return found is not None and abs(found - tone_hz) <= TONE_TOLERANCE_HZ


def build_picture(colour: Colour) -> bytes:
    """Return one RGB picture, wholly of a colour."""
    return bytes(colour) * (WIDTH * HEIGHT)


def compute_colour(rgb: bytes | bytearray | memoryview) -> Colour:
    """Return the mean colour of an RGB picture."""
    mean = np.frombuffer(rgb, dtype=np.uint8).reshape(-1, 3).mean(axis=0)
    return (round(mean[0]), round(mean[1]), round(mean[2]))


def is_colour(rgb: bytes | bytearray | memoryview, colour: Colour) -> bool:
    """Say whether a picture is of that colour, as far as compression leaves it."""
    found = compute_colour(rgb)
    return all(
        abs(one - other) <= COLOUR_TOLERANCE for one, other in zip(found, colour, strict=True)
    )
