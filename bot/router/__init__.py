"""Explains what nothing cheaper could: a graph of agents whose only output is commands.

Only workers import `bot.router.graph` (it needs langgraph). A locked conversation with an acceptable answer never gets here (`entry`).
"""
