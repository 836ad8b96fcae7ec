"""Pages of the admin app; imported there and nowhere else."""

from skills.events.admin import door, edit, listing, overview, people, swahili

__all__ = ["door", "edit", "listing", "overview", "people", "swahili"]
