"""Shipping prices out of a table; the waybill is written by hand."""
