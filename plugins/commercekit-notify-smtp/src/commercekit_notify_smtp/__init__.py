"""E-mails through a mail server that speaks SMTP."""
