"""The numbers an organization speaks through: connecting them, what is wrong with them, and their message templates."""

from bot.numbers.book import Number, connect, find_number, list_numbers, renew_token
from bot.numbers.doctor import examine, examine_all, send_test, subscribe
from bot.numbers.templates import ApprovedTemplate, approved_templates, fetch_templates, list_templates
from bot.provider import Finding, NotConnected, NumberFacts, Outcome, Provider

__all__ = [
    "ApprovedTemplate",
    "Finding",
    "NotConnected",
    "Number",
    "NumberFacts",
    "Outcome",
    "Provider",
    "approved_templates",
    "connect",
    "examine",
    "examine_all",
    "fetch_templates",
    "find_number",
    "list_numbers",
    "list_templates",
    "renew_token",
    "send_test",
    "subscribe",
]
