"""Rows of people before any organization is known: who signs in, how they proved it, and since when.

They run as the system's role. Nothing here decides; `bot/identity` does.
"""

from store.people.factors import (
    confirm_totp,
    mark_second_factor,
    put_recovery_codes,
    put_totp,
    remove_totp,
    use_recovery_code,
    use_totp_step,
)
from store.people.keys import KeyStanding, key_standing, touch_key
from store.people.profile import (
    Person,
    Place,
    create_person,
    person,
    person_named,
    places_of,
    put_password,
    set_platform_admin,
)
from store.people.seat import Seat
from store.people.sessions import (
    SessionRow,
    Standing,
    end_session,
    end_sessions,
    has_signed_in_from,
    put_refresh_token,
    sessions_of,
    standing,
    start_session,
    touch_session,
    use_refresh_token,
)
from store.people.tries import count_try, forget_tries, give_back_try

__all__ = [
    "KeyStanding",
    "Person",
    "Place",
    "Seat",
    "SessionRow",
    "Standing",
    "confirm_totp",
    "count_try",
    "create_person",
    "end_session",
    "end_sessions",
    "forget_tries",
    "give_back_try",
    "has_signed_in_from",
    "key_standing",
    "mark_second_factor",
    "person",
    "person_named",
    "places_of",
    "put_password",
    "put_recovery_codes",
    "put_refresh_token",
    "put_totp",
    "remove_totp",
    "sessions_of",
    "set_platform_admin",
    "standing",
    "start_session",
    "touch_key",
    "touch_session",
    "use_recovery_code",
    "use_refresh_token",
    "use_totp_step",
]
