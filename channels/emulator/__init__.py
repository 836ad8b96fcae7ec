"""A Cloud-API-faithful WhatsApp on localhost, for any bot; it knows nothing of the application beside it."""

CONTRACT_VERSION = "2026-11"  # the state of Meta's documentation that this emulator was written against
GRAPH_VERSION = "v25.0"  # what paths and paging links carry when the caller named no version
