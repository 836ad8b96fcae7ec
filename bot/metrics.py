"""What conversations, models and sends count, in every process; docs/metrics.md lists it with the rest.

The counters of the business are here, whoever counts them: names are the platform's, skills come and go.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from store.metrics import REGISTRY

__all__ = [
    "FAILURES_IN_A_ROW",
    "HOOKS_SENT",
    "HYPECARDS_GENERATED",
    "LLM_REQUESTS",
    "LLM_TOKENS",
    "MESSAGES_PROCESSED",
    "MESSAGES_SENT",
    "PROCESS_INFO",
    "REGISTRY",
    "SURVEYS_COMPLETED",
    "TOKENS_CONSUMED",
    "failed",
    "succeeded",
]

MESSAGES_PROCESSED = Counter(
    "messages_processed_total",
    "Inbox rows whose turn was committed: messages, events, time-outs",
    ["kind"],
    registry=REGISTRY,
)
MESSAGES_SENT = Counter(
    "messages_sent_total", "Tries to send, by what became of them", ["lane", "outcome"], registry=REGISTRY
)
HOOKS_SENT = Counter(
    "hooks_sent_total", "Tries of webhooks out, by what became of them", ["outcome"], registry=REGISTRY
)
TOKENS_CONSUMED = Counter(
    "tokens_consumed_total", "Tokens taken from wallets; 0 as long as usage has no prices", registry=REGISTRY
)
SURVEYS_COMPLETED = Counter("surveys_completed_total", "Answered to the end; by the skill surveys", registry=REGISTRY)
HYPECARDS_GENERATED = Counter("hypecards_generated_total", "Cards drawn; by the skill hypecards", registry=REGISTRY)
LLM_REQUESTS = Counter(
    "llm_requests_total",
    "Requests to models, every try, by what became of them",
    ["kind", "outcome"],
    registry=REGISTRY,
)
LLM_TOKENS = Counter("llm_tokens_total", "What models read and wrote", ["kind", "direction"], registry=REGISTRY)
FAILURES_IN_A_ROW = Gauge(
    "worker_failures_in_a_row",
    "Turns, jobs and tasks of this process that failed since the last that did not",
    registry=REGISTRY,
)
PROCESS_INFO = Gauge("chatnation_process_info", "1; which process this is", ["service", "version"], registry=REGISTRY)


def failed() -> None:
    FAILURES_IN_A_ROW.inc()


def succeeded() -> None:
    FAILURES_IN_A_ROW.set(0)
