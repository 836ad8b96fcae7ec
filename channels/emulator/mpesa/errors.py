"""Daraja's refusals, and the codes with which an accepted push ends."""

from typing import Any, Final

# Result of a push -> the sentence beside it. Decide on the code: sentences vary over time.
RESULTS: Final[dict[int, str]] = {
    0: "The service request is processed successfully.",
    1: "The balance is insufficient for the transaction.",
    1001: "Unable to lock subscriber, a transaction is already in process for the current subscriber",
    1019: "Transaction has expired",
    1025: "An error occurred while sending a push request",
    1032: "Request cancelled by user",
    1037: "DS timeout user cannot be reached",
    2001: "The initiator information is invalid.",
    9999: "An error occurred while sending a push request",
}


class DarajaError(Exception):
    """A refusal in Safaricom's envelope; the frame around every endpoint writes it out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.status = status
        self.code = code
        self.message = message

    def envelope(self, request_id: str) -> dict[str, Any]:
        return {"requestId": request_id, "errorCode": self.code, "errorMessage": self.message}


def bad_field(name: str) -> DarajaError:
    return DarajaError(400, "400.002.02", f"Bad Request - Invalid {name}")


def internal(message: str) -> DarajaError:
    return DarajaError(500, "500.001.1001", message)
