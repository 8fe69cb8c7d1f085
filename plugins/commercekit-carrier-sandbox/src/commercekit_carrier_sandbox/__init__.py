"""A carrier that moves no parcel.

It behaves as a real one does, on a bad day too: it gives tracking numbers, tells the shop by signed
notifications over HTTP and when it is asked, and magic words in the address lose, return or delay a
parcel, repeat news, or tell them in the wrong order.
"""
