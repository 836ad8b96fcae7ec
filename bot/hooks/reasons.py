"""Why something was not taken: kept in English, as the API tells it, and said to people in their language."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["ALL", "words_of"]

BROKE = "the connection broke: {kind}"
GONE = "it answered 410: it wants nothing more"
IS_GONE = "what it tells of is gone, or cannot be read"
NOBODY = "nobody listens there, or a firewall is in between"
NO_ANSWER = "no answer within {seconds} seconds; answer first, work afterwards"
NO_TLS = "no TLS connection could be made"
NOT_VALID = "its certificate is not valid"
REDIRECTS = "it redirects; give the address that it leads to"
REDIRECTS_TO = "it redirects to {where}; give the address that it leads to"
REFUSED = "it answered {status}"
TURNED_OFF = "the webhook was turned off"
UNKNOWN = "its name is not known to the DNS"
WITHOUT_IT = "the webhook was turned on without it"

# Of addresses, by `guard`.
IS_PRIVATE = "{host} is in a private network ({address}); give an address that the world can reach"
NAMED_PRIVATE = "this name is of a private network; give an address that the world can reach"
NO_ADDRESS = "this is no address; write it like https://example.com/chatnation"
NOT_HTTPS = "give an address that begins with https://, so that nobody on the way reads or changes what is sent"
SPACES = "leave out spaces and what stands behind #"
WITH_USER = "leave out user and password; the signature proves that it is us"

# The first that fits: what is exact stands before what has a value.
ALL = {
    BROKE: "muunganisho ulikatika: {kind}",
    GONE: "kilijibu 410: hakitaki tena",
    IS_GONE: "kinachosimuliwa hakipo tena, au hakisomeki",
    NOBODY: "hakuna anayesikiliza hapo, au kuna ukuta wa moto katikati",
    NO_ANSWER: "hakuna jibu ndani ya sekunde {seconds}; jibu kwanza, fanya kazi baadaye",
    NO_TLS: "muunganisho wa TLS haukuwezekana",
    NOT_VALID: "cheti chake si halali",
    REDIRECTS: "kinaelekeza kwingine; toa anwani kinakoelekeza",
    REDIRECTS_TO: "kinaelekeza kwenye {where}; toa anwani hiyo",
    REFUSED: "kilijibu {status}",
    TURNED_OFF: "webhook ilizimwa",
    UNKNOWN: "jina lake halijulikani kwenye DNS",
    WITHOUT_IT: "webhook iliwashwa bila hili",
    IS_PRIVATE: "{host} iko kwenye mtandao wa ndani ({address}); toa anwani inayofikika na wote",
    NAMED_PRIVATE: "jina hili ni la mtandao wa ndani; toa anwani inayofikika na wote",
    NO_ADDRESS: "hii si anwani; iandike kama https://example.com/chatnation",
    NOT_HTTPS: "toa anwani inayoanza na https://, ili asiwepo njiani wa kusoma au kubadilisha kinachotumwa",
    SPACES: "ondoa nafasi na kilicho baada ya #",
    WITH_USER: "ondoa jina na nywila; saini inathibitisha kwamba ni sisi",
}


def words_of(reason: str) -> str | Mapping[str, str]:
    """One that is not known here is said as it is."""
    for english, swahili in ALL.items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(english))
        if found := re.fullmatch(pattern, reason, re.DOTALL):
            return {"en": reason, "sw": swahili.format(**found.groupdict())}
    return reason
