"""How each language writes days and times, where Django has it otherwise than the pages do."""
