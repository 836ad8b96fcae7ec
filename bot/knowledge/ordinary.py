"""Sentences about nothing in particular, in the languages of our people: their mean is what all texts have in common for a model."""

from __future__ import annotations

__all__ = ["PASSAGES", "QUESTIONS"]

QUESTIONS = (
    "What time does it start?",
    "How much does it cost?",
    "Who can help me with this?",
    "Where can I find more information?",
    "Is it possible to change this later?",
    "Can I bring my friends?",
    "Do you have something for children?",
    "Which of these is better?",
    "Inaanza saa ngapi?",
    "Bei yake ni kiasi gani?",
    "Nani anaweza kunisaidia?",
    "Nitapata wapi maelezo zaidi?",
    "Naweza kubadilisha baadaye?",
    "Kuna kitu kwa watoto?",
    "Mpira utachezwa lini?",
    "Who won the match yesterday?",
)
PASSAGES = (
    "The office is open on weekdays from eight to five.",
    "Please keep your receipt, you will need it later.",
    "The river rises in the highlands and flows east to the ocean.",
    "Members may invite one guest to the yearly dinner.",
    "Wash the vegetables, cut them small and fry them in a little oil.",
    "The new road shortens the journey by almost an hour.",
    "Payment is due within thirty days of the invoice.",
    "Students who missed the test may sit it next week.",
    "Ofisi hufunguliwa siku za kazi kuanzia saa mbili asubuhi.",
    "Tafadhali tunza risiti yako, utaihitaji baadaye.",
    "Mto huanzia milimani na kutiririka mashariki hadi baharini.",
    "Osha mboga, zikate ndogo ndogo na uzikaange kwa mafuta kidogo.",
    "Barabara mpya inapunguza safari kwa karibu saa moja.",
    "Malipo yafanyike ndani ya siku thelathini.",
    "Wanafunzi waliokosa mtihani wataufanya wiki ijayo.",
    "The goalkeeper saved two penalties and the crowd went wild.",
)
