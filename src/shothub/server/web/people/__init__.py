"""How django-allauth, which signs people up and logs them in, meets the hub."""
