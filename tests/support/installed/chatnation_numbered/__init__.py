"""A skill as a third party ships it: a package of its own, found by its entry point. It answers numbered messages with their number.

Every answer is one row and one message, so a ledger of either kind tells what was lost, doubled or overtaken.
"""
