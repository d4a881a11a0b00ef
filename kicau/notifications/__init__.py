"""What people and operators are told: in the page, by e-mail at once or as a daily digest, as each person chose by event;
and the instance's troubles, told once when they begin and once when they are over.
"""
