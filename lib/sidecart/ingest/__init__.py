"""Landing files to silver: discovery, strict parsing, refusal with a reason, settlement of returns."""
