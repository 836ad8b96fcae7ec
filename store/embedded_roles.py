"""The roles of the embedded PostgreSQL (decision 8): who may do what is granted by the migrations, who exists is decided here."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from store.errors import EmbeddedServerError

__all__ = ["BOOTSTRAP", "Passwords", "Role"]


class Role(StrEnum):
    """Whom a DSN is for."""

    SUPERUSER = "superuser"  # extensions, template databases of tests; no process of ours
    OWNER = "owner"  # migrations
    APP = "app"  # every process; row level security applies
    SYSTEM = "system"  # BYPASSRLS; only inside `unscoped(reason)`

    @property
    def login(self) -> str:
        return {
            "superuser": "postgres",
            "owner": "chatnation_owner",
            "app": "chatnation_app",
            "system": "chatnation_system",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Passwords:
    """One generated password per role, kept in a file only its owner may read."""

    superuser: str
    owner: str
    app: str
    system: str

    @classmethod
    def load(cls, path: Path, *, new: bool) -> Passwords:
        """Reads the file; writes one when there is none and the cluster is `new`.

        Raises:
            EmbeddedServerError: The cluster is there, its passwords are not.
        """
        if path.exists():
            return cls(**json.loads(path.read_text()))
        if not new:
            raise EmbeddedServerError(
                f"the database is there but its passwords are not: restore {path} or remove the data folder"
            )
        made = cls(*(secrets.token_urlsafe(24) for _ in range(4)))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(made), file)
        unfinished.replace(path)
        return made

    def of(self, role: Role) -> str:
        return str(getattr(self, role.value))

    def quoted(self) -> dict[str, str]:
        """For `BOOTSTRAP`: URL-safe characters only, so quotes cannot occur in them."""
        return {role.value: f"'{self.of(role)}'" for role in Role}


# The first line of the answer names the data folder, which proves that the server is ours.
BOOTSTRAP = """
SHOW data_directory;
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM unnest(ARRAY['chatnation_owner', 'chatnation_app', 'chatnation_system']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \\gexec
ALTER ROLE chatnation_owner NOSUPERUSER CREATEDB NOBYPASSRLS PASSWORD {owner};
ALTER ROLE chatnation_app NOSUPERUSER NOCREATEDB NOBYPASSRLS PASSWORD {app};
ALTER ROLE chatnation_system NOSUPERUSER NOCREATEDB BYPASSRLS PASSWORD {system};
SELECT 'CREATE DATABASE {database} OWNER chatnation_owner' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec
\\connect {database}
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
"""
