"""Adds up what people write: one question, one local action that writes a row, one answer, and the question again."""
