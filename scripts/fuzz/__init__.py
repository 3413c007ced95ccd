"""Changed and forged files, given to the real commands: none may crash, hang or write elsewhere."""
