"""The verbs of `python3 hack/up`: up, down, smoke, reload, status."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from supnode.failure import Failure, build_report, gather_tail
from supnode.providers.border import CURRENT, NATIVE
from supnode.steps import Steps
from supplatform.delivery import SERVICES, choose_images, deliver_images, read_images
from supplatform.shortcuts import build_targets, remove_shortcuts, write_shortcuts
from supplatform.steps import (
    INSTANCE,
    KEEPS_OPERATOR,
    NAMESPACE,
    Background,
    apply_sample,
    apply_smoke_overlay,
    drop_reloads,
    hold_smoke,
    install_operator,
    remove_platform,
    wait_for_instance,
)
from supplatform.summary import build_summary
from supplatform.tools import CHECKOUT, Tools

# All but those that hold programs built by hack/node.
EARLY_IMAGES = (
    "postgres",
    "redis",
    "rabbitmq",
    "nginx",
    "coturn",
    "node-exporter",
    "smtp-sink",
    "push-sink",
    "operator",
    *SERVICES,
)
# Programs of hack/node that images hold.
IMAGE_PROGRAMS = ("minio", "livekit-server", "loki", "promtail", "pebble")
BUILDER_SECONDS = 600.0

EXAMPLES = """examples:
  python3 hack/up up                 everything, from a bare machine to a conversation
  python3 hack/up smoke              the conversation again
  python3 hack/up reload api media   changed code of two services into their pods"""


def main(arguments: list[str]) -> int:
    """Run one verb; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="hack/up",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("up", help="bring everything up, until a conversation was held")
    verbs.add_parser("down", help="stop everything; data stays")
    verbs.add_parser("smoke", help="hold the smoke conversation")
    verbs.add_parser("status", help="show what runs where")
    reload_parser = verbs.add_parser("reload", help="bring changed code into running pods")
    reload_parser.add_argument("services", nargs="*", choices=[*SERVICES, []], metavar="SERVICE")
    options = parser.parse_args(arguments)
    tools = Tools()
    steps = Steps(record=tools.logs / "up-steps.json")
    try:
        if options.verb == "up":
            bring_up(tools, steps)
        elif options.verb == "down":
            bring_down(tools)
        elif options.verb == "smoke":
            converse(tools, steps)
        elif options.verb == "reload":
            reload_services(tools, steps, services=options.services or list(SERVICES))
        else:
            print(gather_summary(tools))
    except Failure as failure:
        steps.close()
        print(
            build_report(failure, step=steps.failed_step, tail=gather_tail(failure.log)),
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def bring_up(tools: Tools, steps: Steps) -> None:
    """Bring up the node while images are built, install, apply, wait, converse, tell."""
    workspace = Background(lambda: prepare_workspace(tools, steps))
    images = Background(lambda: prepare_images(tools, steps))
    with steps.step("node"):
        tools.stream("node", "up")
    images.wait()
    built = deliver_images(tools, steps, programs=IMAGE_PROGRAMS)
    if not KEEPS_OPERATOR:
        with steps.step("operator installed"):
            install_operator(tools, built)
    drop_reloads(tools)
    with steps.step(f"{INSTANCE} applied and Ready"):
        apply_sample(tools, "minimal.yaml")
        wait_for_instance(tools, steps)
    workspace.wait()
    with steps.step("smoke conversation"):
        apply_smoke_overlay(tools, built)
        wait_for_instance(tools, steps)
        hold_smoke(tools)
    if tools.provider == NATIVE:
        write_shortcuts(find_shortcuts(tools), record=tools.shortcuts_record)
    steps.close()
    print(gather_summary(tools))


def bring_down(tools: Tools) -> None:
    """Remove the shortcuts and stop the node; from somebody's own cluster, take what was put."""
    if tools.provider == NATIVE:
        remove_shortcuts(record=tools.shortcuts_record)
    if tools.provider == CURRENT:
        remove_platform(tools)
    tools.stream("node", "down")


def converse(tools: Tools, steps: Steps) -> None:
    """Apply the smoke overlay and hold the conversation."""
    apply_smoke_overlay(tools, read_images(tools))
    wait_for_instance(tools, steps)
    hold_smoke(tools)


def reload_services(tools: Tools, steps: Steps, *, services: list[str]) -> None:
    """Build changed services and let the operator roll exactly those."""
    if tools.provider != NATIVE:
        raise Failure("reload works on the native node only", cure="make up brings in what changed")
    before = read_images(tools)
    with steps.step("images"):
        tools.stream("images", "build", *services)
    changed = {name: ref for name, ref in read_images(tools).items() if before.get(name) != ref}
    if not changed:
        print("reload: nothing changed")
        return
    with steps.step(f"rollout of {', '.join(sorted(changed))}"):
        overrides = ",".join(f'"{name}":"{ref}"' for name, ref in changed.items())
        patch = f'{{"spec":{{"images":{{"overrides":{{{overrides}}}}}}}}}'
        tools.kubectl("patch", "sup", INSTANCE, "-n", NAMESPACE, "--type=merge", "--patch", patch)
        wait_for_instance(tools, steps)
    steps.close()


def prepare_workspace(tools: Tools, steps: Steps) -> None:
    """Make the workspace's environment, which the smoke client runs in."""
    with steps.step("workspace environment"):
        tools.log("workspace", str(CHECKOUT / "hack/bootstrap"), "workspace")


def prepare_images(tools: Tools, steps: Steps) -> None:
    """Build every image that needs nothing of the node, while the node is on its way."""
    with steps.step("images built"):
        wait_for_builder()
        script = str(CHECKOUT / "hack/images")
        names = choose_images(tools.provider, EARLY_IMAGES)
        tools.log("images", sys.executable, script, "build", "--no-push", *names)


def wait_for_builder() -> None:
    """Wait until the node's preflight has installed what builds images."""
    deadline = time.monotonic() + BUILDER_SECONDS
    while not all(shutil.which(program) for program in ("buildah", "mmdebstrap")):
        if time.monotonic() > deadline:
            raise Failure("buildah was not installed", cure="python3 hack/node preflight")
        time.sleep(0.5)


def find_shortcuts(tools: Tools) -> dict[Path, Path]:
    """Return place → target of the shortcuts for a person's shell."""
    return build_targets(
        binaries=tools.binaries,
        scripts=CHECKOUT / ".venv/bin",
        kubeconfig=tools.kubeconfig,
        home=Path.home(),
    )


def gather_summary(tools: Tools) -> str:
    """Read what runs and say it."""
    resource = tools.kubectl_json("get", "sup", INSTANCE, "-n", NAMESPACE)
    pods = tools.kubectl("get", "pods", "-n", NAMESPACE, "-o", "wide")
    edge = tools.kubectl_json("get", "service", f"{INSTANCE}-edge", "-n", NAMESPACE)
    return build_summary(resource=resource, pods=pods, edge=edge, kubeconfig=tools.kubeconfig)
