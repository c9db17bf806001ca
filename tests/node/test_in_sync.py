"""What was applied stays as it was: the operator writes the status alone."""

import pytest
from support.control_plane import ROOT
from support.instance import Instance

pytestmark = pytest.mark.node


async def test_what_was_applied_stays_in_sync_as_the_operator_never_writes_the_spec(
    demo: Instance,
) -> None:
    sample = str(ROOT / "manifests/samples/minimal.yaml")
    # Exit code 0: the server would change nothing. So GitOps tools have nothing to ignore.
    process = await demo.kubectl.start(
        "diff", "--server-side", "--field-manager=sample", "-f", sample
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out + err).decode()
    body = await demo.kubectl.get(
        *("sup", demo.name, "-n", demo.namespace, "--show-managed-fields"),
    )
    owners = {
        entry["manager"]
        for entry in body["metadata"]["managedFields"]
        if "f:spec" in entry["fieldsV1"]
    }
    assert owners
    assert "sup-operator" not in owners
