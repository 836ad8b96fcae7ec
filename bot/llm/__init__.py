"""Models behind one gateway: any server that speaks OpenAI's API, for chat, embeddings and speech.

Only workers import `bot.llm.gateway` (it needs the `openai` library); what others need is in `bot.ports`.
Nothing here is asked when no key and no address is set: then everything works offline.
"""
