"""Run by a real action server: `python -m rasa_sdk --actions actions`. Written as any Rasa action is."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection


class Judge(Action):
    def name(self) -> str:
        return "quiz_judge"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        answer = tracker.get_slot("quiz_answer")
        if answer == "reject":
            raise ActionExecutionRejection("quiz_judge")
        if answer == "raise":
            raise RuntimeError("broken on purpose")
        dispatcher.utter_message(response="utter_quiz_bravo", who=str(answer))
        dispatcher.utter_message(text=f"key {tracker.latest_message['metadata']['idempotency_key']}")
        return [SlotSet("quiz_points", 3 if answer == "Nairobi" else 0)]
