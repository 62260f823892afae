"""Where CCEE's API is (ccee.md 1)."""

PRODUCTION = "https://api-abm.ccee.org.br"
SANDBOX = "https://sandbox-api-abm.ccee.org.br"
