"""Safaricom's M-Pesa as businesses meet it (Daraja: OAuth, STK push and query, C2B) and as a phone shows it."""
