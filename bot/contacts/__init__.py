"""Verbs on contacts that the chat, the API and the admin app share."""
