"""The floors: what one would write by hand for one job and nothing else. No error handling beyond what the job needs, no options."""
