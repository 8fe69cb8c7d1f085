"""Somebody who pays on the fake's page, for scripts that have nothing of CommerceKit."""

import html
import re
import urllib.error
import urllib.parse
import urllib.request

WEB = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def press(url, button):
    """Open the page and press a button; the status, and what the page says."""
    page = fetch(url)[1]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields = {name: html.unescape(value) for name, value in fields.items()} | {"action": button}
    where = html.unescape(re.search(r'action="([^"]+)"', page)[1])
    return fetch(where, urllib.parse.urlencode(fields).encode())


def fetch(url, body=None):
    try:
        with WEB.open(url, body, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
