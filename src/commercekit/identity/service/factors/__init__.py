"""Second factors: setting them up, asking for them, proving them."""

from commercekit.identity.service.factors.codes import SentCodes
from commercekit.identity.service.factors.desk import FactorDesk
from commercekit.identity.service.factors.passkeys import Passkeys
from commercekit.identity.service.factors.proving import FactorProofs
from commercekit.identity.service.factors.recovery import RecoveryCodes

__all__ = ["FactorDesk", "FactorProofs", "Passkeys", "RecoveryCodes", "SentCodes"]
