"""The one way out: HTTPS to public addresses, pinned, bounded, without redirects.

Where a URL comes from a shopper, a merchant or a vendor, it must not reach what stands beside this
shop. The name is resolved here, every address is checked, and the connection goes to the very address
that was checked, so that a second answer of the name server changes nothing. TLS is verified for the
name; proxies of the environment are ignored; time and size are bounded.
"""

from commercekit.platform.http.outbound.addresses import Reach, UrlNotAllowed, check_url
from commercekit.platform.http.outbound.network import Resolver
from commercekit.platform.http.outbound.posting import Answered, OutboundClient, PostFailed, post
from commercekit.platform.http.outbound.transport import (
    OutboundTransport,
    ResponseTooLarge,
    UnaskedEncoding,
    check_reach,
    outbound_client,
)

__all__ = [
    "Answered",
    "OutboundClient",
    "OutboundTransport",
    "PostFailed",
    "Reach",
    "Resolver",
    "ResponseTooLarge",
    "UnaskedEncoding",
    "UrlNotAllowed",
    "check_reach",
    "check_url",
    "outbound_client",
    "post",
]
