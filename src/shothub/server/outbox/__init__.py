"""What is to be told to the outside: webhooks and e-mail, none of it lost."""
