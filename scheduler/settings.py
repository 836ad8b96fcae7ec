"""Settings of the sections `nats`, `worker`, `clock` and `limits`: `CHATNATION__WORKER__BULK=2`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from bot.settings import Settings

__all__ = ["ClockSettings", "LimitSettings", "NatsSettings", "WorkerSettings"]


class NatsSettings(Settings):
    url: SecretStr | None = None
    """`nats://token@host:4222`, several separated by commas. None: `chatnation up` starts a NATS of its own."""


class WorkerSettings(Settings):
    """How many processes `chatnation up` starts per queue, and how much one of them does at a time."""

    interactive: int = Field(1, ge=0)
    bulk: int = Field(1, ge=0)
    render: int = Field(1, ge=0)
    interactive_concurrency: int = Field(512, ge=1)
    """Conversations at hand at a time. Few of them are worked on (`turn.at_once_per_organization`), so this is how far a process
    looks along the queue for another organization's."""
    bulk_concurrency: int = Field(32, ge=1)
    render_concurrency: int = Field(2, ge=1)
    """Pictures drawn at a time; libvips itself runs single-threaded in this process."""
    stop_s: float = Field(8.0, gt=0, lt=10)
    """How long running tasks may go on after SIGTERM; what is cut off then is redone by its row."""
    deliver_batch: int = Field(50, ge=1, le=500)
    """Outbox rows leased at once. They must go out well within `turn.unknown_grace_s` at the number's rate."""
    deliver_s: float = Field(5.0, gt=0)
    """One delivery task sends for so long before it lets others have its place."""
    lookout_s: float = Field(0.75, gt=0)
    """While NATS is away a worker looks for work in PostgreSQL itself, so often, give or take a third."""


class ClockSettings(Settings):
    """The process that finds what is due. Any number may run; one leads."""

    direct_dsn: SecretStr | None = None
    """Role chatnation_system past any PgBouncer: the leader's lock lives as long as its connection. None: `store.system_dsn`."""
    relay_s: float = Field(0.15, gt=0)
    statuses_s: float = Field(0.15, gt=0)
    sweep_s: float = Field(0.5, gt=0)
    hooks_s: float = Field(0.3, gt=0)
    """How often webhooks that are due are looked for."""
    schedules_s: float = Field(1.0, gt=0)
    """How often it is looked whether a skill's schedule is due."""
    retention_s: float = Field(300.0, gt=0)
    lost_hint_s: float = Field(1.5, gt=0)
    """An inbox row that nobody took for so long is hinted again; doubles up to `lost_hint_max_s` for the same row."""
    lost_hint_max_s: float = Field(15.0, gt=0)
    rekick_s: float = Field(3.0, gt=0)
    """A job that was kicked and not started for so long is kicked again."""
    jobs_per_organization: int = Field(4, ge=1)
    """Jobs of one organization in flight per queue: a large organization waits for itself, not the others for it."""
    jobs_in_flight: int = Field(64, ge=1)
    """Jobs in flight per queue over all organizations."""
    deliveries_per_organization: int = Field(2, ge=1)
    """Delivery tasks of one organization and lane at work: one sends while the other claims."""
    beat_s: float = Field(0.5, gt=0)
    alive_gap_s: float = Field(2.0, gt=0)
    """Silence after which a kind of process counts as having been away."""
    indexes_s: float = Field(300.0, gt=0)
    """How often vector indexes of large organizations are looked after; only where `store.owner_dsn` is told."""
    statuses_keep_h: float = Field(24 * 7, gt=0)
    """A status whose message never turns up is kept so long."""
    done_jobs_days: float = Field(30, gt=0)
    deliveries_days: float = Field(30, gt=0)
    hooks_days: float = Field(30, gt=0)
    """Webhooks out, delivered or not: for so long they may be looked at and replayed."""
    traces_days: float = Field(14, gt=0)
    usage_days: float = Field(400, gt=0)
    """What models were asked and what it took, in `usage_facts`: a year and its bill."""
    measure_s: float = Field(5.0, gt=0)
    """How often depths of queues and connections are looked at, for `/metrics` of the clock that leads."""
    incidents_s: float = Field(10.0, gt=0)
    """How often the clock that leads looks for incidents of the platform."""


class LimitSettings(Settings):
    """What WhatsApp allows; the numbers are the platform's, not ours (whatsapp/contract.md)."""

    number_per_s: float = Field(80.0, gt=0)
    """Messages a second of a number that has no limit of its own."""
    bulk_share: float = Field(0.8, gt=0, le=1)
    """Share of a number's rate that bulk may use, so that a reply always finds room."""
    pair_burst: int = Field(45, ge=1)
    pair_interval_s: float = Field(6.0, gt=0)
