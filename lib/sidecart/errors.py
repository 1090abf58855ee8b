"""The errors a user can meet. Each message names the file, row, column or key, and the remedy."""


class SidecartError(Exception):
    """Base of all errors that sidecart raises on purpose; the command line prints them without a trace."""


class SettingsError(SidecartError):
    """A configuration file or value can't be used."""


class ContractError(SidecartError):
    """A frame or table does not have the columns its contract declares."""


class InputError(SidecartError):
    """A landing file fails the whole run. `code` is the stable reason code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class RuleError(SidecartError):
    """A rule can't be applied; rules are never silently ignored. `code` is the stable reason code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class StateError(SidecartError):
    """The counts that a run was to go on from can't be gone on from."""


class PlanError(SidecartError):
    """A count would take more than the shop allows."""


class GateError(SidecartError):
    """A quality gate refused to publish."""


class StorageError(SidecartError):
    """The warehouse is missing, locked, damaged or of another version."""
