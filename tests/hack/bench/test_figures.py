"""A figure is the median of its rounds; ratios are taken within a round."""

import pytest

from supbench.figures import Figure, build_ratio, compute_ratios, format_value


def test_one_disturbed_round_does_not_move_the_figure() -> None:
    figure = Figure(name="x", unit="1/s", samples=(10.0, 11.0, 900.0, 9.0, 10.5))
    assert (figure.median, figure.low, figure.high) == (10.5, 9.0, 900.0)


def test_a_ratio_compares_what_ran_in_the_same_round() -> None:
    # The machine was ten times slower in the second round, for both.
    ours = Figure(name="ours", unit="1/s", samples=(300.0, 30.0, 400.0))
    naive = Figure(name="naive", unit="1/s", samples=(100.0, 10.0, 100.0))
    gain = build_ratio("gain", ours, naive)
    assert gain.samples == (3.0, 3.0, 4.0)
    assert (gain.unit, gain.median) == ("times", 3.0)


def test_rounds_that_do_not_match_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        compute_ratios((1.0, 2.0), (1.0,))


def test_a_figure_without_samples_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="pages has no sample"):
        Figure(name="pages", unit="1/s", samples=())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.012345, "0.0123"),
        (1.6449, "1.64"),
        (9.999, "10.00"),
        (88.12, "88.1"),
        (123.6, "124"),
        (20_949, "20,900"),
        (1_431_000, "1,430,000"),
        (-2.5, "-2.50"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert format_value(value) == text
