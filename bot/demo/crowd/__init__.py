"""A large organization: as many conversations and messages as one asks for, to see how the app bears them.

    chatnation demo seed --conversations 10000 --messages 1000000

`cast` says who is there and what they said, `talks` in which words, `load` writes it, and takes it away again.
"""
