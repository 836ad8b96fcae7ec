"""What an organization makes of a skill: its own flows, responses and knowledge, as drafts, versions and what is published.

A version is an overlay: the files that differ from those the skill ships. The newest version counts; rolling back publishes an
older one again. `service` has the verbs, `examine` what is wrong with a draft, `stranded` says which conversations a change would leave without a place.
"""

from bot.publishing.overlay import Overlay, Unfit, path_problem

__all__ = ["Overlay", "Unfit", "path_problem"]
