"""The core's own resources; every module of this folder is found. Those of skills stand in their `http.py`."""
