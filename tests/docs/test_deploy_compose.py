"""docker-compose.yml says the same as the code: every command, port and variable of it exists there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy.engine import make_url

from docs.deployment import compose, own_services
from house.settings_names import every_name
from house.source_tree import read
from jobcontrol_core.settings import Settings


def knows(command: str) -> bool:
    """Whether `jobctl` has this command, asked of the installed program itself."""
    jobctl = Path(sys.executable).with_name("jobctl")
    return subprocess.run([jobctl, command, "--help"], capture_output=True, check=False).returncode == 0


def default_port(setting: str) -> str:
    port: str = Settings.model_fields[setting].default.rpartition(":")[2]
    return port


def interpolated(text: str, **values: str) -> str:
    """`text` with each ${NAME:-default} and ${NAME:?why it is needed} replaced as docker compose does."""
    for name, why in re.findall(r"\$\{(\w+):\?([^}]*)\}", text):
        if not values.get(name):
            raise LookupError(why)
        text = text.replace(f"${{{name}:?{why}}}", values[name])
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: values.get(found[1], found[2]), text)


def test_migrate_server_and_worker_run_one_service_each() -> None:
    assert {name: service["command"] for name, service in own_services().items()} == {
        "migrate": ["migrate"],
        "server": ["server"],
        "worker": ["worker"],
    }


@pytest.mark.parametrize("service", ["migrate", "server", "worker"])
def test_the_command_of_a_service_is_one_of_jobctl(service: str) -> None:
    assert knows(own_services()[service]["command"][0])


def test_a_command_that_jobctl_does_not_have_is_seen() -> None:
    assert not knows("absent")


def test_every_setting_of_a_service_is_read_by_the_code() -> None:
    given = {name for service in own_services().values() for name in service["environment"]}
    assert given <= every_name()


def test_the_addresses_point_at_the_services_beside_them() -> None:
    services = compose()["services"]
    for service in own_services().values():
        database = make_url(interpolated(service["environment"]["JOBCONTROL_DATABASE_URL"]))
        wanted = {name: interpolated(value) for name, value in services["postgres"]["environment"].items()}
        assert database.drivername == "postgresql+psycopg"
        assert (database.host, database.port) == ("postgres", 5432)
        assert database.username == wanted["POSTGRES_USER"]
        assert database.password == wanted["POSTGRES_PASSWORD"]
        assert database.database == wanted["POSTGRES_DB"]
        assert service["environment"]["JOBCONTROL_REDIS_URL"] == "redis://redis:6379/0"


@pytest.mark.parametrize("password", ["jobcontrol", "other"])
def test_one_variable_sets_the_password_on_both_sides(password: str) -> None:
    given = compose()["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"]
    url = own_services()["server"]["environment"]["JOBCONTROL_DATABASE_URL"]
    assert interpolated(given, POSTGRES_PASSWORD=password) == password
    assert make_url(interpolated(url, POSTGRES_PASSWORD=password)).password == password


def test_the_server_listens_on_the_default_ports_and_is_published_on_the_loopback_address_alone() -> None:
    server = own_services()["server"]
    ports = {setting: default_port(setting) for setting in ("listen", "http")}
    for setting, port in ports.items():
        assert server["environment"][f"JOBCONTROL_{setting.upper()}"] == f"0.0.0.0:{port}"
    assert [interpolated(port) for port in server["ports"]] == [f"127.0.0.1:{port}:{port}" for port in ports.values()]
    assert [name for name, service in compose()["services"].items() if "ports" in service] == ["server"]


def test_a_server_in_a_container_needs_a_token_and_the_refusal_says_where_to_read_how() -> None:
    given = own_services()["server"]["environment"]["JOBCONTROL_TOKEN"]
    with pytest.raises(LookupError, match=r"docker-compose\.yml"):
        interpolated(given)
    assert interpolated(given, JOBCONTROL_TOKEN="0123456789abcdef") == "0123456789abcdef"
    assert "JOBCONTROL_TOKEN=" in read(Path("docker-compose.yml")).partition("\nname:")[0]


def test_redis_appends_every_command_to_a_file_in_a_named_volume() -> None:
    redis = compose()["services"]["redis"]
    assert redis["command"][:3] == ["redis-server", "--appendonly", "yes"]
    assert redis["volumes"] == ["redis:/data"]


def test_every_volume_is_named() -> None:
    mounted = {
        volume.split(":")[0] for service in compose()["services"].values() for volume in service.get("volumes", [])
    }
    assert mounted == set(compose()["volumes"]) == {"redis", "postgres"}


def test_nothing_starts_before_what_it_needs_is_healthy_or_done() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("server", "worker"):
        needs: dict[str, Any] = services[name]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
        assert needs["redis"]["condition"] == "service_healthy"
    assert all("healthcheck" in services[name] for name in ("redis", "postgres", "server"))


def test_the_servers_health_is_asked_by_a_command_that_exists() -> None:
    kind, line = own_services()["server"]["healthcheck"]["test"]
    called, asked = line.split(" && ")
    program, command, *_ = called.split()
    assert (kind, program) == ("CMD-SHELL", "jobctl")
    assert knows(command)
    assert shlex.split(asked)[:2] == ["python", "-c"]
    assert f"'http://127.0.0.1:{default_port('http')}/readyz'" in asked


def test_one_variable_scales_the_workers() -> None:
    replicas = own_services()["worker"]["deploy"]["replicas"]
    assert yaml.safe_load(interpolated(replicas)) == 2
    assert yaml.safe_load(interpolated(replicas, WORKERS="7")) == 7


def test_a_stop_leaves_running_steps_their_half_minute() -> None:
    for name in ("server", "worker"):
        assert int(own_services()[name]["stop_grace_period"].removesuffix("s")) > 30
