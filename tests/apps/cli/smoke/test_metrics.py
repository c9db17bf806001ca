"""The question when pods were asked last, as Prometheus answers it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from support.processes.binaries import find_built

from supmessenger_cli.smoke.metrics import ASKED, SENT

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    ("at", "asked", "sent"),
    [
        # The pod that is gone was seen a moment ago, as far as anybody knows.
        ("1m5s", 60, 3),
        # It is not waited for, though Prometheus tells its last count for a while.
        ("3m", 180, 2),
        ("3m10s", 180, 2),
    ],
)
def test_a_pod_that_is_gone_is_not_waited_for(
    tmp_path: Path, at: str, asked: int, sent: int
) -> None:
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump(
            {
                "evaluation_interval": "15s",
                "tests": [
                    {
                        "interval": "15s",
                        "input_series": [
                            {"series": 'messages_sent_total{instance="old"}', "values": "1x4"},
                            {"series": 'messages_sent_total{instance="new"}', "values": "2x40"},
                        ],
                        "promql_expr_test": [
                            {
                                "expr": expr,
                                "eval_time": at,
                                "exp_samples": [{"labels": "{}", "value": value}],
                            }
                            for expr, value in ((ASKED, asked), (SENT, sent))
                        ],
                    }
                ],
            }
        )
    )
    promtool = find_built("promtool")
    assert promtool is not None
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "test.yml")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
