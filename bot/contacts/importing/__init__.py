"""Contacts from a CSV file: read, mapped by guesses that people confirm, checked row by row, written in batches, and taken back if need be.

import_id = await draft.upload(work, data, "guests.csv")       # the file is kept, sealed
seen = await draft.preview(principal, import_id, plan)          # nothing is written
await draft.start(work, import_id, plan)                        # `core.import_contacts` does it in the background
await draft.start_undo(work, import_id)                         # removes what it made, restores what it changed, unless touched since
"""
