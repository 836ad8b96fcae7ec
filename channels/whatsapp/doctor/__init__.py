"""The connection doctor: one check, one function. Each asks the real thing over HTTP: Meta's Graph API, or our own webhook.

"Verified, but nothing arrives" has four switches behind it (contract section 1) and a handful of other causes; each has its check here.
They are run in the order in which they are imported.
"""

from channels.whatsapp.doctor import sending, receiving, around  # isort: skip
from channels.whatsapp.doctor.case import CHECKS, Case, Check, Result

__all__ = ["CHECKS", "Case", "Check", "Result", "around", "receiving", "sending"]
