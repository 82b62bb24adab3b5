"""Campuses to break: on SQLite and on a PostgreSQL that keeps its promises; each test has a fresh copy."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.faults.campus import Screen, Stored, stored
from tests.faults.phones import Phone
from tests.kit import migrated, postgres
from tests.kit.commands import PATIENCE, environment, free_port, get, running


@dataclass
class Campus:
    """One filled database, the folder of its secrets, and who is in it."""

    url: str
    data: Path
    phones: list[Phone]
    screen: Screen
    crowd: list[str]
    """Cookies of lecturers who may open every register."""
    office: str
    """The cookie of somebody of the timetabling team."""
    cluster: postgres.Cluster | None = None

    @contextmanager
    def served(self, *words: str, workers: int = 2, clock: float = 0) -> Iterator["Server"]:
        """`adsum serve`, with so many workers and a clock so many seconds ahead, until the end of the block."""
        port = free_port()
        options = ["--port", str(port), "--workers", str(workers), "--quiet", *words]
        launcher = ("tests.faults.skewed", str(clock)) if clock else ("adsum.ops.cli",)
        with running(self.data, "serve", *options, launcher=launcher, ADSUM_DATABASE_URL=self.url) as (process, output):
            get(port, "/sign-in/")
            yield Server(port, process, output)

    def stored(self) -> Stored:
        return stored(self.url)


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    def workers(self) -> list[int]:
        """The processes that answer (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _filled(data: Path, url: str) -> None:
    out = data / "campus.json"
    subprocess.run(
        [sys.executable, "-m", "tests.faults.campus", str(out)],
        env=environment(data, ADSUM_DATABASE_URL=url),
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )


def campus_at(url: str, data: Path, cluster: postgres.Cluster | None = None) -> Campus:
    people = json.loads((data / "campus.json").read_text())
    return Campus(
        url,
        data,
        [Phone(*one) for one in people["phones"]],
        Screen(**people["screen"]),
        people["crowd"],
        people["office"],
        cluster,
    )


@pytest.fixture(scope="session")
def sqlite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("campus") / "sqlite"
    migrated.copy_to(data)
    _filled(data, "")
    return data


@pytest.fixture
def on_sqlite(sqlite_folder: Path, tmp_path: Path) -> Campus:
    data = tmp_path / "data"
    shutil.copytree(sqlite_folder, data)
    return campus_at(f"sqlite:///{data / 'adsum.sqlite3'}", data)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Cluster]:
    with postgres.Cluster(durable=True) as started:
        with psycopg.connect(f"{started.server}/postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE adsum")
            connection.execute(f"CREATE DATABASE adsum TEMPLATE {postgres.MIGRATED}")
        yield started


@pytest.fixture(scope="session")
def postgres_folder(cluster: postgres.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("campus") / "postgresql"
    data.mkdir()
    _filled(data, cluster.url)
    return data


_COPIES = count(1)


@pytest.fixture
def on_postgres(cluster: postgres.Cluster, postgres_folder: Path) -> Campus:
    name = f"copy{next(_COPIES)}"
    with psycopg.connect(f"{cluster.server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE adsum")
    return campus_at(f"{cluster.server}/{name}", postgres_folder, cluster)


@pytest.fixture(params=["sqlite", "postgresql"])
def campus(request: pytest.FixtureRequest) -> Campus:
    """The same test on both databases."""
    found: Campus = request.getfixturevalue({"sqlite": "on_sqlite", "postgresql": "on_postgres"}[request.param])
    return found
