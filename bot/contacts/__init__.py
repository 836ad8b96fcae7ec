"""Verbs on contacts that the chat, the API and the admin app share. All run in the organization's scope.

`listing` (who, by filter), `change` (one or many), `book` (labels, fields, segments), `merge`, `timeline`, `consent`, `importing`.
"""
