"""Builds the container images and pushes them to the node's registry."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from supimages.bundle import Bundle, find_programs, read_version
from supimages.catalogue import BY_NAME, IMAGES, compute_selection
from supimages.failure import Failure
from supimages.kafka import fetch_kafka
from supimages.paths import probe_cache
from supimages.postgres import fetch_postgres
from supimages.records import Records
from supimages.registry import parse_address
from supimages.run import Request, clean, run_build, save_images
from supimages.steps import Steps
from supimages.values import build_values

DEFAULT_REGISTRY = "127.0.0.1:5050"


def build_parser() -> argparse.ArgumentParser:
    """The command line, verb by verb."""
    parser = argparse.ArgumentParser(prog="hack/images", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    build = verbs.add_parser("build", help="build and push what is not up to date")
    build.add_argument("names", nargs="*", help="images (shell patterns; default: all)")
    build.add_argument("--no-push", action="store_true", help="build only")
    reload = verbs.add_parser("reload", help="build and push these, print their references")
    reload.add_argument("names", nargs="+", metavar="SERVICE")
    for verb in (build, reload):
        told = "where images go; plain HTTP on loopback, TLS elsewhere"
        verb.add_argument("--registry", default=DEFAULT_REGISTRY, help=told)
    save = verbs.add_parser("save", help="build, and write archives that `kind load` reads")
    save.add_argument("names", nargs="*", help="images (shell patterns; default: all)")
    save.add_argument("--into", type=Path, required=True, help="folder of the archives")
    bundle = verbs.add_parser("bundle", help="write one archive for clusters without internet")
    bundle.add_argument("--into", type=Path, default=Path("dist"), help="folder (default: dist)")
    bundle.add_argument("--values", type=Path, help="JSON values of the chart to take images from")
    bundle.add_argument("--upstream", action="store_true", help="the chart's own defaults")
    bundle.add_argument("--platform", default="linux/amd64", help="of images known by a tag")
    listing = verbs.add_parser("list", help="every image and where it stands")
    values = verbs.add_parser("values", help="the Helm values that name the images")
    for verb in (build, reload, save, bundle, listing, values):
        verb.add_argument("--state", type=Path, help="records and images.json (default: cache)")

    verbs.add_parser("clean", help="remove built images and their records; fetched trees stay")
    fetch = verbs.add_parser("fetch", help="place a tree of programs that also runs on this host")
    fetch.add_argument("what", choices=["postgres", "kafka"])
    fetch.add_argument("--into", type=Path, help="parent folder (default: the cache)")
    return parser


def run(arguments: Sequence[str]) -> int:
    """Run one verb; the exit code is 1 when something a person must act on is in the way."""
    options = build_parser().parse_args(arguments)
    verbs = {
        "build": run_build_verb,
        "reload": run_reload_verb,
        "save": run_save_verb,
        "bundle": run_bundle_verb,
        "list": run_list_verb,
        "values": run_values_verb,
        "fetch": run_fetch_verb,
        "clean": run_clean_verb,
    }
    try:
        verbs[options.verb](options)
    except Failure as failure:
        print(f"hack/images: {failure}", file=sys.stderr)
        return 1
    return 0


def run_build_verb(options: argparse.Namespace) -> None:
    """Build the images asked for; the table and the references go to standard error."""
    references = _build(options, options.names, push=not options.no_push)
    for name, reference in references.items():
        print(f"{name}: {reference}", file=sys.stderr)


def run_reload_verb(options: argparse.Namespace) -> None:
    """Build single services and print one reference a line, in the order asked for."""
    for name in options.names:
        if name not in BY_NAME or not BY_NAME[name].published:
            raise Failure(f"no service is called {name!r}")
    references = _build(options, options.names, push=True)
    for name in options.names:
        print(references[name])


def run_save_verb(options: argparse.Namespace) -> None:
    """Write archives and, beside them, images.json; archives of older builds go."""
    references = _build(options, options.names, push=False)
    for archive in save_images(references, options.into, probe_cache()):
        print(archive)
    (options.into / "images.json").write_text(json.dumps(references, indent=2, sort_keys=True))


def run_bundle_verb(options: argparse.Namespace) -> None:
    """Write the archive of the images that were built, of a values file, or of upstream's."""
    target = options.into / f"sup-messenger-{read_version()}-air-gapped.tar"
    steps = Steps(sys.stderr)
    bundle = Bundle(find_programs(), steps, platform=options.platform)
    try:
        if options.values:
            values = json.loads(options.values.read_text())
        elif options.upstream:
            values = {}
        else:
            values = bundle.build_values(_open_records(options).read_index())
        entries = bundle.write(values, target)
    finally:
        steps.close()
    missing = sorted(name for name, ref in values.get("components", {}).items() if not ref)
    print(f"{target}: {len(entries)} images, {target.stat().st_size / 1e6:.0f} MB")
    if missing:
        print(f"without {', '.join(missing)}: not built here, so what needs it can't be had there")


def run_list_verb(options: argparse.Namespace) -> None:
    """Print a line for each image: name, parent, size, reference of the last push."""
    records = _open_records(options)
    references = records.read_index() if records.index.is_file() else {}
    for image in IMAGES:
        where = references.get(image.name, "not pushed" if image.published else "local only")
        record = records.find(image.name, where.rpartition("@")[2])
        size = f"{record.size / 1e6:.0f} MB" if record else "-"
        print(f"{image.name:<10}  {image.parent or '-':<7}  {size:>7}  {where}")


def run_values_verb(options: argparse.Namespace) -> None:
    """Print the values fragment of the last build."""
    print(build_values(_open_records(options).read_index()), end="")


def run_fetch_verb(options: argparse.Namespace) -> None:
    """Print where the tree is, having placed it there when it was not."""
    fetch = {"postgres": fetch_postgres, "kafka": fetch_kafka}[options.what]
    print(fetch(probe_cache(), options.into))


def run_clean_verb(options: argparse.Namespace) -> None:
    """Remove all that `build` keeps on this machine; the registry is the node's."""
    clean(probe_cache())


def _build(options: argparse.Namespace, names: Sequence[str], *, push: bool) -> dict[str, str]:
    request = Request(
        images=compute_selection(names),
        cache=probe_cache(),
        records=_open_records(options),
        registry=parse_address(options.registry) if push else None,
    )
    steps = Steps(sys.stderr)
    try:
        return run_build(request, steps)
    finally:
        steps.close()


def _open_records(options: argparse.Namespace) -> Records:
    return Records(options.state or probe_cache().images)
