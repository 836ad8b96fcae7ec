"""A small skill as its author would write it: registration with name, e-mail, seats and a confirmation; a help text; a fee."""

from __future__ import annotations

FLOWS = r"""
flows:
  register:
    description: Register for the fair
    name: registration
    steps:
      - collect: full_name
      - collect: email
        rejections:
          - if: not slots.email matches '^[^@ ]+@[^@ ]+[.][a-z]+$'
            utter: utter_bad_email
      - collect: tier
      - noop: true
        next:
          - if: slots.tier = 'Gold'
            then:
              - id: ask_lounge
                collect: lounge
                next: ask_seats
          - else: ask_seats
      - id: ask_seats
        collect: seats
        rejections:
          - if: slots.seats < 1 or slots.seats > 9
            utter: utter_bad_seats
      - id: confirm
        collect: ok
        ask_before_filling: true
        next:
          - if: slots.ok
            then:
              - action: shop_register
                next: END
          - else:
              - action: utter_not_registered
                next: END

  opening_hours:
    description: When the fair is open
    run_pattern_completed: false
    words: {en: [hours, opening hours], sw: [saa za kazi]}
    steps:
      - action: utter_hours

  newsletter:
    description: Receive the newsletter
    steps:
      - collect: email
      - action: utter_subscribed
"""

DOMAIN = r"""
slots:
  full_name: {type: text, accept: name}
  email: {type: text, accept: email}
  tier: {type: categorical, values: [Gold, Silver]}
  lounge: {type: bool}
  seats: {type: float}
  ok: {type: bool}
actions: [shop_register]
responses:
  utter_ask_full_name: [{text: "What is your name?"}]
  utter_ask_email: [{text: "Your e-mail?"}]
  utter_bad_email: [{text: "{email} is no e-mail."}]
  utter_ask_tier:
    - text: "Gold or Silver?"
      buttons: [{title: Gold, payload: "/SetSlots(tier=Gold)"}, {title: Silver, payload: "/SetSlots(tier=Silver)"}]
  utter_ask_lounge: [{text: "Do you want the lounge?"}]
  utter_ask_seats: [{text: "How many seats?"}]
  utter_bad_seats: [{text: "Between 1 and 9."}]
  utter_ask_ok:
    - text: "{full_name}, {email}, {tier}, {seats}: right?"
      buttons: [{title: "Yes", payload: "/SetSlots(ok=true)"}, {title: "No", payload: "/SetSlots(ok=false)"}]
  utter_not_registered: [{text: "Not registered."}]
  utter_hours: [{text: "From 9 to 5."}]
  utter_subscribed: [{text: "Subscribed {email}."}]
"""

SWAHILI = r"""
responses:
  utter_ask_full_name: [{text: "Jina lako nani?"}]
flows:
  register: {name: usajili, words: [nisajili]}
"""

NLU = """
nlu:
  - intent: register
    examples: |
      - sign me up
      - I want to register for the fair
      - book [two](seats) seats
  - intent: newsletter
    examples: |
      - send me news
"""

FILES = {"nlu.yml": NLU, "locales/sw.yml": SWAHILI}
