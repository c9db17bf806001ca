"""What a person sees of a run."""

import io

import pytest

from supimages.steps import Step, Steps, build_table


def test_the_table_ends_with_the_total() -> None:
    table = build_table([Step("build api", 1.25, "done"), Step("push", 0.5, "failed")], 1.75)
    assert table.splitlines() == [
        "step       seconds",
        "build api      1.2  done",
        "push           0.5  failed",
        "total          1.8",
    ]


def test_a_failing_step_is_told_and_counted() -> None:
    out = io.StringIO()
    steps = Steps(out)
    with pytest.raises(KeyError), steps.step("build api"):
        raise KeyError("x")
    with steps.step("push api"):
        pass
    steps.close()
    text = out.getvalue()
    assert "failed  build api" in text
    assert "done  push api" in text
    assert text.splitlines()[-1].startswith("total")
