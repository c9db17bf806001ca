"""The smoke conversation holds on the node."""

import pytest
from support.instance import Instance

from supmessenger_cli.conversation import SinkMailbox, hold_conversation

pytestmark = pytest.mark.node


async def test_two_people_meet_and_talk_through_the_edge(demo: Instance) -> None:
    told: list[str] = []
    mailbox = SinkMailbox(kubectl=demo.kubectl, namespace=demo.namespace, service="smtp-sink")
    steps = await hold_conversation(
        await demo.target(), mailbox=mailbox, report=lambda step: told.append(step.title)
    )
    assert told == [step.title for step in steps]
    assert "bob: message received on his socket and decrypted" in told
    assert "bob: thumbnail fetched" in told
