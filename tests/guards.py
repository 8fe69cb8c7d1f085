"""A guard before providers with the figures a test wants."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from commercekit.platform.providers import (
    Breaker,
    FailurePolicy,
    KindSettings,
    Policies,
    ProviderCaller,
    ProviderKind,
    VerbSettings,
)


def patient_guard(
    kind: ProviderKind,
    *,
    seconds: float | None = None,
    policy: FailurePolicy | None = None,
    only: str | None = None,
    limit: int = 1000,
    **more: Any,
) -> ProviderCaller:
    """Every verb, or ``only`` one, with this deadline and policy; a breaker that hardly ever opens."""
    deadline = None if seconds is None else timedelta(seconds=seconds)
    verbs = {
        verb.name: VerbSettings(
            deadline=deadline, policy=policy if policy in verb.policies else None
        )
        for verb in kind.verbs
        if only in {None, verb.name}
    }
    policies = Policies([kind], {kind.code: KindSettings(verbs=verbs)})
    return ProviderCaller(policies=policies, breaker=lambda: Breaker(limit=limit), **more)
