"""Why a person is on the list, in words."""
