"""The verbs, as typed on a command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from supnode.addresses import DEFAULT_NAME, compute_addresses
from supnode.builds import BuildCache
from supnode.catalogue import EARLY, find_group
from supnode.definitions import ensure_definitions
from supnode.failure import Failure, build_report, gather_tail
from supnode.native import NativeNode
from supnode.paths import compute_cache_root, compute_node_paths, compute_state_root
from supnode.preflight import build_report as build_preflight_report
from supnode.preflight import compute_findings, gather_machine
from supnode.providers.border import CURRENT, KIND, NATIVE, Provider, choose_provider
from supnode.providers.current import CurrentCluster
from supnode.providers.engine import probe_engine
from supnode.providers.kind import KindCluster
from supnode.steps import Steps, build_table, parse_results
from supnode.toolchains import ensure_go, ensure_uv

PROVIDED = frozenset({"up", "down", "clean", "status", "kubeconfig", "load"})
OS_CURE = "the path or program above must be usable by you; the node needs root"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python3 hack/node", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    told = {
        "up": "bring the node up (again)",
        "down": "stop it and leave nothing behind; data stays",
        "clean": "down, and remove the node's data",
        "status": "what runs, and where",
        "kubeconfig": "print the path of the kubeconfig",
        "load": "bring image archives into a cluster made by kind",
        "preflight": "what this machine lacks, each with its cure",
        "steps": "the table of the last run",
        "bin-dir": "print the folder of built programs, building none",
        "tools": "build these programs (needs no root)",
        "definitions": "print the folder of Argo CD's and Flux's resource definitions",
        "go-path": "print the path of Go, installing it if need be",
        "uv-path": "print the path of uv, installing it if need be",
    }
    for verb, text in told.items():
        entry = verbs.add_parser(verb, help=text)
        if verb in {*PROVIDED, "preflight", "steps"}:
            entry.add_argument("--name", default=DEFAULT_NAME, help="the node's name")
        if verb in PROVIDED:
            entry.add_argument("--provider", default="", help="native, kind or current")
        if verb == "load":
            entry.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
        if verb == "clean":
            entry.add_argument("--cache", action="store_true", help="the build cache too")
        if verb == "tools":
            entry.add_argument("binaries", nargs="+", help="for example kube-apiserver etcd")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    options = build_parser().parse_args(arguments)
    steps = Steps(record=_find_record(options))
    try:
        _run(options, steps)
    except (Failure, OSError) as error:
        steps.close()
        failure = error if isinstance(error, Failure) else Failure(str(error), cure=OS_CURE)
        tail = gather_tail(failure.log)
        print(build_report(failure, step=steps.failed_step, tail=tail), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run it again to go on from here", file=sys.stderr)
        return 130
    steps.close()
    return 0


def _run(options: argparse.Namespace, steps: Steps) -> None:
    cache = BuildCache(compute_cache_root(os.environ))
    match options.verb:
        case "up" | "down" | "clean":
            provider = _choose(options, steps)
            getattr(provider, options.verb)(steps)
            if options.verb == "clean" and options.cache:
                with steps.step("remove the build cache"):
                    cache.remove()
            if options.verb == "up":
                steps.say(f"kubeconfig: {provider.kubeconfig()}")
        case "status":
            print(_choose(options, None).status())
        case "kubeconfig":
            print(_choose(options, None).kubeconfig())
        case "load":
            _load(options, steps)
        case "preflight":
            _preflight(options.name, cache)
        case "steps":
            _print_steps(options.name)
        case "bin-dir":
            print(cache.link_all())
        case "tools":
            for name in options.binaries:
                find_group(name)
            if cache.missing(options.binaries):
                with steps.step(f"build {' '.join(cache.missing(options.binaries))}"):
                    cache.ensure(options.binaries)
            print(cache.link_all())
        case "definitions":
            print(ensure_definitions(cache.root))
        case "go-path":
            print(ensure_go(cache.root))
        case "uv-path":
            print(ensure_uv(cache.root))


def _find_record(options: argparse.Namespace) -> Path | None:
    """Return where the table of steps is kept: a native node's, in its folder."""
    if options.verb != "up":
        return None
    choice = choose_provider(asked=options.provider, env=os.environ, probe_engine=probe_engine)
    return compute_node_paths(options.name).steps_json if choice.name == NATIVE else None


def _choose(options: argparse.Namespace, steps: Steps | None) -> Provider:
    choice = choose_provider(asked=options.provider, env=os.environ, probe_engine=probe_engine)
    if steps is not None:
        steps.say(f"provider: {choice.name} ({choice.reason})")
    if choice.name == KIND:
        return KindCluster(options.name)
    return CurrentCluster() if choice.name == CURRENT else NativeNode(options.name)


def _load(options: argparse.Namespace, steps: Steps) -> None:
    provider = _choose(options, None)
    if not isinstance(provider, KindCluster):
        raise Failure(
            "images are loaded into clusters made by kind; others pull them from a registry",
            cure="python3 hack/images build --registry REGISTRY",
        )
    with steps.step(f"load {len(options.archives)} images"):
        provider.load(options.archives)


def _preflight(name: str, cache: BuildCache) -> None:
    machine = gather_machine(
        cache=cache.root,
        state_root=compute_state_root(os.environ),
        name=name,
        built=not cache.missing([binary for names in EARLY for binary in names]),
    )
    findings = compute_findings(machine, compute_addresses(name))
    report = build_preflight_report(findings)
    if any(not finding.cured_by_up for finding in findings):
        raise Failure(report, cure="the cures stand above, one for each")
    print(report)


def _print_steps(name: str) -> None:
    record = compute_node_paths(name).steps_json
    try:
        results, total = parse_results(record.read_text())
    except FileNotFoundError as error:
        raise Failure(f"no run of node '{name}' is recorded", cure="make up") from error
    print(build_table(results, total=total))
