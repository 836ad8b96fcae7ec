"""Meta's error envelope and the codes that this emulator answers with."""

from typing import Any, Final

# code -> (HTTP status, title); titles as Meta words them, bots must decide on the code.
_CODES: Final[dict[int, tuple[int, str]]] = {
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    15: (400, "This method must be called with an app access token"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name not approved"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "User has stopped receiving marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131055: (400, "Method not allowed"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Message type not supported for a business-scoped user id"),
    131063: (400, "Marketing messages are disabled on Cloud API"),
    132000: (400, "Template parameter count mismatch"),
    132001: (404, "Template does not exist"),
    132005: (400, "Template hydrated text too long"),
    132007: (400, "Template format character policy violated"),
    132012: (400, "Template parameter format mismatch"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameters are invalid"),
    132068: (400, "Flow is blocked"),
    132069: (400, "Flow is throttled"),
    133004: (503, "Server temporarily unavailable"),
    133010: (400, "Phone number not registered"),
    135000: (400, "Generic user error"),
    137000: (400, "Identity check failed"),
    2388019: (400, "Message template limit exceeded"),
    2388040: (400, "Character limit exceeded"),
    2388047: (400, "Message header format incorrect"),
    2388072: (400, "Message body format incorrect"),
    2388073: (400, "Message footer format incorrect"),
    2388293: (400, "Parameter words ratio exceeded"),
    2388299: (400, "Leading trailing params not allowed"),
    2494100: (400, "Maintenance mode"),
}
KNOWN_CODES = frozenset(_CODES)
DOCUMENTATION = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


class GraphError(Exception):
    """A refusal in Meta's words; raised where the rule is known, written out by the Graph middleware."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None, title: str | None = None) -> None:
        super().__init__(f"{code} {details}")
        self.code = code
        self.details = details
        self.subcode = subcode
        self.title = title or _CODES.get(code, (400, "Unknown error"))[1]
        self.status = _CODES.get(code, (400, ""))[0]

    def envelope(self, trace_id: str) -> dict[str, Any]:
        """The body of the HTTP answer."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.title}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = trace_id
        return {"error": error}

    def status_error(self) -> dict[str, Any]:
        """The same refusal as it comes later in `statuses[].errors`."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details or self.title},
            "href": DOCUMENTATION,
        }


def missing(path: str) -> GraphError:
    return GraphError(131008, f"The parameter {path} is required.")


def invalid(details: str) -> GraphError:
    return GraphError(131009, details)


def invalid_parameter(details: str) -> GraphError:
    return GraphError(100, details)


def no_such_object(object_id: str) -> GraphError:
    details = f"Object with ID '{object_id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
    return GraphError(100, details, subcode=33)
