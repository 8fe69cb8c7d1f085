"""A payment gateway that moves no money.

It behaves as a real one does, on a bad day too: the shopper pays on its own page, it tells the shop by
signed notifications over HTTP, it can hold, capture, refund and close, and magic amounts make it
decline, hesitate, repeat itself, contradict itself or fall silent.
"""
