"""Who may use which route."""

import re

# Who may use what. A secret in the path (a mailed link's token) counts as public: who has it, may.
PUBLIC = """
    GET /openapi.json   GET /docs   GET /health   GET /   GET /privacy   GET /accessibility
    GET /how-ranking-works   POST /theme   GET /providers   GET /providers/{category}
    GET /p/{slug}
    GET /sign-up   POST /sign-up   GET /sign-up/{question}   POST /sign-up/name
    POST /sign-up/email   POST /sign-up/password   GET /check-mail
    GET /confirm/{token}   POST /confirm/{token}
    GET /sign-in   POST /sign-in   GET /sign-in/link   POST /sign-in/link
    GET /sign-in/link/{token}   POST /sign-in/link/{token}   POST /sign-out
    GET /recover   POST /recover   GET /reset/{token}   POST /reset/{token}
    GET /resume   POST /resume   GET /find   POST /find/{category}/start
    GET /api/v1/categories   GET /api/v1/categories/{name}
    GET /api/v1/providers   GET /api/v1/providers/{slug}   POST /api/v1/needs
    GET /pot/economy   GET /api/v1/pot/economy   GET /api/v1/pot/earning-breakdown
    GET /api/v1/pot/spending-breakdown   GET /api/v1/pot/health   GET /api/v1/pot/rules
"""
# Nobody's in production, or only this machine's.
LOCAL = "GET /dev/outbox   GET /dev/outbox/{message_id}   GET /metrics"
# The browser, program or account that a need belongs to.
NEED_OWNER = """
    GET /find/save   POST /find/save   GET /find/save/mail   POST /find/save/mail
    GET /find/{category}/{number:int}   POST /find/{category}/{number:int}
    POST /find/{category}/{number:int}/count
    GET /find/{category}/{number:int}/relax   POST /find/{category}/{number:int}/relax
    GET /find/{category}/stop   GET /find/{category}/check   POST /find/{category}/check
    GET /matches   POST /matches/relax   GET /compare
    GET /matches/lists/{shortlist_id:int}
    GET /matches/{match_id:int}/why   POST /matches/{match_id:int}/report   GET /matches/paid/why
    GET /api/v1/needs/{need_id}   DELETE /api/v1/needs/{need_id}
    POST /api/v1/needs/{need_id}/shortlists   GET /api/v1/matches   GET /api/v1/matches/{match_id}
"""
USER = """
    GET /sign-in/code   POST /sign-in/code   GET /step-up   POST /step-up
    GET /account   GET /account/name   POST /account/name   GET /account/email   POST /account/email
    GET /account/password   POST /account/password   POST /account/browsers/{session_id}/end
    GET /account/second-factor   POST /account/second-factor   POST /account/second-factor/begin
    POST /account/second-factor/recovery-codes   POST /account/second-factor/off
    GET /account/api-keys   POST /account/api-keys   POST /account/api-keys/{key_id}/revoke
    GET /account/export   GET /account/delete   POST /account/delete
    GET /pro   GET /pro/new   POST /pro/new   GET /pro/profile/{category}
    POST /pro/profile/{category}/submit   POST /pro/profile/{category}/pause
    POST /pro/profile/{category}/resume   POST /pro/profile/{category}/capacity
    POST /pro/profile/{category}/address
    GET /pro/profile/{category}/{number:int}   POST /pro/profile/{category}/{number:int}
    GET /api/v1/me   GET /api/v1/me/api-keys   POST /api/v1/me/api-keys
    DELETE /api/v1/me/api-keys/{key_id}   GET /api/v1/me/providers
    PUT /api/v1/me/providers/{category}   POST /api/v1/me/providers/{category}/submit
    GET /api/v1/pot/balance   GET /api/v1/pot/transactions   POST /api/v1/pot/spend
    GET /api/v1/pot/purchases   POST /api/v1/pot/purchases/{purchase_id}/cancel
    GET /api/v1/pot/redemptions   POST /api/v1/pot/redemptions
    POST /api/v1/pot/redemptions/{redemption_id}/cancel
    GET /wallet/redeem   POST /wallet/redeem   GET /wallet/redeem/check
    POST /wallet/redeem/{redemption_id:int}/cancel
    GET /wallet/redeem/payee   POST /wallet/redeem/payee
    GET /wallet   GET /wallet/earn   GET /wallet/transactions   GET /wallet/transactions.csv
    POST /wallet/purchases/{purchase_id:int}/cancel
    POST /wallet/purchases/{purchase_id:int}/stop-renewing
    GET /wallet/spend   GET /wallet/spend/{option}   POST /wallet/spend/{option}
    GET /matches/more/{option}   POST /matches/more/{option}
    POST /matches/orders/{purchase_id:int}/cancel
    GET /pro/boosts   GET /pro/boosts/{category}/{option}   POST /pro/boosts/{category}/{option}
    POST /pro/boosts/purchases/{purchase_id:int}/renewing
"""
OPERATOR = """
    GET /console   GET /console/providers   GET /console/providers/{provider_id:int}
    POST /console/providers/{provider_id:int}/approve
    POST /console/providers/{provider_id:int}/reject
    POST /console/providers/{provider_id:int}/credentials
    GET /console/categories   POST /console/categories/{name}/activate
    POST /console/categories/{name}/deactivate
    GET /console/economy   GET /console/economy/{block}.csv   GET /console/economy/live
    GET /console/redemptions   POST /console/redemptions/export
    GET /console/redemptions/{redemption_id:int}
    POST /console/redemptions/{redemption_id:int}/approve
    POST /console/redemptions/{redemption_id:int}/reject
    POST /console/redemptions/{redemption_id:int}/paid
    GET /console/redemptions/people/{user_id:int}
    POST /console/redemptions/people/{user_id:int}/verify
    POST /console/redemptions/people/{user_id:int}/hold
    POST /console/redemptions/holds/{hold_id:int}/lift
    GET /console/orders   POST /console/orders/{purchase_id:int}/deliver
    POST /console/orders/{purchase_id:int}/cancel
    GET /console/grants   POST /console/grants
    POST /console/grants/{grant_id:int}/approve   POST /console/grants/{grant_id:int}/reject
    GET /console/policy   GET /console/policy/weeks.csv   POST /console/policy
    POST /console/policy/check
    POST /console/policy/{version_id:int}/approve   POST /console/policy/{version_id:int}/reject
"""


def listed(table: str) -> list[str]:
    return re.findall(r"[A-Z]+ /\S*", table)


RULES = {
    route: rule
    for rule, table in (
        ("public", PUBLIC),
        ("local", LOCAL),
        ("need owner", NEED_OWNER),
        ("user", USER),
        ("operator", OPERATOR),
    )
    for route in listed(table)
}
