"""What starts skills from outside a conversation: `deliveries` takes in what other systems send, `secrets` is what they sign with, `start` the flow
that a schedule or delivery begins with people. When a schedule is due is the clock's business (`scheduler/schedules.py`)."""

from bot.triggers.deliveries import Answer, open_delivery, take
from bot.triggers.jobs import StartFlowJob
from bot.triggers.secrets import Hook, hooks, new_secret
from bot.triggers.start import start_flow

__all__ = ["Answer", "Hook", "StartFlowJob", "hooks", "new_secret", "open_delivery", "start_flow", "take"]
