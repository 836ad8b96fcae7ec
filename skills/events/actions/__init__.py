"""What the flows of this skill do besides talking, by journey. Thin: the verbs are in `service`."""

from __future__ import annotations

from skills.events.actions.browse import AskEvent, AskNext, LookUp
from skills.events.actions.facts import TellAbout, TellPrice, TellWhen, TellWhere
from skills.events.actions.picture import PromisePicture, RequestPicture, SendPicture
from skills.events.actions.register import (
    AskConfirm,
    AskName,
    AskTicketType,
    CheckEmail,
    CheckType,
    LookUpTypes,
    Register,
)
from skills.events.actions.tickets import AskCancelSure, AskTicket, CancelTicket, LookUpTickets

__all__ = [
    "AskCancelSure",
    "AskConfirm",
    "AskEvent",
    "AskName",
    "AskNext",
    "AskTicket",
    "AskTicketType",
    "CancelTicket",
    "CheckEmail",
    "CheckType",
    "LookUp",
    "LookUpTickets",
    "LookUpTypes",
    "PromisePicture",
    "Register",
    "RequestPicture",
    "SendPicture",
    "TellAbout",
    "TellPrice",
    "TellWhen",
    "TellWhere",
]
