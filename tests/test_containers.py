"""The image and the services: what they name is there, and fits together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from drawsim.common.building import config_folder
from drawsim.workflows.annotate.settings import Serving

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return found


def settings_of(services: dict[str, Any]) -> dict[str, str]:
    """The settings that the app is started with."""
    word, *settings = services["services"]["app"]["command"]
    assert word == "annotate"
    return dict(setting.split("=", 1) for setting in settings)


def test_the_app_is_started_with_settings_that_there_are(services: dict[str, Any]) -> None:
    known = yaml.safe_load((config_folder() / "commands/annotate.yaml").read_text())
    given = settings_of(services)
    assert set(given) <= set(known)
    proxies = given["forwarded_allow_ips"]
    Serving(workers=int(re.sub(r"\$\{WORKERS:-(\d+)\}", r"\1", given["workers"])))
    # Only the proxy is on that network, and its word on addresses is believed.
    inside = services["networks"]["inside"]
    assert inside["internal"]
    assert [each["subnet"] for each in inside["ipam"]["config"]] == [proxies]
    assert Serving(proxies=(proxies,)).proxies
    assert "ports" not in services["services"]["app"]
    assert "ports" not in services["services"]["database"]


def test_volumes_secrets_and_networks_are_those_that_there_are(services: dict[str, Any]) -> None:
    mounted = {
        volume.split(":")[0] for s in services["services"].values() for volume in s["volumes"]
    }
    named = {name for name in mounted if re.fullmatch(r"\w+", name)}
    assert named == set(services["volumes"])
    for service in services["services"].values():
        assert set(service["networks"]) <= set(services["networks"])
        assert set(service.get("secrets", [])) <= set(services["secrets"])
        assert set(service.get("depends_on", [])) <= set(services["services"])
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in services["services"][needed]
    given = settings_of(services)
    inside = {volume.split(":")[1] for volume in services["services"]["app"]["volumes"][2:]}
    assert inside == {given["store"]}
    assert given["database_password"] == "/run/secrets/database_password"


def test_the_proxy_leads_to_the_port_of_the_app(services: dict[str, Any]) -> None:
    told = (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8")
    port = str(Serving().port)
    assert re.findall(r"dynamic a (\w+) (\d+)", told) == [("app", port)]
    assert f":{port}/health" in services["services"]["app"]["healthcheck"]["test"][-1]
    assert re.findall(r"EXPOSE (\d+)", (ROOT / "Dockerfile").read_text()) == [port]


def test_what_the_image_copies_is_let_in(services: dict[str, Any]) -> None:
    program = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", program, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert set(copied) == {line[1:] for line in let_in if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    extras = re.findall(r"^ARG EXTRAS=(.+)$", program, re.MULTILINE)[0].split(",")
    about = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", about, re.MULTILINE) for extra in extras)
    read = re.findall(r'^(?:readme = |license-files = \[)"(.+?)"', about, re.MULTILINE)
    assert len(read) == 2
    assert set(read) <= set(copied)  # the build reads them
    assert re.search(r"^USER drawsim$", program, re.MULTILINE)  # nobody is root in it
    packaging = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wheel = packaging.split("[tool.hatch.build.targets.wheel]")[1].split(
        "[tool.hatch.build.targets.sdist]"
    )[0]
    packages = re.search(r"packages = \[(.+)\]", wheel)
    assert packages is not None
    assert set(re.findall(r'"(\w+)"', packages[1])) < set(copied), "the wheel has these too"
