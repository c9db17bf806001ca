"""Rules that every Dockerfile follows."""

import re
from pathlib import Path

import pytest

from supimages.catalogue import IMAGES, SERVICES
from supimages.packages import UV
from supimages.paths import REPOSITORY

PUBLISHED = sorted({image.dockerfile for image in IMAGES if image.published})
ALL = sorted({image.dockerfile for image in IMAGES})
OURS = ("apps/Dockerfile", "operator/Dockerfile")


def read_instructions(dockerfile: str) -> list[str]:
    """The instructions of a Dockerfile, comments dropped and continued lines joined."""
    text = (REPOSITORY / dockerfile).read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [line.strip() for line in joined.splitlines() if line.strip()]


def read_final_stage(dockerfile: str) -> list[str]:
    instructions = read_instructions(dockerfile)
    starts = [n for n, line in enumerate(instructions) if line.startswith("FROM ")]
    return instructions[starts[-1] :]


def test_every_dockerfile_of_the_repository_is_in_the_catalogue() -> None:
    places = [REPOSITORY / "apps", REPOSITORY / "operator", REPOSITORY / "hack" / "images"]
    found = {str(p.relative_to(REPOSITORY)) for place in places for p in place.rglob("Dockerfile*")}
    assert found == set(ALL)


@pytest.mark.parametrize("dockerfile", ALL)
def test_the_last_user_is_numeric_and_not_root(dockerfile: str) -> None:
    users = [line.split()[1] for line in read_final_stage(dockerfile) if line.startswith("USER ")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


@pytest.mark.parametrize("dockerfile", ALL)
def test_nothing_is_pulled_by_a_moving_tag(dockerfile: str) -> None:
    text = "\n".join(read_instructions(dockerfile))
    assert ":latest" not in text
    sources = re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE)
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, flags=re.MULTILINE))
    assert set(sources) <= {"${BASE}", "scratch", *stages}


@pytest.mark.parametrize("dockerfile", ALL)
def test_nothing_is_added_from_the_network(dockerfile: str) -> None:
    text = (REPOSITORY / dockerfile).read_text()
    assert not re.search(r"\b(curl|wget)\b|://", text)


@pytest.mark.parametrize("dockerfile", PUBLISHED)
def test_no_entrypoint_is_relied_upon(dockerfile: str) -> None:
    assert not [line for line in read_instructions(dockerfile) if line.startswith("ENTRYPOINT")]


@pytest.mark.parametrize("dockerfile", ALL)
def test_debian_packages_are_installed_leanly(dockerfile: str) -> None:
    for line in read_instructions(dockerfile):
        if "apt-get install" in line:
            assert "--no-install-recommends" in line
            assert "rm -rf /var/lib/apt/lists/*" in line


@pytest.mark.parametrize("name", ["redis", "rabbitmq", "nginx", "coturn"])
def test_the_version_of_a_server_from_debian_is_pinned(name: str) -> None:
    text = "\n".join(read_instructions(f"hack/images/{name}/Dockerfile"))
    assert re.search(rf"'{name}(-server)?=[\d:]+\.[\d.]+\*'", text)


def test_java_is_pinned_to_the_line_that_kafka_needs() -> None:
    text = "\n".join(read_instructions("hack/images/kafka/Dockerfile"))
    assert "'openjdk-17-jre-headless=17.*'" in text


@pytest.mark.parametrize("dockerfile", OURS)
def test_the_final_stage_of_ours_only_copies(dockerfile: str) -> None:
    kinds = [line.split()[0] for line in read_final_stage(dockerfile)]
    assert kinds == ["FROM", "COPY", "COPY", "ENV", "WORKDIR", "USER"]


@pytest.mark.parametrize("dockerfile", OURS)
def test_dependencies_are_layered_below_the_code(dockerfile: str) -> None:
    copies = [line for line in read_final_stage(dockerfile) if line.startswith("COPY")]
    assert copies == [
        "COPY --from=dependencies /opt/venv /opt/venv",
        "COPY --from=code /overlay /",
    ]
    text = "\n".join(read_instructions(dockerfile))
    dependencies = text[: text.index("FROM dependencies AS code")]
    assert "--no-emit-workspace" in dependencies
    assert "--require-hashes" in dependencies
    assert "COPY apps/common apps" not in dependencies
    assert "COPY operator operator" not in dependencies


@pytest.mark.parametrize("dockerfile", OURS)
def test_every_workspace_member_is_known_to_the_build(dockerfile: str) -> None:
    text = "\n".join(read_instructions(dockerfile))
    members = [path.parent for path in REPOSITORY.glob("apps/*/pyproject.toml")]
    for member in (*members, REPOSITORY / "operator"):
        folder = member.relative_to(REPOSITORY)
        assert f"COPY {folder}/pyproject.toml {folder}/" in text


@pytest.mark.parametrize("dockerfile", [*OURS, "hack/images/smtp-sink/Dockerfile"])
def test_docker_and_buildah_use_the_same_uv(dockerfile: str) -> None:
    assert f"ARG UV_VERSION={UV.version}" in read_instructions(dockerfile)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_program_of_its_name(service: str) -> None:
    project = (REPOSITORY / "apps" / service / "pyproject.toml").read_text()
    assert re.search(rf"^sup-{service} = ", project, flags=re.MULTILINE)


def test_the_build_context_leaves_out_what_no_image_needs() -> None:
    rules = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert rules[1] == "*"
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert kept == {"pyproject.toml", "uv.lock", "apps", "operator"}


def test_every_input_of_an_image_exists() -> None:
    optional = {f"apps/{service}/migrations" for service in SERVICES}
    for image in IMAGES:
        for pattern in set(image.inputs) - optional:
            assert list(Path(REPOSITORY).glob(pattern)), f"{image.name}: {pattern}"
