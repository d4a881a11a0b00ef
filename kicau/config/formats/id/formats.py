"""Read by Django (FORMAT_MODULE_PATH); what is not named here is as Django has it."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H.i"
DATETIME_FORMAT = "j M Y, H.i"
