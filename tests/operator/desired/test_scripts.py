"""The scripts that pods run."""

import subprocess

from support.deployables import build_all, to_plain

from supmessenger_operator.model import Messenger


def test_every_script_is_sound(sample: Messenger) -> None:
    scripts = {
        f"{built.name}/{name}": text
        for built in build_all(sample)
        if built.kind == "ConfigMap"
        for name, text in to_plain(built)["data"].items()
        if name.endswith(".sh")
    }
    assert any(name.endswith("-edge/run.sh") for name in scripts)
    for name, text in scripts.items():
        shell = "bash" if text.startswith("#!/usr/bin/env bash") else "sh"
        checked = subprocess.run(
            [shell, "-n"], input=text, text=True, capture_output=True, check=False
        )
        assert checked.returncode == 0, f"{name}: {checked.stderr}"
        assert "set -eu" in text
