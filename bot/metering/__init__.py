"""The till: what was used, what it costs, and who pays. Nobody else charges."""

from bot.metering.till import Charge, Usage, charge, record_usage

__all__ = ["Charge", "Usage", "charge", "record_usage"]
