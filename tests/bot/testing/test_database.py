"""A try at making a template that does not come to its end leaves nothing in the way of the next."""

from __future__ import annotations

import pytest

from tests.store.broken import BROKEN
from tests.support.database import Cluster


async def test_what_was_left_half_made_is_not_in_the_way(cluster: Cluster) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="no_such_table"):
            await cluster.template([BROKEN])
